"""Refuse before anything is written: what an export can know beforehand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

Export = TypeVar("Export", bound="Callable[..., Any]")


def checked_by(check: Callable[..., None]) -> Callable[[Export], Export]:
    """Let an export be refused by `check(bundle, out, options)`, which raises what the export would, and writes nothing."""

    def mark(export: Export) -> Export:
        export.check = check  # type: ignore[attr-defined]
        return export

    return mark
