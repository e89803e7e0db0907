"""Contest: how versions of one model stand against each other on labelled records, as the live page shows it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Compared:
    """A version beside the champion, on the same records.

    Attributes
    ----------
    version : that is compared
    role : 'challenger' or 'former champion'
    n, limit : records that were counted, and after how many the comparison ends; None for no end
    gain, low, high : how much lower its mean loss is than the champion's, with a 95 % interval that may be looked at at any time
    evidence, needed : of the test; the version is shown to be better once the one has reached the other
    """

    version: str
    role: str
    n: int
    limit: int | None
    gain: float
    low: float
    high: float
    evidence: float
    needed: float


@dataclass(frozen=True, kw_only=True)
class Step:
    """What was decided, and when (seconds since 1970)."""

    time: float
    sentence: str


@dataclass(frozen=True, kw_only=True)
class Contest:
    """How things stand.

    Attributes
    ----------
    champion : the version that answers
    since : when it became the champion, seconds since 1970
    decision : so far
    compared : who is compared with it
    steps : the latest first
    problem : why this is not as fresh as it should be; empty if it is
    """

    champion: str = ""
    since: float | None = None
    decision: str = ""
    compared: tuple[Compared, ...] = ()
    steps: tuple[Step, ...] = ()
    problem: str = ""
