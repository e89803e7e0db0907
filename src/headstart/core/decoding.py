"""Rebuild dataclasses from plain JSON, by the types of their fields."""

from __future__ import annotations

import math
from dataclasses import fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints


def decode(kind: Any, value: Any) -> Any:
    """Turn plain JSON into a value of a type: a dataclass, a tuple or dict of those, or the value itself.

    Fields that a dataclass does not know are dropped; null becomes NaN where a float is expected.

    >>> decode(tuple[float, ...], [1.5, None])
    (1.5, nan)
    """
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        (inner,) = (one for one in arguments if one is not NoneType) if NoneType in arguments else (Any,)
        return None if value is None else decode(inner, value)
    if origin is tuple:
        return tuple(decode(arguments[0], one) for one in value)
    if origin is dict:
        return {name: decode(arguments[1], one) for name, one in value.items()}
    if isinstance(kind, type) and is_dataclass(kind):
        return kind(**{name: decode(hint, value[name]) for name, hint in _hints(kind).items() if name in value})
    return math.nan if kind is float and value is None else value


@cache
def _hints(kind: type) -> dict[str, Any]:
    hints = get_type_hints(kind)
    return {field.name: hints[field.name] for field in fields(kind)}
