"""Check: one promise of one part, to be run; and the words in which a broken one is reported."""

from __future__ import annotations

import atexit
import os
import shutil
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from typing import TYPE_CHECKING, Any
from unittest import SkipTest, mock

import numpy as np

from headstart.core import registry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from headstart.sources import Source


class CheckFailed(AssertionError):  # noqa: N818  (as pytest's own failures, it is no error of the program)
    """A part breaks a promise; the message says which, what was expected and what came."""


class CheckSkipped(SkipTest):
    """What a check needs is not on this machine; the message says what, and the line that brings it. pytest takes it for a skip."""


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A part that is to be checked.

    Attributes
    ----------
    kind : of part, as in the registry
    name : under which it is registered, or its own
    part : what the entry point gives
    given_example : what the part needs to be tried out; None: what is registered for it
    """

    kind: str
    name: str
    part: Any
    given_example: Any = None

    @property
    def example(self) -> Any:
        """What it needs to be tried out, where it cannot be made from nothing.

        Raises
        ------
        CheckFailed
            There is none.
        """
        return self.given_example if self.given_example is not None else example_of(self.kind, self.name)


@dataclass(frozen=True)
class Check:
    """One promise of one part in one case; call it, and it raises `CheckFailed` if the promise is broken.

    Attributes
    ----------
    kind, part : of which part it is
    name : of the promise, for machines
    promise : the promise as a sentence
    case : on what it is tried, such as a task; empty where there is but one case
    """

    kind: str
    part: str
    name: str
    promise: str
    case: str
    _run: Callable[[], None] = field(repr=False)

    def __call__(self) -> None:
        """Run it, in a cache of its own.

        Raises
        ------
        CheckFailed
            The promise is broken.
        CheckSkipped
            What it needs is not here.
        """
        try:
            with private_cache():
                self._run()
        except CheckSkipped:
            raise
        except Exception as error:
            where = f"{self.kind} '{self.part}'" + (f" ({self.case})" if self.case else "")
            said = str(error) if isinstance(error, CheckFailed) else f"It raised {type(error).__name__}: {error}"
            raise CheckFailed(f"{where} breaks a promise. {self.promise} {said[:1].upper()}{said[1:]}") from error

    def __str__(self) -> str:
        return "-".join(filter(None, (self.part, self.case, self.name)))


def example_of(kind: str, name: str) -> Any:
    """Find what is registered as the example of a part.

    Raises
    ------
    CheckFailed
        There is none; the message says where one belongs.
    """
    group = f"examples.{kind}"
    if name not in registry.names(group):
        raise CheckFailed(
            f"Expected an example to try it out, got none: register one as '{name}' in the group 'headstart.{group}', "
            "or hand it over as `example`."
        )
    return registry.get(group, name)


@cache
def source_of(network: str) -> Source:
    """Give the small source that is the example of a network; its files stay until the process ends."""
    source: Source = example_of("onnx_networks", network)(lasting_folder())
    return source


def lasting_folder() -> Path:
    """Give an empty folder that is there until the process ends."""
    folder = mkdtemp(prefix="headstart-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)


@contextmanager
def private_cache() -> Iterator[None]:
    """Keep what is computed inside out of the user's cache."""
    with TemporaryDirectory() as folder, mock.patch.dict(os.environ, HEADSTART_CACHE=folder):
        yield


@contextmanager
def empty_folder() -> Iterator[Path]:
    """Give a folder that is gone afterwards."""
    with TemporaryDirectory() as folder:
        yield Path(folder)


def expect(holds: Any, message: str) -> None:
    """Raise `CheckFailed` with a message unless something holds."""
    if not holds:
        raise CheckFailed(message)


def expect_equal(found: Any, expected: Any, what: str) -> None:
    """Two values or arrays are the same, to the last bit; what is missing in both is the same too."""
    expect(_are_same(found, expected), f"{what}: expected {_short(expected)}, got {_short(found)}.")


def expect_same_arrays(found: dict[str, Any], expected: dict[str, Any], what: str) -> None:
    """Two sets of named arrays have the same names, types and bits."""
    expect_equal(sorted(found), sorted(expected), f"the names of {what}")
    for name, array in expected.items():
        expect_equal(found[name].dtype, array.dtype, f"the type of '{name}' in {what}")
        expect_equal(found[name], array, f"'{name}' in {what}")


def expect_close(found: Any, expected: Any, what: str, *, atol: float, rtol: float = 0.0) -> None:
    """Two arrays of one shape are nearly the same."""
    found, expected = np.asarray(found), np.asarray(expected)
    expect_equal(found.shape, expected.shape, f"the shape of {what}")
    if not np.allclose(found, expected, atol=atol, rtol=rtol, equal_nan=True):
        difference = float(np.abs(found - expected).max())
        message = f"{what}: expected {_short(expected)}, got {_short(found)}; they differ by up to {difference:.2g}"
        raise CheckFailed(f"{message}, of which {atol:.2g} is allowed.")


def expect_error(kind: type[Exception], words: str, call: Callable[[], Any]) -> None:
    """A call raises an error of a kind, whose message has certain words."""
    try:
        call()
    except kind as error:
        expect(words in str(error), f"expected an error with the words '{words}', got '{error}'.")
        return
    raise CheckFailed(f"expected the error {kind.__name__} with the words '{words}', got none.")


def copies(items: Sequence[Any]) -> list[Any]:
    """Copy items, so that a change of them is seen."""
    return [item.copy() if isinstance(item, np.ndarray) else item for item in items]


def _are_same(found: Any, expected: Any) -> bool:
    if not (isinstance(found, np.ndarray) or isinstance(expected, np.ndarray)):
        return bool(found == expected) or (found != found and expected != expected)  # noqa: PLR0124  (NaN alone is not itself)
    has_gaps = all(np.asarray(one).dtype.kind == "f" for one in (found, expected))
    return bool(np.array_equal(found, expected, equal_nan=has_gaps))


def _short(value: Any) -> str:
    said = np.array2string(value, precision=4, threshold=6, edgeitems=2) if isinstance(value, np.ndarray) else value
    words = " ".join(str(said).split())
    return words if len(words) <= 120 else f"{words[:117]}..."
