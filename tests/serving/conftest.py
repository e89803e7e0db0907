"""Real servers on this machine's own address, and bundles for them to serve."""

from __future__ import annotations

import io

import pytest
from PIL import Image
from running import start_server
from tiny_bundle import make_bundle, make_photos
from tiny_rows import TEXT_AND_PHOTO, make_rows_bundle
from tiny_texts import make_text_bundle


@pytest.fixture(scope="session")
def fruit_bundle(tmp_path_factory):
    return make_bundle(tmp_path_factory.mktemp("served") / "fruit")


@pytest.fixture(scope="session")
def words_bundle(tmp_path_factory):
    """A tiny model of texts."""
    return make_text_bundle(tmp_path_factory.mktemp("served") / "words")


@pytest.fixture(scope="session")
def rows_bundle(tmp_path_factory):
    """A tiny model of rows: a text and a photo."""
    return make_rows_bundle(tmp_path_factory.mktemp("served") / "rows", TEXT_AND_PHOTO)


@pytest.fixture(scope="session")
def rows_server(rows_bundle):
    """A server of the model of rows alone."""
    running = start_server(rows_bundle, "--max-items", "3", "--max-megapixels", "1")
    yield running
    assert running.stop() == 0


@pytest.fixture(scope="session")
def server(fruit_bundle, words_bundle):
    """One server for all tests that only ask."""
    running = start_server(
        fruit_bundle, words_bundle, "--max-body-mib", "1", "--max-items", "40", "--max-megapixels", "1"
    )
    yield running
    assert running.stop() == 0


@pytest.fixture(scope="session")
def photo_files():
    """Encoded photos, as clients send them."""
    files = []
    for pixels in make_photos(5):
        file = io.BytesIO()
        Image.fromarray(pixels).resize((32, 32)).save(file, "PNG")
        files.append(file.getvalue())
    return files
