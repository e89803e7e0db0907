"""Every challenger that is registered keeps its promises."""

from types import SimpleNamespace

import pytest

from headstart.testing import checks_of
from headstart.updating.challengers.window import _sources_of


@pytest.mark.parametrize("check", checks_of("challengers"), ids=str)
def test_every_challenger(check):
    check()


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("none", ["none"]),
        ("minilm-of-mine", ["none"]),
        ("tabpfn-v1", ["none"]),
        ("all-minilm-l6-v2 and wordllama-256", ["all-minilm-l6-v2", "wordllama-256"]),
    ],
)
def test_a_window_reads_the_networks_of_the_champion_that_are_in_the_catalogue(source, expected):
    assert list(_sources_of(SimpleNamespace(manifest={"source": source}))) == expected
