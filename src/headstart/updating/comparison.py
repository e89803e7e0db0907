"""Comparison: two versions that are judged on the same records, by a test that goes on from one update to the next."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from headstart.updating.betting import Bet

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headstart.core.dataset import FloatArray

CHALLENGE, GUARD = "challenge", "guard"


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Whether one version is better than another.

    Attributes
    ----------
    kind : 'challenge', or 'guard', which asks whether the former champion was better than the new one
    first, second : versions; it is asked whether the second is better
    bet : the test
    scale : of errors of values (`bounded_losses`)
    limit : records after which it ends; None for no end
    id : in the registry; None before it is kept there
    """

    kind: str
    first: int
    second: int
    bet: Bet
    scale: float = 1.0
    limit: int | None = None
    id: int | None = None

    def after(self, first_losses: FloatArray, second_losses: FloatArray) -> Comparison:
        """Count records in their order; of more than the limit, the first ones."""
        d = first_losses - second_losses
        if self.limit is not None:
            d = d[: max(0, self.limit - self.bet.n)]
        return replace(self, bet=self.bet.after(d))

    @property
    def is_over(self) -> bool:
        """Whether it has counted as many records as it may."""
        return self.limit is not None and self.bet.n >= self.limit

    def figures(self) -> dict[str, Any]:
        """What people ask of it."""
        bet = self.bet
        return {
            "kind": self.kind,
            "first": self.first,
            "second": self.second,
            "n": bet.n,
            "mean_gain": round(bet.mean, 6),
            "evidence": round(bet.evidence, 4),
            "needed": round(1 / bet.level, 2),
        }

    def to_dict(self) -> dict[str, Any]:
        """All but the id, for JSON."""
        said = asdict(self)
        del said["id"]
        return said

    @classmethod
    def from_dict(cls, said: Mapping[str, Any], number: int | None = None) -> Comparison:
        """Inverse of `to_dict`."""
        bet = {
            "squares": float(said["bet"]["n"]),
            **said["bet"],
            "logs": tuple(said["bet"]["logs"]),
        }  # older ones: at most
        return cls(**{**said, "bet": Bet(**bet)}, id=number)
