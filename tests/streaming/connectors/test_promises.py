"""The published checks of the connectors that need nothing but this machine."""

from __future__ import annotations

import pytest

from headstart.testing import checks_of

LOCAL = ("file", "folder", "http", "sqlite", "stdio")


@pytest.mark.parametrize("check", [one for name in LOCAL for one in checks_of("connectors", name)], ids=str)
def test_a_connector_keeps_its_promises(check):
    check()
