"""Joint: one linear model on several blocks, plain and pretrained, with a penalty per block."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.engines.threads import limit
from headstart.heads.calibration import fit_calibration
from headstart.heads.kernel_basis import BlockGrams
from headstart.heads.ridge import Ridge
from headstart.heads.select import estimators_for
from headstart.heads.transforms import get_transform

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from headstart.core.dataset import FloatArray, IntArray
    from headstart.heads.calibration import Calibration
    from headstart.heads.kernel_basis import KernelBasis
    from headstart.heads.problem import Fit, HeadEstimator, Problem

_WIDE = 500  # columns
_PLAIN_SHARES = (0.2, 0.5, 0.8)  # of the inner products, that of the plain blocks
PENALIZED = ("ridge", "logistic", "svm")
"""Heads with an L2 penalty, so that inner products are all they need."""
_RIDGE = Ridge(transforms=("identity",), scaled_transforms=())
TRANSFORM = "sqrt"
"""Of pretrained features, as logistic regression on them alone has it; plain encoders weigh their features themselves."""


@dataclass(frozen=True, kw_only=True)
class BlockRows:
    """The features of some items in one block.

    Attributes
    ----------
    name : of the block
    is_pretrained : whether they owe anything to pretraining
    rows : shape (n, d), sparse or dense; pretrained ones before the transform
    """

    name: str
    is_pretrained: bool
    rows: Any

    def take(self, index: IntArray) -> BlockRows:
        """Keep the items at `index`."""
        return replace(self, rows=self.rows[index])

    @property
    def transformed(self) -> Any:
        """What the inner products are made of, in double precision where it is dense."""
        if not self.is_pretrained:
            return self.rows
        return get_transform(TRANSFORM).apply(np.asarray(self.rows, np.float64))


@dataclass(frozen=True, kw_only=True)
class FittedJoint:
    """A model on several blocks.

    Attributes
    ----------
    name : of the head
    scales : of each block's inner products, by the name of the block; 0 where it is not read
    calibration : of the scores, fitted on held-out groups
    """

    name: str
    blocks: tuple[BlockRows, ...]
    basis: KernelBasis
    fit: Fit
    calibration: Calibration
    problem: Problem

    @property
    def scales(self) -> Mapping[str, float]:
        """How much each block counts."""
        return dict(zip((block.name for block in self.blocks), self.basis.scales, strict=True))

    @property
    def loss(self) -> float:
        """Of the calibrated scores on held-out groups."""
        return self.calibration.loss

    @cached_property
    def held_out(self) -> FloatArray:
        """Outputs for each item by fits without its group, shape (n, k)."""
        return self.outputs_without(self.problem.groups)

    def outputs_without(self, groups: Any) -> FloatArray:
        """The same for another grouping; what was chosen stays."""
        return self.calibration.outputs(self.fit.held_out(groups), self.problem.task_spec)

    @cached_property
    def linear(self) -> tuple[dict[str, FloatArray], FloatArray]:
        """Calibrated coefficients (d, k) of each block that is read, after its transform, and the intercept (k,)."""
        fitted = self.fit.head.calibrated(self.calibration.slope, self.calibration.intercept)
        along = fitted.scale[:, None] * fitted.coef
        coefs, intercept = self.basis.coef(along, fitted.intercept - fitted.centre @ along)
        named = zip(self.blocks, coefs, self.basis.scales, strict=True)
        return {block.name: coef for block, coef, scale in named if scale}, intercept

    def outputs(self, blocks: Sequence[BlockRows]) -> FloatArray:
        """Outputs for other items, shape (m, k)."""
        coefs, intercept = self.linear
        scores = [np.asarray(block.transformed @ coefs[block.name]) for block in blocks if block.name in coefs]
        return self.problem.task_spec.outputs(np.sum(scores, axis=0) + intercept)


def adapt_joint(
    blocks: Sequence[BlockRows],
    problem: Problem,
    *,
    head: str | HeadEstimator = "auto",
    scales: Mapping[str, float] | None = None,
) -> FittedJoint:
    """Fit one model on all blocks; the scales of the blocks and the head are chosen by the loss on held-out groups.

    Parameters
    ----------
    blocks : two or more, of the items of `problem`
    problem : its features are not used
    head : as in `headstart.heads.adapt`
    scales : of each block by its name; searched if None
    """
    tried = _scales(blocks) if scales is None else [tuple(scales.get(block.name, 0.0) for block in blocks)]
    with limit(1):
        grams = BlockGrams.of([block.transformed for block in blocks])
        candidates = (_fit(_RIDGE, blocks, grams.basis(one), problem) for one in tried)
        best = min(candidates, key=lambda one: one.loss)
        others = [
            _fit(estimator, blocks, best.basis, problem)
            for estimator in _on_coordinates(estimators_for(problem, head))
            if head != "auto" or estimator.name != _RIDGE.name
        ]
    return min([best, *others] if head in ("auto", _RIDGE.name) else others, key=lambda one: one.loss)


def _fit(estimator: HeadEstimator, blocks: Sequence[BlockRows], basis: KernelBasis, problem: Problem) -> FittedJoint:
    on_basis = replace(problem, features=basis.coordinates)
    fit = estimator.fit(on_basis)
    calibration = fit_calibration(fit.held_out(problem.groups), problem.targets, problem.task_spec)
    return FittedJoint(
        name=estimator.name, blocks=tuple(blocks), basis=basis, fit=fit, calibration=calibration, problem=on_basis
    )


def _scales(blocks: Sequence[BlockRows]) -> Iterator[tuple[float, ...]]:
    """Shares of plain and pretrained blocks; of several sources also each one without the others."""
    plain = [i for i, block in enumerate(blocks) if not block.is_pretrained]
    sources = [i for i, block in enumerate(blocks) if block.is_pretrained]
    widths = np.array([min(1.0, blocks[i].rows.shape[1] / _WIDE) for i in plain])  # a few columns say less than many
    subsets = [sources] if len(sources) < 2 else [sources, *([one] for one in sources)]
    shares = _PLAIN_SHARES if plain and sources else (1.0,) if plain else (0.0,)
    for share, used in itertools.product(shares, subsets):
        scales = np.zeros(len(blocks))
        scales[plain] = share * widths / max(widths.sum(), 1e-12)
        scales[used] = (1 - share) / max(1, len(used))
        yield tuple(float(scale) for scale in scales)


def _on_coordinates(estimators: Sequence[HeadEstimator]) -> Iterator[HeadEstimator]:
    """Those whose solution lies in the span of the items, without a transform: coordinates are no features of a network."""
    for estimator in estimators:
        if estimator.name == _RIDGE.name:
            yield _RIDGE
        elif estimator.name in PENALIZED:
            yield replace(estimator, transform="identity")  # type: ignore[type-var]
