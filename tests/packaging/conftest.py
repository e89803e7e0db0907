"""Bundles to read and to damage."""

from __future__ import annotations

import shutil

import pytest
from tiny_bundle import make_bundle


@pytest.fixture(scope="session")
def bundle_files(tmp_path_factory):
    """One bundle made once; tests that damage it copy it first."""
    return make_bundle(tmp_path_factory.mktemp("bundles") / "fruit")


@pytest.fixture
def bundle(bundle_files, tmp_path):
    return shutil.copytree(bundle_files, tmp_path / "fruit")
