"""JSON that every parser accepts: no NumPy, no NaN."""

from __future__ import annotations

import json
import math
from typing import Any


def to_json(value: Any) -> str:
    r"""Write a value as JSON; the same value gives the same text.

    >>> to_json({"value": float("nan")})
    '{\n "value": null\n}\n'
    """
    return json.dumps(plain(value), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def plain(value: Any) -> Any:
    """Turn NumPy into plain lists and numbers, tuples into lists, and non-finite numbers into None."""
    if hasattr(value, "tolist"):  # a NumPy array or scalar
        value = value.tolist()
    if isinstance(value, dict):
        return {str(key): plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [plain(entry) for entry in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
