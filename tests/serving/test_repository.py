"""Where models lie: what is found of them before any is opened."""

from __future__ import annotations

import os

import pytest

from headstart.core.errors import BundleError
from headstart.packaging.manifest import MAX_MANIFEST_BYTES
from headstart.serving.repository import find_model_versions


@pytest.mark.parametrize("spec", ["name={folder}/model", "{folder}"])
def test_a_manifest_beyond_its_limit_is_not_read(tmp_path, spec):
    (tmp_path / "model").mkdir()
    with (tmp_path / "model" / "manifest.json").open("wb") as file:
        file.truncate(MAX_MANIFEST_BYTES + 1)
    with pytest.raises(BundleError, match=r"manifest\.json is too large: at most \d+ bytes are read"):
        find_model_versions([spec.format(folder=tmp_path)])


def test_a_pipe_in_the_place_of_a_manifest_is_not_waited_for(tmp_path):
    (tmp_path / "model").mkdir()
    os.mkfifo(tmp_path / "model" / "manifest.json")
    with pytest.raises(BundleError, match="is not a bundle"):
        find_model_versions([f"name={tmp_path / 'model'}"])
