"""Make a reference of records, answers and labels; it holds quantiles, counts and moments, and no row."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.monitoring.contents import contents_of
from headstart.monitoring.ensemble import Member
from headstart.monitoring.output_cells import find_cells
from headstart.monitoring.ranks import counts_of, edges_of
from headstart.monitoring.reference import Projection, Reference
from headstart.monitoring.statistics import (
    OTHER,
    PREDICTED,
    PREDICTIONS,
    Judged,
    Observed,
    Statistic,
    errors_of,
    level_values,
    losses_of,
    read_items,
    values_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from headstart.core.arrays import FloatArray
    from headstart.core.dataset import Field
    from headstart.core.tasks import TaskSpec

_MAX_LABELS = 10
_MAX_LEVELS = 6
_MAX_SLICED = 3  # columns
_MIN_IN_SLICE = 30  # losses, for a slice to be watched
_N_DIRECTIONS = 8
_N_RELIABILITY = 10
_N_CROSS_FITTED = 100  # answers of models that learned from less stand for so many, at most: those of the model itself differ a little


def make_reference(
    *,
    task: TaskSpec,
    labels: Sequence[str],
    fields: Sequence[Field],
    items: Sequence[Any] | None = None,
    outputs: FloatArray | None = None,
    targets: FloatArray | None = None,
    judged_items: Sequence[Any] | None = None,
    features: FloatArray | None = None,
    blocks: Sequence[tuple[str, int, int]] = (),
    decision_weights: Sequence[float] | None = None,
    keep_case: bool = False,
    is_cross_fitted: bool = False,
    made_of: str = "",
) -> Reference:
    """Summarize what is to be compared with.

    Parameters
    ----------
    items : of the records; None where only answers are watched
    outputs : of the model for items that it did not learn from, shape (n, k)
    targets : of the same items, shape (n, k); None where no labels are known
    judged_items : the items of `outputs`, whose levels slice the losses; None where these are `items`
    is_cross_fitted : whether `outputs` are those of models that learned from a part, not of the model that is watched
    features : shape (n, d); `blocks` of them: name, first column, the one after the last
    """
    cells, sizes = read_items(items, fields)
    n = len(items) if items is not None else 0 if outputs is None else len(outputs)
    projections = tuple(_project(features, *block) for block in blocks) if features is not None else ()
    seen = Observed(
        n=n,
        cells=cells,
        sizes=sizes,
        projections={} if features is None else {one.block: one.of(features) for one in projections},
    )
    answered = None if outputs is None else Observed(n=len(outputs), outputs=outputs)
    found = [*_of_answers(answered, task, labels), *_of_cells(seen), *_of_features(seen)]
    about: dict[str, Any] = {}
    if outputs is not None:
        about = _about_answers(outputs, task, decision_weights)
    if outputs is not None and targets is not None:
        levels = read_items(items if judged_items is None else judged_items, fields)[0]
        judged = Judged(
            outputs=outputs,
            targets=targets,
            levels=slice_levels(outputs, levels, task, labels, weights=decision_weights),
        )
        found += list(_of_losses(judged, task, decision_weights))
        about |= _about_labels(judged, task, decision_weights)
    members = tuple(
        _member(
            one, values, task, labels, most=_N_CROSS_FITTED if is_cross_fitted and one.group == PREDICTIONS else None
        )
        for one, values in found
    )
    return Reference(
        task=task.name,
        labels=tuple(labels),
        fields=tuple(fields),
        statistics=tuple(statistic for statistic, _ in found),
        members=members,
        n_records=n,
        decision_weights=None if decision_weights is None else tuple(map(float, decision_weights)),
        duplicate_share=_duplicate_share(cells, items, n),
        projections=projections,
        slices=tuple(sorted({one.field for one, _ in found if one.of == "error" and one.field})),
        keep_case=keep_case,
        made_of=made_of,
        **about,
    )


def _member(
    statistic: Statistic, values: FloatArray, task: TaskSpec, labels: Sequence[str], *, most: int | None
) -> Member:
    edges = edges_of(values)
    if most is not None and len(values) > most:
        values = np.quantile(values, (np.arange(most) + 0.5) / most, method="inverted_cdf")
    return Member(
        name=statistic.name(labels, is_value=not task.has_probabilities),
        group=statistic.group,
        kind="loss" if statistic.of in ("error", "loss") else "value",
        column=statistic.field,
        edges=edges,
        counts=counts_of(edges, values),
    )


def _of_answers(seen: Observed | None, task: TaskSpec, labels: Sequence[str]) -> Iterator[tuple[Statistic, FloatArray]]:
    if seen is None or seen.outputs is None:
        return
    often = np.argsort(-seen.outputs.mean(axis=0), kind="stable")[:_MAX_LABELS]
    if task.is_single_label and len(labels) == 2:
        often = np.array([1])
    statistics = [Statistic(of="output", at=int(place)) for place in sorted(often)]
    if task.has_probabilities:
        statistics.append(Statistic(of="confidence"))
    for statistic in statistics:
        yield statistic, values_of(statistic, seen)


def _of_cells(seen: Observed) -> Iterator[tuple[Statistic, FloatArray]]:
    for name, cells in seen.cells.items():
        missing = Statistic(of="missing", field=name)
        yield missing, values_of(missing, seen)
        if isinstance(cells, np.ndarray):
            yield Statistic(of="cell", field=name), cells
            continue
        levels = [level for level, _ in _most_common(cells)[:_MAX_LEVELS]]
        for level in levels:
            statistic = Statistic(of="level", field=name, at=level)
            yield statistic, values_of(statistic, seen)
        yield Statistic(of="level", field=name, at=OTHER), level_values(levels, cells)
    for name, sizes in seen.sizes.items():
        if len(np.unique(sizes)) > 1:
            yield Statistic(of="size", field=name), sizes


def _of_features(seen: Observed) -> Iterator[tuple[Statistic, FloatArray]]:
    for block, projected in seen.projections.items():
        for axis in range(projected.shape[1]):
            yield Statistic(of="projection", field=block, at=axis), projected[:, axis]


def _of_losses(
    judged: Judged, task: TaskSpec, weights: Sequence[float] | None
) -> Iterator[tuple[Statistic, FloatArray]]:
    statistics = [Statistic(of="error")]
    if task.has_probabilities:
        statistics.append(Statistic(of="loss"))
    for name in sorted(judged.levels):
        often = [level for level, n in _most_common(judged.levels[name])[:_MAX_LEVELS] if n >= _MIN_IN_SLICE]
        statistics += [Statistic(of="error", field=name, at=level) for level in often if len(often) > 1]
    for statistic in statistics:
        yield statistic, losses_of(statistic, judged, task, weights)


def slice_levels(
    outputs: FloatArray,
    cells: dict[str, Any],
    task: TaskSpec,
    labels: Sequence[str],
    *,
    weights: Sequence[float] | None,
    names: Sequence[str] | None = None,
) -> dict[str, Sequence[str]]:
    """The levels of the slices that each answer is in, by field: the label that was decided on, and columns of few levels.

    Parameters
    ----------
    names : of the columns; None for the first few of few levels
    """
    if names is None:
        able = [name for name, one in cells.items() if not isinstance(one, np.ndarray)]
        names = [name for name in able if 2 <= len({cell for cell in cells[name] if cell}) <= _MAX_LEVELS][:_MAX_SLICED]
        names = [PREDICTED, *names] if task.is_single_label else names
    found: dict[str, Sequence[str]] = {name: cells[name] for name in names if name in cells}
    if PREDICTED in names and task.is_single_label:
        decided = task.indicators(task.weigh(outputs, weights)).argmax(axis=1)
        found[PREDICTED] = [labels[i] for i in decided]
    return found


def _about_answers(outputs: FloatArray, task: TaskSpec, weights: Sequence[float] | None) -> dict[str, Any]:
    if not task.has_probabilities:
        return {}
    return {
        "answers": np.asarray(task.indicators(task.weigh(outputs, weights)), np.float64).mean(axis=0),
        "scores": {"confidence": float(outputs.max(axis=1).mean())},
    }


def _about_labels(judged: Judged, task: TaskSpec, weights: Sequence[float] | None) -> dict[str, Any]:
    errors = errors_of(judged.outputs, judged.targets, task, weights)
    n = len(errors)
    if not task.is_single_label:
        return {"n_labelled": n, "scores": {"error": float(errors.mean())}}
    confidence = decided_probability(judged.outputs, task, weights)
    parts = [part for part in np.array_split(np.argsort(confidence, kind="stable"), _N_RELIABILITY) if len(part)]
    counts = judged.targets.sum(axis=0)
    confusion = judged.targets.T @ judged.outputs / np.maximum(counts, 1)[:, None]
    return {
        "n_labelled": n,
        "scores": {"accuracy": float(1 - errors.mean()), "confidence": float(confidence.mean())},
        "reliability": np.array([[confidence[part].mean(), 1 - errors[part].mean(), len(part)] for part in parts]),
        "confusion": np.asarray(confusion, np.float64),
        "cells": find_cells(judged.outputs, judged.targets, task),
        "shares": counts / n,
    }


def decided_probability(outputs: FloatArray, task: TaskSpec, weights: Sequence[float] | None) -> FloatArray:
    """The probability of the label that is decided on, shape (n,)."""
    decided = task.indicators(task.weigh(outputs, weights))
    return np.asarray((np.asarray(outputs, np.float64) * decided).sum(axis=1))


def _project(features: FloatArray, block: str, start: int, stop: int) -> Projection:
    part = np.asarray(features[:, start:stop], np.float64)
    center = part.mean(axis=0)
    covariance = (part - center).T @ (part - center) / max(len(part) - 1, 1)
    _, vectors = np.linalg.eigh(covariance)
    axes = vectors[:, ::-1][:, : min(_N_DIRECTIONS, stop - start)]
    axes = axes * np.sign(
        axes[np.abs(axes).argmax(axis=0), np.arange(axes.shape[1])]
    )  # one of two signs, always the same
    axes = axes.astype(np.float32).astype(np.float64)
    center = center.astype(np.float32).astype(np.float64)
    along = (part - center) @ axes
    return Projection(
        block=block,
        columns=(start, stop),
        center=center,
        axes=axes,
        mean=along.mean(axis=0),
        covariance=np.atleast_2d(np.cov(along.T)),
        n=len(part),
    )


def _most_common(cells: Iterable[str]) -> list[tuple[str, int]]:
    """The levels and how often each is there, the most frequent first, equal ones by their names; blanks left out."""
    return sorted(Counter(cell for cell in cells if cell).items(), key=lambda pair: (-pair[1], pair[0]))


def _duplicate_share(cells: dict[str, Any], items: Sequence[Any] | None, n: int) -> float:
    """The share of records that equal another."""
    if items is None or n < 2:
        return 0.0
    return 1 - len(set(contents_of(cells, items, (), n))) / n
