"""History: sums over the records so far, in at most 40 blocks one after the other, so that any figure has an interval and a course."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from headstart.core.arrays import FloatArray

MAX_BLOCKS = 40
N_RESAMPLES = 400
Sums = dict[str, "FloatArray"]


class History:
    """Blocks of consecutive records, each twice as long when there would be more than 40.

    Blocks, not records, are resampled: records that come one after the other may be alike.

    Attributes
    ----------
    blocks : sums by name; `n` counts records, `first` is the place of the first one, `time` when it came (seconds; NaN if not said)
    size : records in a whole block
    """

    def __init__(self) -> None:
        self.blocks: list[Sums] = []
        self.size = 1

    def add(self, n: int, sums: Callable[[slice], Sums], *, first: int, times: Sequence[float | None] = ()) -> None:
        """Add `n` records, of which `sums` gives the sums of any part."""
        start = 0
        while start < n:
            filled = float(self.blocks[-1]["n"][0]) if self.blocks else float(self.size)
            if filled >= self.size:
                if len(self.blocks) >= MAX_BLOCKS:
                    self._merge()
                    continue
                when = times[start] if times else None
                self.blocks.append({"n": np.zeros(1), "first": np.array([float(first + start)]), "time": np.array([np.nan if when is None else float(when)])})  # fmt: skip
                filled = 0.0
            stop = min(n, start + int(self.size - filled))
            self._into(self.blocks[-1], {**sums(slice(start, stop)), "n": np.array([float(stop - start)])})
            start = stop

    def since(self, record: int) -> History:
        """The blocks that begin with a record or later, the last one at least."""
        part = History()
        part.size = self.size
        part.blocks = [block for block in self.blocks if block["first"][0] >= record] or self.blocks[-1:]
        return part

    @property
    def n(self) -> int:
        """Records so far."""
        return int(sum(block["n"][0] for block in self.blocks))

    def total(self, weights: Sequence[float] | None = None) -> Sums:
        """The sums of all blocks, each counted by its weight."""
        found: Sums = {}
        for block, weight in zip(self.blocks, weights or [1.0] * len(self.blocks), strict=True):
            self._into(found, {name: weight * one for name, one in block.items() if name not in ("first", "time")})
        return found

    def resampled(self, figure: Callable[[Sums], FloatArray], *, seed: int = 0) -> FloatArray:
        """A figure of totals under resampled blocks (Bayesian bootstrap), shape (400, …); one block alone gives no spread."""
        rng = np.random.default_rng(seed)
        draws = rng.standard_exponential((N_RESAMPLES, len(self.blocks)))
        if len(self.blocks) > 1:  # makes the variance of a mean unbiased
            draws = 1 + (draws - 1) * np.sqrt((len(self.blocks) + 1) / (len(self.blocks) - 1))
        draws = np.maximum(draws, 0.0)
        blocks = self._evened()
        names = [name for name in blocks[0] if name not in ("first", "time")]
        stacked = {name: draws @ np.stack([block[name].ravel() for block in blocks]) for name in names}
        shapes = {name: blocks[0][name].shape for name in names}
        return np.array(
            [figure({name: stacked[name][i].reshape(shapes[name]) for name in names}) for i in range(N_RESAMPLES)]
        )

    def course(self, figure: Callable[[Sums], float]) -> list[tuple[Sums, float]]:
        """A figure of each block in turn."""
        return [(block, figure(block)) for block in self._evened()]

    def arrays(self) -> dict[str, FloatArray]:
        """The state, one array a name."""
        named: dict[str, FloatArray] = {"size": np.array([float(self.size)])}
        if self.blocks:
            blocks = self._evened()
            named |= {f"sum.{name}": np.stack([block[name] for block in blocks]) for name in blocks[0]}
        return named

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, FloatArray]) -> History:
        """Inverse of `arrays`."""
        history = cls()
        history.size = int(arrays["size"][0])
        held = {name.removeprefix("sum."): one for name, one in arrays.items() if name.startswith("sum.")}
        n = len(next(iter(held.values()))) if held else 0
        history.blocks = [{name: np.array(one[i]) for name, one in held.items()} for i in range(n)]
        return history

    def _evened(self) -> list[Sums]:
        """The blocks, all with the same sums: another version of the model may give no features, and adds nothing to their sums."""
        known = {name: one for block in self.blocks for name, one in block.items()}
        return [{name: block.get(name, np.zeros_like(one)) for name, one in known.items()} for block in self.blocks]

    def _merge(self) -> None:
        pairs = zip(self.blocks[::2], self.blocks[1::2], strict=True)
        merged = []
        for left, right in pairs:
            self._into(left, {name: one for name, one in right.items() if name not in ("first", "time")})
            merged.append(left)
        self.blocks, self.size = merged, 2 * self.size

    @staticmethod
    def _into(block: Sums, sums: Sums) -> None:
        for name, one in sums.items():
            block[name] = block[name] + one if name in block else np.array(one, np.float64)
