"""Tests of `streaming/connectors/offsets.py`."""

from __future__ import annotations

from hypothesis import given
from hypothesis.strategies import permutations

from headstart.streaming.connectors.offsets import Offsets


@given(order=permutations(range(8)))
def test_nothing_is_committed_beyond_a_gap(order: list[int]) -> None:
    offsets: Offsets[str] = Offsets()
    for offset in range(8):
        offsets.delivered("a", offset)
    committed, done = 0, set()
    for offset in order:
        offsets.done("a", offset)
        done.add(offset)
        committed = offsets.to_commit().get("a", committed)
        assert set(range(committed)) <= done
        assert committed not in done
    assert committed == 8


def test_a_partition_that_went_away_is_forgotten() -> None:
    offsets: Offsets[str] = Offsets()
    offsets.delivered("a", 1)
    offsets.keep_only(["b"])
    offsets.done("a", 1)
    assert offsets.to_commit() == {}
