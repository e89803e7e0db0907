"""Stage 7, package: a fitted model and its report become a folder that travels.

`import headstart.packaging` stays light: the libraries that only writing needs are loaded by `write`.
"""

from headstart.core.prediction import Prediction
from headstart.packaging.bundle import check_target, write
from headstart.packaging.bundle_schema import BundleSchema
from headstart.packaging.manifest import sign_bundle
from headstart.packaging.model import Bundle
from headstart.packaging.opening import load_bundle

__all__ = [
    "Bundle",
    "BundleSchema",
    "Prediction",
    "check_target",
    "load_bundle",
    "sign_bundle",
    "write",
]
