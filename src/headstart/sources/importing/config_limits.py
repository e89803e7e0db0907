"""Bounds on a `config.json` of unknown origin, checked before a network is built from it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from headstart.core.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_COUNTS = re.compile(r"layer|depth|block|stage|group|expert|repeat|head|num_branch|cycles", re.IGNORECASE)
_SCALES = re.compile(r"theta|base|scale|clip|label|_id$|_ids$", re.IGNORECASE)  # of numbers, not of arrays
MAX_COUNT = 1_024  # parts of a network, each built one after the other
MAX_SIZE = 1 << 24  # entries of one axis of an array
_MAX_SCALE = 1 << 53
_MAX_VALUES = 500_000  # of the whole file; names of 100,000 classes stand there twice


def check_config(config: Mapping[str, Any], where: str) -> None:
    """Refuse numbers that no network has.

    Parameters
    ----------
    where : the file's name in messages

    Raises
    ------
    SourceError
        There are more layers, or longer axes, than any network has.
    """
    for n_values, (key, value) in enumerate(_numbers(config)):
        if n_values > _MAX_VALUES:
            raise SourceError(
                f"{where} has more than {_MAX_VALUES} numbers. Copy config.json and weights of one model."
            )
        limit = _MAX_SCALE if _SCALES.search(key) else MAX_COUNT if _is_count(key) else MAX_SIZE
        if abs(value) > limit:
            raise SourceError(
                f"'{key[:60]}' in {where} is {value:.6g}; at most {limit} is possible. Copy config.json and weights of one model."
            )


def _is_count(key: str) -> bool:
    """Whether a number says how many parts there are: `num_hidden_layers`, `depths`; not how large one is: `head_dim`."""
    return bool(_COUNTS.search(key)) and not re.search(r"dim|size|width|eps|norm|drop|rate|factor", key, re.IGNORECASE)


def _numbers(value: Any, key: str = "") -> Iterator[tuple[str, float]]:
    """All whole numbers of a JSON value, each with the key that it stands under."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _numbers(inner, str(name))
    elif isinstance(value, list):
        for inner in value:
            yield from _numbers(inner, key)
    elif isinstance(value, int) and not isinstance(value, bool):
        yield key, value
