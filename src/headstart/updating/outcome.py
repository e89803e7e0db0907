"""What an update tried, judged and decided."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

Decision = Literal["promoted", "kept", "needs approval", "rolled back"]
EXIT_CODES: dict[Decision, int] = {"promoted": 0, "kept": 0, "needs approval": 3, "rolled back": 4}


@dataclass(frozen=True, kw_only=True)
class Tried:
    """One challenger.

    Attributes
    ----------
    n_fitted, n_judged : records that it learned from, and on which it was judged
    mean_gain : how much lower its loss was than the champion's, between -1 and 1
    evidence, needed : of the test; it is better where evidence has reached what is needed
    worse_on : old slices on which it is worse
    error : why there is none
    """

    name: str
    version: int | None = None
    seconds: float = 0.0
    n_fitted: int = 0
    n_judged: int = 0
    mean_gain: float = 0.0
    evidence: float = 1.0
    needed: float = 0.0
    worse_on: tuple[str, ...] = ()
    error: str = ""

    def words(self) -> str:
        """One line."""
        if self.error:
            return f"{self.name}: not made: {self.error}"
        said = f"{self.name}: loss {-self.mean_gain:+.4f} on {self.n_judged} records, evidence {self.evidence:.3g} of {self.needed:.3g}"
        made = f"; {self.n_fitted} records learned, {self.seconds:.1f} s" if self.n_fitted else ""
        worse = f"; worse on old items ({'; '.join(self.worse_on)})" if self.worse_on else ""
        return said + made + worse


@dataclass(frozen=True, kw_only=True)
class Update:
    """What `update` gives.

    Attributes
    ----------
    decision : 'promoted', 'kept', 'needs approval' or 'rolled back'
    champion : number of the version that answers now
    former : the champion before it; None if there was none
    challenger : the version that is judged further; None if there is none
    n_records : labelled records that could be read
    """

    decision: Decision
    sentence: str
    champion: int
    former: int | None
    challenger: int | None
    n_records: int
    tried: tuple[Tried, ...]
    seconds: float

    @property
    def exit_code(self) -> int:
        """Of the command: 0 promoted or kept, 3 needs approval, 4 rolled back."""
        return EXIT_CODES[self.decision]

    def to_dict(self) -> dict[str, Any]:
        """The figures that `headstart update --json` prints."""
        return {**asdict(self), "exit_code": self.exit_code}

    def words(self) -> list[str]:
        """Lines for people."""
        return [*(f"  - {one.words()}" for one in self.tried), self.sentence]
