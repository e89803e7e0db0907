"""A case of labelled data: how it is made, how it is read, and what is right."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bench.robustness.input_doors import Expected

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class LabelledCase:
    """Data that is made in a folder, the options it is read with, and what is right."""

    name: str
    make: Callable[[Path], Path]
    expected: Expected
    options: dict[str, Any] = field(default_factory=dict)


def right(*says: str, **value: Any) -> Expected:
    """These facts are right, with notices that have these words."""
    return Expected(value=value, says=says)


def refused(*words: str) -> Expected:
    """A refusal with these words is right."""
    return Expected(refusal=words)
