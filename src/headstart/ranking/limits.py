"""Limits that a source must meet, and the nearest miss if none does."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from headstart.core.errors import OptionError
from headstart.sources.licenses import allows
from headstart.sources.listing import size_mib

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from headstart.sources import Card


@dataclass(frozen=True, kw_only=True)
class Limits:
    """The user's limits; None means no limit.

    Attributes
    ----------
    max_latency_ms : for one item alone, on one thread of this machine, decoding included
    max_size_mib : of the weights as a bundle packs them
    license : SPDX names with commas between, or the word 'permissive'

    Raises
    ------
    OptionError
        A limit is not above 0, or a license is unknown.
    """

    max_latency_ms: float | None = None
    max_size_mib: float | None = None
    license: str | None = None

    def __post_init__(self) -> None:
        for name in ("max_latency_ms", "max_size_mib"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise OptionError(
                    f"{name} must be above 0, got {value!r}. Use a positive number, or None for no limit."
                )
        if self.license is not None:
            allows(self.license, "")

    def shared_by(self, n: int) -> Limits:
        """Divide time and space equally among n sources that work together.

        >>> Limits(max_size_mib=100).shared_by(2).max_size_mib
        50.0
        """
        latency_ms, size_mib = self.max_latency_ms, self.max_size_mib
        return replace(
            self,
            max_latency_ms=None if latency_ms is None else latency_ms / n,
            max_size_mib=None if size_mib is None else size_mib / n,
        )

    def refusal(self, card: Card) -> str:
        """Why a card exceeds the limits, as far as is known before opening it; empty if it does not."""
        if self.license is not None and not allows(self.license, card.license):
            return f"its license, {card.license}, is not among: {self.license}"
        if self.max_size_mib is not None and size_mib(card) > self.max_size_mib:
            return f"{size_mib(card):.1f} MiB is more than {self.max_size_mib:g} MiB"
        return ""

    def slowness(self, latency_ms: float) -> str:
        """Why a measured latency exceeds the limits; empty if it does not."""
        if self.max_latency_ms is None or latency_ms <= self.max_latency_ms:
            return ""
        return f"{latency_ms:.2g} ms per item is more than {self.max_latency_ms:g} ms"

    def nearest_miss(self, cards: Sequence[Card], latency_ms: Mapping[str, float]) -> OptionError:
        """Build the error for limits that no card meets; it names the nearest miss.

        Parameters
        ----------
        latency_ms : of the sources that were measured, which meet all other limits
        """
        if latency_ms:
            name = min(latency_ms, key=lambda n: latency_ms[n])
            limit, miss = f"{self.max_latency_ms:g} ms", f"{name} at {latency_ms[name]:.2g} ms"
            return OptionError(f"no source is within {limit}; the nearest is {miss}. Raise the limit.")
        licensed = [card for card in cards if self.license is None or allows(self.license, card.license)]
        if not licensed:
            found = ", ".join(sorted({f"{card.license} ({card.name})" for card in cards}))
            return OptionError(f"no source has a license among {self.license}; there are {found}.")
        smallest = min(licensed, key=size_mib)
        return OptionError(
            f"no source is within {self.max_size_mib:g} MiB; the nearest is {smallest.name} at "
            f"{size_mib(smallest):.1f} MiB. Raise the limit."
        )
