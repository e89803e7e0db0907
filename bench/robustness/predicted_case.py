"""Cases of inputs for a model that is there: to be predicted, or labelled to prove it again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from bench.robustness.input_doors import Expected


@dataclass(frozen=True, kw_only=True)
class PredictedCase:
    """The same items for each door that takes such; None where a door takes none.

    Attributes
    ----------
    words : of `headstart predict`, behind the bundle
    python, estimator, client : what is given to `predictions` of a bundle, `predict` of an estimator, `predictions` of a client
    body : what is sent over HTTP, and its type
    """

    name: str
    expected: Expected
    model: str = "text"
    words: Callable[[Path], Sequence[Any]] | None = None
    stdin: str = ""
    python: Callable[[Path], Any] | None = None
    estimator: Callable[[Path], Any] | None = None
    body: Callable[[Path], tuple[bytes, str]] | None = None
    client: Callable[[Path], Any] | None = None


@dataclass(frozen=True, kw_only=True)
class ProvenCase:
    """Labelled data for a model that was fitted on other rows of the same kind."""

    name: str
    model: str
    make: Callable[[Path], Path]
    expected: Expected
