"""Reference: what records, answers and losses were like when the model was proven, without a row of it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.core.dataset import Field
from headstart.core.errors import BundleError
from headstart.core.strict_json import to_json
from headstart.core.tasks import get_task
from headstart.monitoring.ensemble import Member
from headstart.monitoring.output_cells import OutputCells
from headstart.monitoring.statistics import LABELS, Statistic

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headstart.core.arrays import FloatArray
    from headstart.core.tasks import TaskSpec

JSON_NAME, ARRAYS_NAME = "reference.json", "reference.safetensors"
_FORMAT = 1


@dataclass(frozen=True, kw_only=True, eq=False)
class Projection:
    """The directions in which a block of features varies most, and its Moments along them.

    Attributes
    ----------
    columns : first of the block in the features, and the one after its last
    center : shape (d,); axes : shape (d, r), orthonormal
    mean : shape (r,), covariance : shape (r, r), of the reference along the axes
    """

    block: str
    columns: tuple[int, int]
    center: FloatArray
    axes: FloatArray
    mean: FloatArray
    covariance: FloatArray
    n: int

    def of(self, features: FloatArray) -> FloatArray:
        """Project features (n, d of all blocks), shape (n, r)."""
        block = np.asarray(features[:, slice(*self.columns)], np.float64)
        return np.asarray((block - self.center) @ self.axes)


@dataclass(frozen=True, kw_only=True, eq=False)
class Reference:
    """What is to be compared with.

    Attributes
    ----------
    statistics, members : what is watched of a record, side by side; those of labels come last
    labels, decision_weights : of the model
    n_records, n_labelled : that it was made of
    scores : {'accuracy' or 'error': value, 'confidence': mean}
    reliability : shape (b, 3): mean confidence, share that was right, number, by ranges of the confidence; empty where there is none
    confusion : shape (k, k): mean outputs of items of each true label; empty where there is none
    cells : parts of the space of outputs, and how the items of each true label lie in them
    shares : shape (k,), of the true labels; answers : shape (k,), of the labels decided on
    duplicate_share : of records that equal another
    projections : of the blocks of features
    slices : fields whose levels slice the losses
    made_of : in words, where it is from
    """

    task: str
    labels: tuple[str, ...]
    fields: tuple[Field, ...]
    statistics: tuple[Statistic, ...]
    members: tuple[Member, ...]
    n_records: int
    n_labelled: int = 0
    decision_weights: tuple[float, ...] | None = None
    scores: Mapping[str, float] = field(default_factory=dict)
    reliability: FloatArray = field(default_factory=lambda: np.zeros((0, 3)))
    confusion: FloatArray = field(default_factory=lambda: np.zeros((0, 0)))
    shares: FloatArray = field(default_factory=lambda: np.zeros(0))
    answers: FloatArray = field(default_factory=lambda: np.zeros(0))
    cells: OutputCells = field(default_factory=OutputCells)
    duplicate_share: float = 0.0
    projections: tuple[Projection, ...] = ()
    slices: tuple[str, ...] = ()
    keep_case: bool = False
    made_of: str = ""

    @property
    def task_spec(self) -> TaskSpec:
        """What follows from the task."""
        return get_task(self.task)

    def of_records(self) -> tuple[Member, ...]:
        """The members that need no labels."""
        return tuple(member for member in self.members if member.group != LABELS)

    def of_labels(self) -> tuple[Member, ...]:
        """The members that are losses."""
        return tuple(member for member in self.members if member.group == LABELS)

    def files(self) -> dict[str, bytes]:
        """The two files of a bundle, by name: the same reference gives the same bytes."""
        from headstart.packaging.bundle import safetensors

        text = {
            "format": _FORMAT,
            "task": self.task,
            "labels": list(self.labels),
            "fields": [one.to_dict() for one in self.fields],
            "n_records": self.n_records,
            "n_labelled": self.n_labelled,
            "decision_weights": self.decision_weights,
            "scores": dict(self.scores),
            "duplicate_share": self.duplicate_share,
            "slices": list(self.slices),
            "keep_case": self.keep_case,
            "made_of": self.made_of,
            "members": [
                {**statistic.to_dict(), "name": member.name, "kind": member.kind, "n_edges": len(member.edges)}
                for statistic, member in zip(self.statistics, self.members, strict=True)
            ],
            "blocks": [{"name": one.block, "columns": list(one.columns), "n": one.n} for one in self.projections],
        }
        return {JSON_NAME: to_json(text).encode(), ARRAYS_NAME: safetensors(self._arrays())}

    def _arrays(self) -> dict[str, FloatArray]:
        arrays: dict[str, FloatArray] = {
            "edges": np.concatenate([np.zeros(0), *(member.edges for member in self.members)]),
            "counts": np.concatenate([np.zeros(0), *(member.counts for member in self.members)]).astype(np.int64),
            "reliability": self.reliability,
            "confusion": self.confusion,
            "shares": self.shares,
            "answers": self.answers,
            "cells.centers": self.cells.centers,
            "cells.given_label": self.cells.given_label,
        }
        for i, one in enumerate(self.projections):
            arrays[f"block{i}.center"] = one.center.astype(np.float32)
            arrays[f"block{i}.axes"] = one.axes.astype(np.float32)
            arrays[f"block{i}.mean"], arrays[f"block{i}.covariance"] = one.mean, one.covariance
        return arrays

    @classmethod
    def from_files(cls, text: bytes, arrays: bytes) -> Reference:
        """Inverse of `files`.

        Raises
        ------
        BundleError
            They are not a reference, or one of a later version.
        """
        from safetensors.numpy import load

        try:
            said = json.loads(text)
            is_newer = said["format"] > _FORMAT
            found = None if is_newer else _read(said, load(arrays))
        except Exception as error:  # whatever a parser of bytes raises
            reason = f"{type(error).__name__}: {str(error)[:100]}"
            raise BundleError(f"the bundle's reference cannot be read ({reason}). Give --reference DATA.") from error
        if found is None:
            raise BundleError("the reference was written by a newer Headstart. Install that, or give --reference DATA.")
        return found


def _read(said: Mapping[str, Any], held: Mapping[str, Any]) -> Reference:
    members, statistics, start = [], [], 0
    for i, one in enumerate(said["members"]):
        stop = start + one["n_edges"]
        statistic = Statistic(of=one["of"], field=one["field"], at=one["at"])
        statistics.append(statistic)
        members.append(
            Member(
                name=one["name"],
                group=statistic.group,
                kind=one["kind"],
                column=statistic.field,
                edges=np.array(held["edges"][start:stop]),
                counts=np.array(held["counts"][2 * start + i : 2 * stop + i + 1], np.int64),
            )
        )
        start = stop
    blocks = tuple(
        Projection(
            block=one["name"],
            columns=tuple(one["columns"]),
            n=one["n"],
            **{
                name: np.array(held[f"block{i}.{name}"], np.float64)
                for name in ("center", "axes", "mean", "covariance")
            },
        )
        for i, one in enumerate(said["blocks"])
    )
    weights = said["decision_weights"]
    plain = ("task", "n_records", "n_labelled", "scores", "duplicate_share", "keep_case", "made_of")
    found: dict[str, Any] = {name: said[name] for name in plain}
    found |= {name: np.array(held[name], np.float64) for name in ("reliability", "confusion", "shares", "answers")}
    cells = {name: np.array(held[f"cells.{name}"], np.float64) for name in ("centers", "given_label") if f"cells.{name}" in held}  # fmt: skip
    return Reference(
        **found,
        cells=OutputCells(**cells),  # older references have none
        labels=tuple(said["labels"]),
        fields=tuple(Field(**one) for one in said["fields"]),
        statistics=tuple(statistics),
        members=tuple(members),
        decision_weights=None if weights is None else tuple(weights),
        slices=tuple(said["slices"]),
        projections=blocks,
    )
