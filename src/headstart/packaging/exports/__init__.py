"""What a bundle is exported to, one format a file.

A part of the kind `exports` is a function `export(bundle, out, options)` that writes `out`, whole or not at all, and returns its record:
plain values for JSON, with at least `format`, `path`, `n_items` and `max_difference` (None where nothing could be compared), and
`sentence`, which says to people what was written. What it can refuse beforehand is in a function of its own (`checking.checked_by`), so that of
several formats either all are written or none.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headstart.core import registry

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from headstart.packaging.model import Bundle

MAX_CHECKED = 200
"""Real items on which an export is compared with its bundle, at most."""


@dataclass(frozen=True, kw_only=True)
class ExportOptions:
    """What is asked of an export, beside where to.

    Attributes
    ----------
    items : real items on which it must answer as the bundle does; without any it is compared on what needs no data
    tensor_inputs : standard ONNX operators alone: pixels instead of files, token numbers instead of texts
    """

    items: Sequence[Any] = ()
    tensor_inputs: bool = False


def export(bundle: Bundle, name: str, out: str | Path, options: ExportOptions | None = None) -> Mapping[str, Any]:
    """Write a bundle in the format `name`, and return the record of it.

    Raises
    ------
    OptionError
        No format has that name, or the bundle cannot be written in it.
    MissingExtraError
        A library of the extra `export` is not installed.
    InternalError
        What was to be written does not answer as the bundle does.
    """
    check(bundle, name, out, options)
    record: Mapping[str, Any] = registry.get("exports", name)(bundle, Path(out), options or ExportOptions())
    return record


def check(bundle: Bundle, name: str, out: str | Path, options: ExportOptions | None = None) -> None:
    """Raise what `export` would, as far as that is known before anything is written.

    Raises
    ------
    OptionError
        No format has that name, or the bundle cannot be written in it.
    StorageError
        Something else is there already.
    """
    refuse = getattr(registry.get("exports", name), "check", None)
    if refuse is not None:
        refuse(bundle, Path(out), options or ExportOptions())
