"""Measure a variant beside the model that it was made of: size, accuracy on held-out items, time for one item."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.compression.graphs import FEATURES, OUTPUTS
from headstart.core.intervals import Resamples, gain, score
from headstart.packaging.session import open_bundle_session

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headstart.core.dataset import Dataset, FloatArray
    from headstart.core.metrics import Metric
    from headstart.core.report import Score
    from headstart.packaging.packed import Packed

_BATCH_SIZE = 16  # as a bundle predicts
_N_TURNS = 40
_N_WARM = 3
_QUANTILE = 1.959964


@dataclass(frozen=True, kw_only=True)
class Latency:
    """Medians of the time for one item alone, preparing it included, on one thread.

    Attributes
    ----------
    ms, original_ms : of the variant and of the original, measured in turns
    ratio : median over the turns of variant ÷ original, with its 95 % interval (`low`, `high`) by order statistics
    """

    ms: float
    original_ms: float
    ratio: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What a variant costs and gives.

    Attributes
    ----------
    score : the headline metric on held-out items
    gain : the paired gain over the original on the same items; negative where the variant is worse
    """

    size_mib: float
    score: Score
    gain: Score
    latency: Latency


def answers(packed: Packed, items: Sequence[Any], *, batch_size: int = _BATCH_SIZE) -> dict[str, FloatArray]:
    """Run a model on items in batches, as a bundle predicts: its outputs, and its features where it gives them."""
    session = open_bundle_session(packed.graph)
    names = [output.name for output in session.get_outputs() if output.name in (OUTPUTS, FEATURES)]
    batches = (packed.input.prepare(items[i : i + batch_size]) for i in range(0, len(items), batch_size))
    parts = [session.run(names, batch) for batch in batches]
    return {name: np.concatenate(found) for name, found in zip(names, zip(*parts, strict=True), strict=True)}


@dataclass(frozen=True)
class Reference:
    """The original model on held-out items: what every variant is measured against.

    Attributes
    ----------
    dataset : the held-out items with their groups
    outputs : shape (n, k), of the original
    """

    original: Packed
    dataset: Dataset
    outputs: FloatArray
    metric: Metric
    seed: int

    @cached_property
    def resamples(self) -> Resamples:
        """Weights of the held-out groups, the same for every comparison."""
        assert self.dataset.groups is not None
        return Resamples.draw(self.dataset.groups, seed=self.seed)

    @cached_property
    def score(self) -> Score:
        """The original's headline metric."""
        return score(self.metric, self.dataset.targets, self.outputs, self.resamples)

    def measure(self, packed: Packed) -> Measured:
        """Run a variant on the held-out items, and on single ones in turns with the original."""
        outputs = answers(packed, self.dataset.items)[OUTPUTS]
        return Measured(
            size_mib=packed.size_mib,
            score=score(self.metric, self.dataset.targets, outputs, self.resamples),
            gain=gain(self.metric, self.dataset.targets, outputs, self.outputs, self.resamples),
            latency=measure_latency(packed, self.original, self.dataset.items),
        )

    def check(self, packed: Packed) -> dict[str, Any]:
        """How far its answers are from the original's, and from its own for an item that is alone; for the manifest."""
        items = self.dataset.items[:_BATCH_SIZE]
        together = answers(packed, items)[OUTPUTS]
        alone = answers(packed, items, batch_size=1)[OUTPUTS]
        return {
            "n_items": len(items),
            "max_difference": float(np.abs(together - self.outputs[:_BATCH_SIZE]).max()),
            "alone_or_in_batch": float(np.abs(together - alone).max()),
        }


def measure_latency(packed: Packed, original: Packed, items: Sequence[Any], n_turns: int = _N_TURNS) -> Latency:
    """Time both on one item after the other: in each turn there and back again, the shorter of each one's two times.

    So a slow moment of the machine hits both or neither, and who goes first changes from turn to turn.
    """
    runs = [(open_bundle_session(one.graph, threads=1), one.input) for one in (packed, original)]
    seconds = np.full((n_turns + _N_WARM, 2), np.inf)
    for turn in range(len(seconds)):
        item = items[turn % len(items)]
        for which in (0, 1, 1, 0) if turn % 2 else (1, 0, 0, 1):
            session, prepared = runs[which]
            started = time.perf_counter()
            session.run([OUTPUTS], prepared.prepare([item]))
            seconds[turn, which] = min(seconds[turn, which], time.perf_counter() - started)
    seconds = seconds[_N_WARM:]
    ratios = np.sort(seconds[:, 0] / seconds[:, 1])
    margin = round(_QUANTILE * np.sqrt(n_turns) / 2)  # ranks around the middle one, by the binomial distribution
    middle = n_turns // 2
    ms, original_ms = 1000 * np.median(seconds, axis=0)
    return Latency(
        ms=float(ms),
        original_ms=float(original_ms),
        ratio=float(np.median(ratios)),
        low=float(ratios[max(0, middle - margin)]),
        high=float(ratios[min(n_turns - 1, middle + margin)]),
    )
