"""The published checks of every export but the page, which fetches what runs it (`test_web.py`)."""

import pytest

from headstart.core.registry import names
from headstart.testing import checks_of

CHECKS = [check for name in names("exports") if name != "web" for check in checks_of("exports", name)]


@pytest.mark.parametrize("check", CHECKS, ids=str)
def test_every_export(check):
    check()
