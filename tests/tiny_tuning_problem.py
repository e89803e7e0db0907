"""Tiny networks with the ways to tune them; `headstart.testing.tiny_tuning_problem` makes the problems."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

import tiny
from headstart.core import registry
from headstart.testing.tiny_tuning_problem import FILLERS, TASK, photos, texts, tuning_problem

__all__ = ["FILLERS", "pairs", "photos", "texts", "tuning_problem"]


def pairs(*architectures: str) -> list:
    """Each tiny network with each registered way to tune that it supports."""
    methods = [registry.get("tuning_methods", name)() for name in registry.names("tuning_methods")]
    with TemporaryDirectory() as folder:
        sources = [tiny.source(architecture, Path(folder) / architecture) for architecture in architectures]
        return [
            pytest.param(architecture, method, id=f"{architecture}-{method.name}")
            for architecture, source in zip(architectures, sources, strict=True)
            for method in methods
            if method.supports(source, TASK)
        ]
