"""Every challenger that is registered keeps its promises."""

import pytest

from headstart.testing import checks_of


@pytest.mark.parametrize("check", checks_of("challengers"), ids=str)
def test_every_challenger(check):
    check()
