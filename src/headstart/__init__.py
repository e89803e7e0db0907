"""Headstart: models that others have trained, put to work on your few hundred examples, with proof that it helped.

The verbs, in the order of the line. Importing this module loads no heavy library; a verb loads what it needs.
"""

from __future__ import annotations

import importlib
import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from headstart.compression import compress
    from headstart.data import demo, load
    from headstart.evaluation import prove
    from headstart.features.embeddings import embed
    from headstart.heads import adapt
    from headstart.monitoring import watch
    from headstart.packaging import load_bundle
    from headstart.pipeline import fit, pretrain, prove_again
    from headstart.ranking import rank
    from headstart.sources import find, open_source
    from headstart.streaming import stream
    from headstart.updating import update

__version__ = "0.1.0"

# ONNX Runtime, since 1.29, reports to its makers what it runs unless this is set before it is imported
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

_VERBS = {
    "demo": "headstart.data",
    "load": "headstart.data",
    "find": "headstart.sources",
    "open_source": "headstart.sources",
    "embed": "headstart.features.embeddings",
    "rank": "headstart.ranking",
    "adapt": "headstart.heads",
    "prove": "headstart.evaluation",
    "load_bundle": "headstart.packaging",
    "compress": "headstart.compression",
    "pretrain": "headstart.pipeline",
    "fit": "headstart.pipeline",
    "prove_again": "headstart.pipeline",
    "stream": "headstart.streaming",
    "watch": "headstart.monitoring",
    "update": "headstart.updating",
}

__all__ = [
    "adapt",
    "compress",
    "demo",
    "embed",
    "find",
    "fit",
    "load",
    "load_bundle",
    "open_source",
    "pretrain",
    "prove",
    "prove_again",
    "rank",
    "stream",
    "update",
    "watch",
]


def __getattr__(name: str) -> Any:
    if name not in _VERBS:
        raise AttributeError(f"module 'headstart' has no attribute '{name}'")
    return getattr(importlib.import_module(_VERBS[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
