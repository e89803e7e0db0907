"""Window: a refit of the recent records alone, on the champion's pretrained sources, with plain features and trees beside them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from headstart.core.errors import OptionError
from headstart.pipeline.choosing import names_of
from headstart.updating.building import NO_SOURCES, build, need_all_labels
from headstart.updating.challenger import NotApplicable

if TYPE_CHECKING:
    from pathlib import Path

    from headstart.packaging.model import Bundle
    from headstart.updating.challenger import Occasion


@dataclass(frozen=True)
class Window:
    """Forgets all that was before the records."""

    name: ClassVar[str] = "window"
    cost: ClassVar[int] = 3

    def make(self, occasion: Occasion, out: Path) -> None:
        """Write the bundle."""
        need_all_labels(occasion)
        build(occasion, out, sources=_sources_of(occasion.champion), baselines="full", tries_joint=True)


def _sources_of(champion: Bundle) -> list[str] | tuple[str, ...]:
    """The pretrained networks of the champion, by name; none where they are not in the catalogue."""
    named = str(champion.manifest["source"]).replace(" + ", ",")
    if named in ("", *NO_SOURCES):
        return NO_SOURCES
    try:
        return names_of(named) or NO_SOURCES
    except OptionError as error:
        raise NotApplicable(f"the champion's pretrained network cannot be opened by name: {error}") from error
