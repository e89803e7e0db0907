"""Models: frozen and joint ones, and what any part of the model that ships offers: it is fitted on some items and asked about others."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np

from headstart.evaluation.mixed import Mixed, MixedNetwork, ScoredNetwork, linear_head
from headstart.heads.joint import TRANSFORM, BlockRows, adapt_joint
from headstart.heads.summed_head import MixedHead, SummedHead
from headstart.sources.joint import JointSource

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from headstart.core.dataset import FloatArray, IntArray
    from headstart.evaluation.experiment import Experiment
    from headstart.heads import Adapted
    from headstart.heads.joint import FittedJoint
    from headstart.sources import AnySource

Family = Literal["plain", "frozen", "joint", "tuned", "own"]
MAX_JOINT_ITEMS = 2000  # trained on: the eigendecomposition of a Gram matrix takes 8 times as long with twice as many


@dataclass(frozen=True)
class FittedModel:
    """A model after its fit.

    Attributes
    ----------
    outputs : for the items of the experiment at some positions, shape (m, k)
    predictor : makes the predictor, which takes items themselves
    outputs_without : for the items that were learned from, by fits without the group of each, for any grouping, shape (m, k);
        None where that takes another fit
    """

    outputs: Callable[[IntArray], FloatArray]
    predictor: Callable[[], Mixed]
    outputs_without: Callable[[IntArray], FloatArray] | None = None


class Model(Protocol):
    """A model that can be fitted on some items of an experiment."""

    @property
    def name(self) -> str:
        """Its name for people."""
        ...

    @property
    def family(self) -> Family:
        """What kind it is: families count the same in a mix at first."""
        ...

    @property
    def blocks(self) -> frozenset[str]:
        """Names of the blocks that it reads."""
        ...

    def fit(self, experiment: Experiment, index: IntArray) -> FittedModel:
        """Fit on the items at `index` only."""
        ...


@dataclass(frozen=True)
class FrozenModel:
    """Heads on the features of one frozen source, or of one per field.

    Attributes
    ----------
    experiment : with the features of that source alone
    final : the fit on `experiment.plan.final`
    """

    experiment: Experiment
    final: Adapted

    @property
    def name(self) -> str:
        """The source and the head."""
        return f"{self.experiment.source.name} + {self.final.head_name}"

    @property
    def family(self) -> Family:
        """Frozen."""
        return "frozen"

    @property
    def blocks(self) -> frozenset[str]:
        """Those of its source."""
        return frozenset(self.experiment.source.parts)

    def fit(self, experiment: Experiment, index: IntArray) -> FittedModel:  # noqa: ARG002  (it has features of its own)
        """Fit heads, or reuse the final ones."""
        own = self.experiment
        adapted = self.final if np.array_equal(index, own.plan.final) else own.adapt(index)
        network = MixedNetwork(sources=sources_of(own.source), scorers=())
        return FittedModel(
            outputs=lambda asked: adapted.head.outputs(own.features[asked]),
            predictor=lambda: Mixed(name=self.name, network=network, head=adapted.head),
            outputs_without=adapted.outputs_without,
        )


@dataclass(frozen=True)
class JointModel:
    """One linear model on plain and pretrained blocks.

    Attributes
    ----------
    without : names of blocks that are left out
    scales : of each block, by the items that were learned from; filled by fits, and not searched where they are there
    """

    experiment: Experiment
    without: frozenset[str] = frozenset()
    scales: dict[bytes, Mapping[str, float]] = field(default_factory=dict, repr=False)

    @property
    def name(self) -> str:
        """What it joins."""
        return "joint model"

    @property
    def family(self) -> Family:
        """Joint."""
        return "joint"

    @property
    def blocks(self) -> frozenset[str]:
        """All but those that are left out."""
        return self.experiment.block_names - self.without

    def only(self, blocks: frozenset[str]) -> JointModel:
        """The same model of fewer blocks, whose scales stay as they were chosen for all."""
        return replace(self, without=self.experiment.block_names - blocks)

    def suits(self) -> bool:
        """Whether there are two blocks to join, one of them pretrained, few enough items, and no head that was named to stand alone."""
        n_items = max(len(train) for train, _ in self.experiment.plan.folds)
        has_pretrained = bool(self.blocks & frozenset(self.experiment.source.parts))
        return has_pretrained and len(self.blocks) > 1 and n_items <= MAX_JOINT_ITEMS and self.experiment.head == "auto"

    def fit(self, experiment: Experiment, index: IntArray) -> FittedModel:
        """Fit encoders, scales and heads on the items at `index`."""
        rows = self._rows(experiment, index)
        fitted = adapt_joint(
            [block.take(index) for block in rows],
            experiment.problem(index),
            head="ridge" if self.without else experiment.head,
            scales=self.scales.get(index.tobytes()),
        )
        self.scales.setdefault(index.tobytes(), fitted.scales)
        return FittedModel(
            outputs=lambda asked: fitted.outputs([block.take(asked) for block in rows]),
            predictor=lambda: self._predictor(experiment, index, fitted),
            outputs_without=fitted.outputs_without,
        )

    def _rows(self, experiment: Experiment, index: IntArray) -> list[BlockRows]:
        blocks = [
            BlockRows(name=block.name, is_pretrained=False, rows=block.rows)
            for block in experiment.plain.fit(index)
            if block.name not in self.without
        ]
        for name, columns in experiment.source.parts.items():
            if name not in self.without:
                blocks.append(BlockRows(name=name, is_pretrained=True, rows=experiment.features[:, columns]))
        return blocks

    def _predictor(self, experiment: Experiment, index: IntArray, fitted: FittedJoint) -> Mixed:
        coefs, intercept = fitted.linear
        k = len(intercept)
        sources = tuple(one for one in sources_of(experiment.source) if one.name in coefs)
        plain = [block for block in experiment.plain.fit(index) if block.name in coefs]
        scorers = tuple(
            ScoredNetwork(network=block.encoder.scoring(coefs[block.name]), n_outputs=k, field=block.field)
            for block in plain
        )
        network = MixedNetwork(sources=sources, scorers=scorers)
        parts = [linear_head(coefs[source.name], transform=TRANSFORM) for source in sources]
        parts += [linear_head(np.eye(k)) for _ in plain]
        parts[0] = replace(parts[0], intercept=intercept)
        starts = np.cumsum([0, *network.widths])
        placed = [part.moved(*starts[i : i + 2].tolist()) for i, part in enumerate(parts)]
        head = MixedHead(
            heads=(SummedHead(parts=tuple(placed)),),
            weights=(1.0,),
            names=(f"{fitted.name} on all blocks",),
            link=fitted.problem.task_spec.link,
        )
        return Mixed(name=self.name, network=network, head=head)


def sources_of(source: AnySource) -> tuple[Any, ...]:
    """The networks of a source, one by one."""
    return tuple(source.sources) if isinstance(source, JointSource) else (source,)


@dataclass(frozen=True, kw_only=True)
class HeldOutModel:
    """A model, and what fits without them say of the held-out items.

    Attributes
    ----------
    outputs : shape (n_test, k), in the order of `plan.test`
    """

    model: Model
    outputs: FloatArray
    seconds: float


def hold_out(model: Model, experiment: Experiment) -> HeldOutModel:
    """Fit on the training part of each fold and predict its test part."""
    held_out = hold_out_within(model, experiment, math.inf)
    assert held_out is not None
    return held_out


def hold_out_within(model: Model, experiment: Experiment, budget_s: float) -> HeldOutModel | None:
    """The same; None if there is no time, or if after a fold the others would exceed the budget."""
    started, outputs, folds = time.perf_counter(), [], experiment.plan.folds
    for n_done, (train, test) in enumerate(folds):
        expected_s = (time.perf_counter() - started) * len(folds) / max(n_done, 1)
        if expected_s > budget_s or budget_s <= 0:
            return None
        experiment.context.cancel_token.raise_if_cancelled(model.name)
        outputs.append(model.fit(experiment, train).outputs(test))
    return HeldOutModel(model=model, outputs=np.concatenate(outputs), seconds=time.perf_counter() - started)
