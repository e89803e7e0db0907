"""A small bundle of texts, and one of tables, for all tests of streams."""

from __future__ import annotations

import pytest

from headstart.testing.small_bundles import make_bundle


@pytest.fixture(scope="session")
def texts_bundle(tmp_path_factory):
    return make_bundle("products", tmp_path_factory.mktemp("streamed") / "texts")


@pytest.fixture(scope="session")
def photos_bundle(tmp_path_factory):
    return make_bundle("convolutions", tmp_path_factory.mktemp("streamed") / "photos")
