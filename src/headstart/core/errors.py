"""Everything that Headstart raises on purpose.

    HeadstartError
    ├── UserError              the user can fix it: exit code 2, HTTP 4xx
    │   ├── DataError          a file, row, column or value of the user's data
    │   │   └── MissingColumnError  a column that a model reads is not there
    │   ├── OptionError        a name or a setting that is not among the known ones
    │   ├── SourceError        pretrained weights: missing, unreachable, changed
    │   ├── BundleError        a saved model: missing, changed, too new
    │   ├── StorageError       a disk that is full, a folder that cannot be written
    │   │   └── NotWritableError  read-only, or permission is denied
    │   ├── ServiceError       a server: unreachable, too busy, failing
    │   └── MissingExtraError  a library that an extra would install
    └── InternalError          we failed: exit code 1, HTTP 500

A message says what was expected, what it got, and what to do, in one line.
"""

from __future__ import annotations

import difflib
import importlib
from importlib.util import find_spec
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import ModuleType


_CONTROLS = {*range(0x20), *range(0x7F, 0xA0)} - {ord("\n"), ord("\t")}
_WRITTEN_OUT = {code: f"\\x{code:02x}" for code in _CONTROLS}


class HeadstartError(Exception):
    """Base of the tree; `exit_code` is what the command line returns."""

    exit_code: ClassVar[int] = 1

    def __str__(self) -> str:
        r"""Give the message, with control characters written out: names of columns and files may hold what a terminal obeys.

        >>> str(HeadstartError("no column '\x1b[31mage'"))
        "no column '\\x1b[31mage'"
        """
        return super().__str__().translate(_WRITTEN_OUT)


class UserError(HeadstartError):
    """Something that the user can fix."""

    exit_code = 2


class DataError(UserError):
    """The data is invalid; the message names the file and the row."""


class MissingColumnError(DataError):
    """A column that is read is not there; the message names it."""


class NothingReadableError(DataError):
    """None of the items can be used; `n_items` were there."""

    def __init__(self, message: str, n_items: int = 0) -> None:
        super().__init__(message)
        self.n_items = n_items


class OptionError(UserError):
    """A setting is not among the known ones."""


class SourceError(UserError):
    """Pretrained weights are unavailable, or are not what their card says."""


class BundleError(UserError):
    """A saved model cannot be used."""


class StorageError(UserError):
    """A file cannot be written."""


class NotWritableError(StorageError):
    """A place may not be written: it is read-only, or permission is denied."""


class ServiceError(UserError):
    """A server does not answer."""


class MissingExtraError(UserError):
    """A library is not installed; the message gives the line that installs it."""


class InternalError(HeadstartError):
    """Headstart broke one of its own promises."""


def first_line(error: BaseException) -> str:
    r"""Shorten a library's message to its first line; the error's class name where it has none.

    >>> first_line(ValueError("no such axis\nin a trace of forty lines")), first_line(KeyError())
    ('no such axis', 'KeyError')
    """
    return str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__


def unknown_name(kind: str, name: str, known: Iterable[str]) -> OptionError:
    """Build the error for an unknown name, with the nearest known one.

    >>> str(unknown_name("head", "rigde", ["ridge", "logistic"]))
    "no head named 'rigde'. Did you mean 'ridge'? Known: logistic, ridge."
    """
    choices = sorted(known)
    near = difflib.get_close_matches(name, choices, n=1)
    hint = f" Did you mean '{near[0]}'?" if near else ""
    return OptionError(f"no {kind} named '{name}'.{hint} Known: {', '.join(choices)}.")


def require(module: str, *, extra: str, purpose: str) -> ModuleType:
    """Import a library of an extra, or say how to install it.

    Raises
    ------
    MissingExtraError
        The library is not installed.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or module.partition(".")[0] != error.name.partition(".")[0]:
            raise
        raise _missing(error.name, extra, purpose) from error


def check_installed(library: str, *, extra: str, purpose: str) -> None:
    """Say how to install the library of an extra where it is not there; nothing is imported, since that may take long.

    Raises
    ------
    MissingExtraError
        The library is not installed.
    """
    if find_spec(library) is None:
        raise _missing(library, extra, purpose)


def _missing(library: str, extra: str, purpose: str) -> MissingExtraError:
    return MissingExtraError(
        f"{purpose} needs the library '{library}', which is not installed. "
        f'Install it with: pip install "headstart[{extra}]"'
    )
