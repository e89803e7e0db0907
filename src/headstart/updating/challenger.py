"""Challenger: a way to make a new version from the champion and recent labelled records; one file and one entry point each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Protocol

from headstart.core import registry
from headstart.core.errors import OptionError

if TYPE_CHECKING:
    from pathlib import Path

    from headstart.core.dataset import Dataset
    from headstart.engines.context import RunContext
    from headstart.packaging.model import Bundle

KIND = "challengers"


class NotApplicable(OptionError):  # noqa: N818  (a reason, told beside the others' results)
    """A way does not suit this champion or these records; the message says why."""


@dataclass(frozen=True, kw_only=True)
class Occasion:
    """What every challenger gets.

    Attributes
    ----------
    champion : the version that answers now
    recent : labelled records, oldest first, with targets in the champion's order of labels
    context : how it is run; its clock says how much time there is, and its token is cancelled once that is over
    """

    champion: Bundle
    recent: Dataset
    context: RunContext


class Challenger(Protocol):
    """A way to make a new version: frozen settings with one method."""

    name: ClassVar[str]
    cost: ClassVar[int]
    """The cheap ones are made first."""

    def make(self, occasion: Occasion, out: Path) -> None:
        """Write an ordinary bundle, with the champion's task and labels, to a new folder.

        Raises
        ------
        NotApplicable
            It does not suit.
        Stopped
            The context's token was cancelled, by somebody or because the time is over.
        """
        ...


def challenger_names() -> tuple[str, ...]:
    """Names of all ways, sorted."""
    return registry.names(KIND)


def get_challengers(names: tuple[str, ...]) -> list[Challenger]:
    """The ways of these names, the cheapest first.

    Raises
    ------
    OptionError
        There is no such way.
    """
    found: list[Challenger] = [registry.get(KIND, name)() for name in dict.fromkeys(names)]
    return sorted(found, key=lambda one: one.cost)
