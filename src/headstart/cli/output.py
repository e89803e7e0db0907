"""Where words and figures go: people's on standard error, machines' on standard output."""

from __future__ import annotations

import json
import math
import sys
from typing import Any


def say(text: str = "") -> None:
    """Print a line for people."""
    sys.stderr.write(text + "\n")


def emit(value: Any) -> None:
    """Print one JSON value for machines; a number that is not finite becomes null."""
    sys.stdout.write(json.dumps(_finite(value), ensure_ascii=False) + "\n")


def score_words(score: dict[str, Any]) -> str:
    """Say a score with its interval.

    >>> score_words({"name": "accuracy", "value": 0.837, "low": 0.8, "high": 0.87, "unit": "fraction", "n": 661})
    'accuracy 0.837 (95 % interval 0.800 to 0.870, 661 items)'
    """
    unit = " nats" if score["unit"] == "nats" else ""
    return f"{score['name']} {score['value']:.3f}{unit} (95 % interval {score['low']:.3f} to {score['high']:.3f}, {score['n']} items)"


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(k): _finite(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(v) for v in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value.item() if hasattr(value, "item") else value
