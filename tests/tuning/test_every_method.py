"""The published checks of every way to tune a network: it learns, and can be undone, repeated, written as a graph, and broken off."""

import pytest

from headstart.testing import checks_of


@pytest.mark.parametrize("check", checks_of("tuning_methods"), ids=str)
def test_every_method(check):
    check()
