"""Mutations of JSON: another value somewhere, so that what reads it meets more than broken syntax."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import numpy as np

ODD: tuple[Any, ...] = (
    *(None, True, 0, -1, 3, 1.5, 1e308, 2**31, 10**40),
    *("", "a", "pixels", "../x", "\ud800", [], {}, [[]], {"a": 1}),
)


def mutate(content: bytes, max_size: int, seed: int) -> bytes:
    """Half of the time another value somewhere in the JSON; else other bytes."""
    import atheris

    rng = np.random.default_rng(seed)
    value = None
    if rng.random() < 0.5:
        with contextlib.suppress(ValueError, RecursionError):
            value = json.loads(content)
    if not isinstance(value, dict | list) or not value:
        return bytes(atheris.Mutate(content, max_size))
    spoil(value, rng)
    return json.dumps(value).encode()[:max_size]


def spoil(value: Any, rng: np.random.Generator) -> None:
    """Put something odd in the place of one entry, wherever it lies, or take it away."""
    while True:
        keys = list(value) if isinstance(value, dict) else list(range(len(value)))
        key = keys[rng.integers(len(keys))]
        inner = value[key]
        if not isinstance(inner, dict | list) or not inner or rng.random() < 0.3:
            break
        value = inner
    if rng.random() < 0.2:
        del value[key]
    else:
        value[key] = ODD[rng.integers(len(ODD))]
