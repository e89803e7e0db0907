"""Measure a variant against the original model: size, accuracy on held-out items, and time per item."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.compression.graphs import FEATURES, OUTPUTS
from headstart.core.intervals import Resamples, gain, score
from headstart.core.student import Z_95
from headstart.packaging.session import open_bundle_session

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headstart.core.dataset import Dataset, FloatArray
    from headstart.core.metrics import Metric
    from headstart.core.report import Score
    from headstart.packaging.packed import Packed

_BATCH_SIZE = 16  # the batch size of a bundle
_N_TURNS = 40
_N_WARM = 3


@dataclass(frozen=True, kw_only=True)
class Latency:
    """Median times for a single item on one thread, including preprocessing.

    Attributes
    ----------
    ms, original_ms : of the variant and of the original, measured alternately
    ratio : median over the turns of variant / original, with its 95 % interval (`low`, `high`) by order statistics
    """

    ms: float
    original_ms: float
    ratio: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class Measured:
    """Size, accuracy and latency of a variant.

    Attributes
    ----------
    score : the headline metric on held-out items
    gain : the paired gain over the original on the same items; negative where the variant is worse
    """

    size_mib: float
    score: Score
    gain: Score
    latency: Latency


def predict(packed: Packed, items: Sequence[Any], *, batch_size: int = _BATCH_SIZE) -> dict[str, FloatArray]:
    """Run a model on items in batches like a bundle does; returns its outputs, and its features if it has them."""
    session = open_bundle_session(packed.graph, trust_graphs=True)
    names = [output.name for output in session.get_outputs() if output.name in (OUTPUTS, FEATURES)]
    batches = (packed.input.transform(items[i : i + batch_size]) for i in range(0, len(items), batch_size))
    parts = [session.run(names, batch) for batch in batches]
    return {name: np.concatenate(found) for name, found in zip(names, zip(*parts, strict=True), strict=True)}


@dataclass(frozen=True)
class Reference:
    """The original model on held-out items, which every variant is compared with.

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

    @cached_property
    def least_loss(self) -> float:
        """The loss that so few items cannot rule out even of a model that answers as the original does, in the metric's unit."""
        same = gain(self.metric, self.dataset.targets, self.outputs, self.outputs, self.resamples)
        return max(0.0, -same.low)

    def doubt(self, tolerance: float) -> str:
        """Why no variant can be kept, and what it takes, as a sentence; empty where the tolerance can be decided."""
        n, least = len(self.dataset), self.least_loss
        if tolerance > least:
            return ""
        decidable = math.ceil(1000 * least + 1e-6) / 10  # percent, with one decimal
        said = (
            f"{n} held-out items cannot prove that {self.metric.name} falls by less than {100 * tolerance:g} %, even for a variant that answers "
            f"all of them alike, so none can be kept. With so many items, ask for --tolerance {decidable:g}% or more"
        )
        if tolerance == 0:
            return f"{said}."
        quantile = self.resamples.quantile  # the loss is this over the effective number of items and two pseudo-items
        items = n * (quantile / tolerance - 2) / (quantile / least - 2)
        return f"{said}; --tolerance {100 * tolerance:g}% takes about {_rounded_up(items):,} held-out items."

    def measure(self, packed: Packed) -> Measured:
        """Measure a variant on the held-out items, and its latency alternating with the original."""
        outputs = predict(packed, self.dataset.items)[OUTPUTS]
        return Measured(
            size_mib=packed.size_mib,
            score=score(self.metric, self.dataset.targets, outputs, self.resamples),
            gain=gain(self.metric, self.dataset.targets, outputs, self.outputs, self.resamples),
            latency=measure_latency(packed, self.original, self.dataset.items),
        )

    def check(self, packed: Packed) -> dict[str, Any]:
        """Differences of its outputs from the original's, and between single items and batches; for the manifest."""
        items = self.dataset.items[:_BATCH_SIZE]
        batched = predict(packed, items)[OUTPUTS]
        alone = predict(packed, items, batch_size=1)[OUTPUTS]
        return {
            "n_items": len(items),
            "max_difference": float(np.abs(batched - self.outputs[:_BATCH_SIZE]).max()),
            "alone_or_in_batch": float(np.abs(batched - alone).max()),
        }


def _rounded_up(n: float) -> int:
    """Round up to two digits.

    >>> _rounded_up(196.2), _rounded_up(1941.0)
    (200, 2000)
    """
    digits = 10 ** max(0, math.floor(math.log10(max(n, 1))) - 1)
    return math.ceil(n / digits) * digits


def measure_latency(packed: Packed, original: Packed, items: Sequence[Any], n_turns: int = _N_TURNS) -> Latency:
    """Time both models on the same items, alternating; each turn runs both twice and takes the shorter time of each.

    So a slow moment of the machine affects both or neither; the order changes from turn to turn.
    """
    runs = [(open_bundle_session(one.graph, threads=1, trust_graphs=True), one.input) for one in (packed, original)]
    seconds = np.full((n_turns + _N_WARM, 2), np.inf)
    for turn in range(len(seconds)):
        item = items[turn % len(items)]
        for which in (0, 1, 1, 0) if turn % 2 else (1, 0, 0, 1):
            session, preprocessor = runs[which]
            started = time.perf_counter()
            session.run([OUTPUTS], preprocessor.transform([item]))
            seconds[turn, which] = min(seconds[turn, which], time.perf_counter() - started)
    seconds = seconds[_N_WARM:]
    ratios = np.sort(seconds[:, 0] / seconds[:, 1])
    margin = round(Z_95 * np.sqrt(n_turns) / 2)  # ranks around the median, by the binomial distribution
    middle = n_turns // 2
    ms, original_ms = 1000 * np.median(seconds, axis=0)
    return Latency(
        ms=float(ms),
        original_ms=float(original_ms),
        ratio=float(np.median(ratios)),
        low=float(ratios[max(0, middle - margin)]),
        high=float(ratios[min(n_turns - 1, middle + margin)]),
    )
