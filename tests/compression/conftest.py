"""One small bundle of each kind."""

from __future__ import annotations

import pytest

from headstart.testing.small_bundles import KINDS, make_bundle


@pytest.fixture(scope="session")
def bundles(tmp_path_factory):
    folder = tmp_path_factory.mktemp("compression")
    return {kind: make_bundle(kind, folder / kind) for kind in KINDS}
