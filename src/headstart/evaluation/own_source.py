"""Models that take from a source of the user's own: its score as offset with a residual, as it is, or ridge shrunk to its Moments."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from headstart.evaluation.mixed import Mixed, MixedNetwork, ScoredNetwork, linear_head
from headstart.evaluation.models import FittedModel
from headstart.evaluation.side_by_side import SideBySide
from headstart.heads.offset import PRIOR, FittedOffset, Kind, fit_offset
from headstart.heads.shrunk import fit_shrunk
from headstart.heads.summed_head import MixedHead, SummedHead

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headstart.core.dataset import Dataset, FloatArray, IntArray
    from headstart.core.moments import Moments
    from headstart.evaluation.experiment import Experiment
    from headstart.evaluation.models import Family
    from headstart.heads.head import LinearHead
    from headstart.sources.own_source import CopiedNetwork

Way = Literal["offset", "as it is", "recalibrated", "no transfer", "shrunk", "continued"]
WAYS: tuple[Way, ...] = get_args(Way)
_KINDS: dict[Way, tuple[Kind, ...]] = {
    "offset": tuple(PRIOR),
    "as it is": ("as it is",),
    "recalibrated": ("recalibrated",),
    "no transfer": ("no transfer",),
}
_READS_BLOCKS = ("offset", "no transfer")


@dataclass(frozen=True, eq=False)
class SourceScores:
    """What a copied network says of the items of a dataset, computed once.

    Attributes
    ----------
    field : that it reads; None if it reads items as they are
    """

    name: str
    network: CopiedNetwork
    field: str | None
    _kept: dict[int, tuple[Dataset, FloatArray]] = dataclasses.field(default_factory=dict, repr=False)

    def of(self, dataset: Dataset) -> FloatArray:
        """Shape (n, k); the last dataset is remembered."""
        key = id(dataset.items)
        if key not in self._kept:
            self._kept.clear()
            items = dataset.items if self.field is None else dataset.values_of(self.field)
            self._kept[key] = dataset, self.network.scores(items)
        return self._kept[key][1]


@dataclass(frozen=True)
class OffsetModel:
    """A source's score, and a ridge residual on the target's plain blocks.

    Attributes
    ----------
    way : which candidates are averaged: all of them, or one that does not read the blocks
    taken : of the last fit on each set of items: how much counts; filled by fits
    """

    source: SourceScores
    way: Way = "offset"
    taken: dict[bytes, FittedOffset] = dataclasses.field(default_factory=dict, repr=False)

    @property
    def name(self) -> str:
        """The source, and the way."""
        return f"{self.source.name}, {'with a residual' if self.way == 'offset' else self.way}"

    @property
    def family(self) -> Family:
        """The user's own, which counts more at first than other families."""
        return "own"

    @property
    def blocks(self) -> frozenset[str]:
        """The source."""
        return frozenset({self.source.name})

    def fit(self, experiment: Experiment, index: IntArray) -> FittedModel:
        """Fit on the items at `index`."""
        dataset = experiment.dataset
        base = self.source.of(dataset)
        blocks = experiment.plain.fit(index) if self.way in _READS_BLOCKS else ()
        plain = SideBySide.of(blocks, index, seed=experiment.seed)
        fitted = fit_offset(
            base[plain.index],
            plain.features,
            dataset.targets[plain.index],
            experiment.groups[plain.index],
            task=dataset.task_spec,
            seed=experiment.seed,
            kinds=_KINDS[self.way],
        )
        self.taken[index.tobytes()] = fitted
        coefs, intercept = plain.by_block(fitted.coef, fitted.intercept)
        return FittedModel(
            outputs=lambda asked: dataset.task_spec.outputs(
                fitted.slope * base[asked] + plain.scores(coefs, intercept, asked)
            ),
            predictor=lambda: self._predictor(experiment, plain, coefs, fitted.slope, intercept),
        )

    def _predictor(
        self,
        experiment: Experiment,
        plain: SideBySide,
        coefs: Sequence[FloatArray],
        slope: float,
        intercept: FloatArray,
    ) -> Mixed:
        k = len(intercept)
        read = [(one, coef) for one, coef in zip(plain.blocks, coefs, strict=True) if np.any(coef)]
        scorers = [ScoredNetwork(network=self.source.network, n_outputs=k, field=self.source.field)]
        scorers += [
            ScoredNetwork(network=one.encoder.scoring(coef), n_outputs=k, field=one.field) for one, coef in read
        ]
        parts = [linear_head(np.eye(k) * slope, intercept), *(linear_head(np.eye(k)) for _ in read)]
        return sum_of(self.name, scorers, parts, experiment)


def target_only(models: Sequence[Any]) -> OffsetModel | None:
    """The same as an offset model without its source's score: what the target alone gives; None where there is no such model."""
    offset = next((one for one in models if isinstance(one, OffsetModel)), None)
    return None if offset is None else OffsetModel(offset.source, "no transfer")


@dataclass(frozen=True)
class ShrunkModel:
    """Ridge on the sources' plain columns, shrunk to the sources by their Moments.

    Attributes
    ----------
    source : whose values are the plain columns
    moments : of each source's rows, in these columns
    """

    source: SourceScores
    moments: tuple[Moments, ...]

    @property
    def name(self) -> str:
        """The source, and the way."""
        return f"ridge shrunk to {self.source.name}"

    @property
    def family(self) -> Family:
        """Frozen."""
        return "frozen"

    @property
    def blocks(self) -> frozenset[str]:
        """The source."""
        return frozenset({self.source.name})

    def fit(self, experiment: Experiment, index: IntArray) -> FittedModel:
        """Fit on the items at `index`."""
        dataset, columns = experiment.dataset, self.source.of(experiment.dataset)
        fitted = fit_shrunk(
            columns[index],
            dataset.targets[index],
            experiment.groups[index],
            self.moments,
            task=dataset.task_spec,
            seed=experiment.seed,
        )
        scorer = ScoredNetwork(network=self.source.network, n_outputs=columns.shape[1], field=self.source.field)
        return FittedModel(
            outputs=lambda asked: dataset.task_spec.outputs(fitted.scores(columns[asked])),
            predictor=lambda: sum_of(self.name, [scorer], [linear_head(fitted.coef, fitted.intercept)], experiment),
        )


def sum_of(name: str, scorers: Sequence[ScoredNetwork], parts: Sequence[LinearHead], experiment: Experiment) -> Mixed:
    """Scores that add up, behind the link."""
    network = MixedNetwork(sources=(), scorers=tuple(scorers))
    starts = np.cumsum([0, *network.widths])
    placed = tuple(part.moved(*starts[i : i + 2].tolist()) for i, part in enumerate(parts))
    head = MixedHead(
        heads=(SummedHead(parts=placed),),
        weights=(1.0,),
        names=(name,),
        link=experiment.dataset.task_spec.link,
    )
    return Mixed(name=name, network=network, head=head)
