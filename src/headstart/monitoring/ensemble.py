"""Ensemble: one detector of many members, by their weighted mean; the largest term names what moved."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from headstart.monitoring.bets import Bets
from headstart.monitoring.ranks import Ranks, bins_of, uniforms

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from headstart.core.arrays import FloatArray, IntArray
    from headstart.monitoring.bets import Kind


_BYTES_AT_ONCE = 300_000  # of the states ahead, so that they stay in the processor's cache


@dataclass(frozen=True, kw_only=True, eq=False)
class Member:
    """One number of each record that is watched.

    Attributes
    ----------
    name : for people: 'column amount', 'probability of spam'
    group : what it is part of; groups share the budget evenly, and the members of a group its share
    column : the column or block that it is computed from; '' of answers
    edges, counts : the reference's values, as `ranks.edges_of` and `counts_of` give them
    """

    name: str
    group: str
    kind: Kind
    column: str = ""
    edges: FloatArray
    counts: IntArray


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Why there was an alarm.

    Attributes
    ----------
    place : in the values given, of the one that raised it
    member : the largest term
    share : of the evidence, that is this member's
    direction : 'higher', 'lower', 'spread out', 'drawn together'
    n_since : the last how many of the ensemble's records show it, estimated; at least 1
    """

    place: int
    member: Member
    share: float
    direction: str
    n_since: int


class Ensemble:
    """The detector of some members.

    Parameters
    ----------
    share : of the budget that is the ensemble's
    seed : for ties of ranks
    """

    def __init__(self, members: Sequence[Member], *, share: float = 1.0, seed: int = 0) -> None:
        self.members = tuple(members)
        self._ranks = Ranks([member.counts for member in members])
        self._bets = Bets(tuple(member.kind for member in members))
        sizes: dict[str, int] = {}
        for member in members:
            sizes[member.group] = sizes.get(member.group, 0) + 1
        self._weights = np.array([share / len(sizes) / sizes[member.group] for member in members])
        self._seed = seed
        self.n_values = 0

    @property
    def evidence(self) -> float:
        """The weighted mean of the e-values, times the share of the budget."""
        return float((self._weights * self._bets.values()).sum())

    def update(self, values: FloatArray, threshold: float) -> Iterator[Finding]:
        """Look at values, shape (n, n_members), in their order; give a finding for every alarm, after which all starts anew.

        Parameters
        ----------
        threshold : of the evidence
        """
        if not self.members:
            return
        bins = np.stack(
            [bins_of(member.edges, column) for member, column in zip(self.members, values.T, strict=True)], axis=1
        )
        ties = uniforms(self._seed, self.n_values, len(values), len(self.members))
        self.n_values += len(values)
        ranks, n_done = self._ranks.walk(bins, ties), 0
        at_once = max(8, _BYTES_AT_ONCE // (2 * self._bets.products.nbytes))
        while n_done < len(ranks):
            steps = self._bets.ahead(ranks[n_done : n_done + at_once])
            terms = self._weights * steps.values
            hits = np.flatnonzero(terms.sum(axis=1) >= threshold)
            n_steps = int(hits[0]) + 1 if len(hits) else len(terms)
            self._bets.go(steps, n_steps)
            n_done += n_steps
            if len(hits):
                finding = self._finding(n_done - 1, terms[n_steps - 1], n_seen=self.n_values - len(values) + n_done)
                self._bets.start_anew()
                yield finding

    def _finding(self, place: int, terms: FloatArray, *, n_seen: int) -> Finding:
        largest = int(np.argmax(terms))
        direction, start = self._bets.finding(largest)
        n_had = int(self._bets.n_values[largest])
        return Finding(
            place=place,
            member=self.members[largest],
            share=float(terms[largest] / terms.sum()),
            direction=direction,
            n_since=max(1, round((n_had - start) * n_seen / max(n_had, 1))),  # a slice has not all of them
        )

    def arrays(self) -> dict[str, FloatArray]:
        """The state: with it, `restore` goes on exactly as if there had been no break."""
        bets = self._bets
        return {
            "below": self._ranks.below,
            "products": bets.products,
            "runs": bets.runs,
            "starts": bets.starts,
            "n_member_values": bets.n_values,
            "n_values": np.array([float(self.n_values)]),
        }

    def restore(self, arrays: Mapping[str, FloatArray]) -> None:
        """Take the state of `arrays`."""
        self._ranks.below = np.array(arrays["below"])
        for name, at in (
            ("products", "products"),
            ("runs", "runs"),
            ("starts", "starts"),
            ("n_member_values", "n_values"),
        ):
            setattr(self._bets, at, np.array(arrays[name]))
        self.n_values = int(arrays["n_values"][0])
