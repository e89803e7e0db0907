"""Histograms: trees, a linear model or both on colours and edges; what a photo model must beat in seconds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from headstart.core.errors import require
from headstart.evaluation.baseline import Cost, FittedBaseline, InterceptHead, sampled
from headstart.evaluation.field_networks import fit_on_its_field
from headstart.evaluation.forest import Forest, fit_forest
from headstart.evaluation.sparse_linear import NEVER, LinearFit, fit_linear, grouped_folds
from headstart.features.encoders.histograms import FittedHistograms, HistogramEncoder, histogram_values, histograms
from headstart.heads.calibration import fit_calibration
from headstart.sources.preprocessors.pixels import ImagePreprocessor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headstart.core.dataset import Dataset, FloatArray, IntArray
    from headstart.core.tasks import TaskSpec
    from headstart.core.tasks.link import Link
    from headstart.engines.context import RunContext
    from headstart.onnx_graph.builder import GraphBuilder
    from headstart.storage.result_cache import Arrays

_SHARE_OF_FEATURES_FOR_VALUES = 0.3  # that a node of a tree chooses among; of classes the square root
_FEWEST = 1e-3  # the least probability that a forest is believed
_MIXES = {
    "a linear model": (1.0, 0.0),
    "randomized trees": (0.0, 1.0),
    "a linear model and randomized trees": (0.5, 0.5),
}


@dataclass(frozen=True, kw_only=True)
class Histograms:
    """Extremely randomized trees, a linear model, or the mean of both, whichever is best on held-out groups.

    Attributes
    ----------
    max_items : larger datasets are sampled, and the note says so
    """

    name: ClassVar[str] = "histograms"
    title: ClassVar[str] = "histograms of colours and edges"
    preprocessor: ClassVar[str | None] = ImagePreprocessor.kind
    cost: ClassVar[Cost] = "simple"
    is_control: ClassVar[bool] = False
    single_threaded: ClassVar[bool] = False
    max_items: int = 20_000

    def fit(self, dataset: Dataset, index: IntArray, *, context: RunContext) -> FittedBaseline:
        """Learn from the photos at `index`."""
        require("sklearn", extra="train", purpose="fitting the baseline of histograms")
        if len(dataset.fields) > 1:
            return fit_on_its_field(self, dataset, index, context=context)
        kept, sampling = sampled(index, self.max_items, context.seed)
        part = dataset.take(kept)
        rows = histograms(part.items)
        groups = np.arange(len(part)) if part.groups is None else part.groups
        key = ("histograms 2", part.task, context.seed, rows, part.targets, groups)
        state = context.cache.get_or_compute(key, lambda: _fit(part, rows, groups, context.seed))
        return FittedBaseline(
            name=self.name,
            network=_network(state, part.task_spec.link),
            head=InterceptHead(intercept=state["intercept"], link=part.task_spec.link),
            note=str(state["note"]) + sampling,
        )


@dataclass(frozen=True, kw_only=True)
class HistogramScores:
    """Pixels to scores: those of a linear model plus those of a forest.

    Attributes
    ----------
    encoder : standardizes the histograms for the linear model
    coef : shape (d, k), of the linear model
    forest : None where the linear model is all
    slope : what the forest's log-odds are multiplied by
    link : of the task; decides how a forest's means become scores
    """

    encoder: FittedHistograms
    coef: FloatArray
    forest: Forest | None
    slope: float
    link: Link

    @property
    def input(self) -> ImagePreprocessor:
        """The preprocessor of the encoder."""
        return self.encoder.input

    def scores(self, items: Sequence[Any]) -> FloatArray:
        """Shape (n, k)."""
        rows = histograms(items)
        scores = self.encoder.standardized(rows) @ self.coef
        return scores if self.forest is None else scores + self.slope * _forest_scores(self.forest, rows, self.link)

    def encode(self, graph: GraphBuilder) -> str:
        """Add the nodes of the histograms, of the linear model and of the forest."""
        rows = histogram_values(graph)
        scores = graph.op("MatMul", self.encoder.add_nodes(graph, rows), graph.constant(self.coef))
        if self.forest is None:
            return scores
        means = self.forest.extend(graph, rows)
        if self.link != "identity":
            limits = (graph.constant(np.float32(limit)) for limit in (_FEWEST, 1 - _FEWEST))
            means = graph.op("Clip", means, *limits)
            odds = means
            if self.link == "sigmoid":
                odds = graph.op("Div", means, graph.op("Sub", graph.constant(np.float32(1)), means))
            means = graph.op("Log", odds)
        return graph.op("Add", scores, graph.op("Mul", means, graph.constant(np.float32(self.slope))))


def _fit(part: Dataset, rows: FloatArray, groups: IntArray, seed: int) -> Arrays:
    targets, task = part.targets, part.task_spec
    encoder = HistogramEncoder().fit(part.items)
    weight = 1 / np.sqrt(rows.shape[1])  # rows of about unit length
    linear = fit_linear(encoder.standardized(rows) * weight, targets, task, groups, seed)
    share = None if task.has_probabilities else _SHARE_OF_FEATURES_FOR_VALUES
    found = np.zeros(targets.shape)
    for train, test in grouped_folds(groups, targets, seed):
        forest = fit_forest(rows[train], targets[train], seed, share_of_features=share)
        found[test] = _forest_scores(forest, rows[test], task.link)
    note, parts, slope, intercept = _mixed(linear, found[linear.held_out], targets, task)
    state = {
        "mean": encoder.mean,
        "scale": encoder.scale,
        "coef": (parts * weight * linear.coef).astype(np.float32),
        "intercept": intercept,
        "slope": np.array(slope),
        "note": np.array(note if note != "a linear model" else f"{note}: {linear.note}"),
    }
    return state | (vars(fit_forest(rows, targets, seed, share_of_features=share)) if slope else {})


def _mixed(
    linear: LinearFit, trees: FloatArray, targets: FloatArray, task: TaskSpec
) -> tuple[str, float, float, FloatArray]:
    """The mix with the lowest held-out loss: its name, the share of the linear model, the trees' slope, and the intercept."""
    if not len(linear.held_out):
        return "a linear model", 1.0, 0.0, linear.intercept
    known = targets[linear.held_out]
    own = fit_calibration(trees, known, task)
    parts = linear.scores, own.slope * trees + own.intercept
    calibrations = {name: fit_calibration(a * parts[0] + b * parts[1], known, task) for name, (a, b) in _MIXES.items()}
    name = min(_MIXES, key=lambda name: calibrations[name].loss)
    (a, b), best = _MIXES[name], calibrations[name]
    intercept = best.slope * (a * linear.intercept + b * own.intercept) + best.intercept
    if task.is_single_label:
        seen = targets.any(axis=0)
        intercept[~seen] = intercept[seen].min(initial=0.0) - NEVER
    return name, best.slope * a, best.slope * b * own.slope, intercept


def _forest_scores(forest: Forest, rows: FloatArray, link: Link) -> FloatArray:
    """Means of a forest as scores before the link, shape (n, k)."""
    means = forest.predict(rows)
    if link == "identity":
        return means
    means = np.clip(means, _FEWEST, 1 - _FEWEST)
    return np.log(means / (1 - means)) if link == "sigmoid" else np.log(means)


def _network(state: Arrays, link: Link) -> HistogramScores:
    names = Forest.__dataclass_fields__
    return HistogramScores(
        encoder=FittedHistograms(mean=state["mean"], scale=state["scale"]),
        coef=state["coef"],
        forest=Forest(**{name: state[name] for name in names}) if "roots" in state else None,
        slope=float(state["slope"]),
        link=link,
    )
