"""Stage 7, package: a fitted model and its report become a folder that travels.

`import headstart.packaging` stays light: the libraries that only writing needs are loaded by `write`.
"""

from headstart.core.prediction import Prediction
from headstart.packaging.bundle import Schema, check_target, write
from headstart.packaging.charts import start_drawing
from headstart.packaging.manifest import sign_bundle
from headstart.packaging.model import Bundle, load_bundle
from headstart.packaging.page import render

__all__ = [
    "Bundle",
    "Prediction",
    "Schema",
    "check_target",
    "load_bundle",
    "render",
    "sign_bundle",
    "start_drawing",
    "write",
]
