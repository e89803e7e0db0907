"""The commands as people and machines use them: exit codes, one-line errors, figures on standard output."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import shutil
import struct
import subprocess
import sys
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import tiny
from headstart import sources
from headstart.cli import main
from headstart.engines import files
from headstart.packaging.manifest import MANIFEST
from headstart.sources import backbone
from small_data import write_photo, write_table
from tiny_bundle import make_bundle

if TYPE_CHECKING:
    from collections.abc import Callable

ANSWERS = {"item", "label", "probability", "top"}
KEYS = {"task", "n_items", "n_groups", "source", "strategy", "verdict", "metric", "rivals", "gain", "naive_estimate",
        "seconds", "peak_mib", "bundle"}  # fmt: skip


@dataclass(frozen=True)
class Done:
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@pytest.fixture
def run(capsys, monkeypatch):
    """Run a command as its entry point does, in this process."""

    def call(*words: object, stdin: str = "") -> Done:
        monkeypatch.setattr(sys, "argv", ["headstart", *map(str, words)])
        monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        capsys.readouterr()
        with pytest.raises(SystemExit) as stopped:
            main()
        printed = capsys.readouterr()
        return Done(int(stopped.value.code or 0), printed.out, printed.err)

    return call


@pytest.fixture
def tiny_source(cache, links, tmp_path, monkeypatch) -> str:
    """A source of texts of some kilobytes, known by its name."""
    card = tiny.published("static-embeddings", links, tmp_path / "scratch")
    known = lambda: (card,)  # noqa: E731
    for module in (sources, sys.modules["headstart.sources.card"], backbone, sys.modules["headstart.line"]):
        if hasattr(module, "cards"):
            monkeypatch.setattr(module, "cards", known)
        if hasattr(module, "find"):
            monkeypatch.setattr(module, "find", _finder(card, module.find))
    return card.name


def _finder(card, find):
    return lambda name: card if name == card.name else find(name)
