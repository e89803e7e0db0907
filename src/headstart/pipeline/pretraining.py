"""Pretrain: a labelled dataset becomes a source, for other data of the same kind."""

from __future__ import annotations

import inspect
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.core.moments import Moments
from headstart.data import load
from headstart.data.column_profiles import profile_columns
from headstart.data.modalities import get_modality
from headstart.evaluation.evaluation_section import EvaluationSection
from headstart.evaluation.mixed import MixedNetwork, ScoredNetwork
from headstart.evaluation.plain_blocks import PlainBlocks
from headstart.evaluation.side_by_side import dense
from headstart.packaging import check_target, load_bundle
from headstart.packaging.own_source import SourceRecord, seal_source
from headstart.pipeline.fitting import fit
from headstart.sources.own_source import PlainColumns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headstart.core.dataset import Dataset, FloatArray
    from headstart.core.report import Report
    from headstart.engines.reporters import ProgressOutput
    from headstart.packaging import Bundle

_MAX_COLUMNS = 500
_ROWS_AT_ONCE = 20_000
_LOADED = frozenset(inspect.signature(load).parameters) - {"data", "labels"}


@dataclass(frozen=True, kw_only=True)
class Pretrained:
    """What `pretrain` gives.

    Attributes
    ----------
    model : the source as a bundle
    n_columns : that are profiled
    n_rows : that it learned from
    """

    model: Bundle
    report: Report
    folder: Path
    n_columns: int
    n_rows: int

    def to_dict(self) -> dict[str, Any]:
        """The figures that `headstart pretrain --json` prints."""
        shipped = self.report[EvaluationSection].shipped
        return {
            "source": str(self.folder),
            "name": self.model.name,
            "task": self.model.task,
            "labels": list(self.model.labels),
            "n_rows": self.n_rows,
            "n_columns": self.n_columns,
            "metric": {"name": shipped.name, "value": shipped.value, "low": shipped.low, "high": shipped.high},
            "deployed": self.report[EvaluationSection].deployed,
        }


def pretrain(data: Any, *, out: str | Path, progress: ProgressOutput = sys.stderr, **options: Any) -> Pretrained:
    """Fit a model and seal it as a source: with Moments, units and quantiles of its columns, and without rows.

    Parameters
    ----------
    data : whatever `headstart.load` takes
    out : folder of the source, a bundle too
    options : as for `fit`

    Raises
    ------
    UserError
        As for `fit`; nothing is written then.
    """
    check_target(Path(out))
    with tempfile.TemporaryDirectory(prefix="headstart-") as place:
        fitted = fit(data, out=Path(place) / "model", progress=progress, **options)
        dataset = load(data, **{name: value for name, value in options.items() if name in _LOADED})
        record = SourceRecord(profiles=profile_columns(dataset), n_rows=len(dataset), plain=plain_columns(dataset))
        folder = seal_source(fitted.bundle, out, record)
    return Pretrained(
        model=load_bundle(folder, trust=(), trust_graphs=True),
        report=fitted.report,
        folder=folder,
        n_columns=len(record.profiles),
        n_rows=record.n_rows,
    )


def plain_columns(dataset: Dataset) -> PlainColumns | None:
    """The plain columns of a table's fields as one graph, with the Moments of all rows; None where there are none, or too many."""
    from headstart.onnx_graph.builder import GraphBuilder

    if not any(get_modality(field.modality).is_tabular for field in dataset.fields):
        return None
    blocks = [one for one in PlainBlocks(dataset).fit(np.arange(len(dataset))) if one.rows.shape[1] <= _MAX_COLUMNS]
    width = sum(one.rows.shape[1] for one in blocks)
    if not 0 < width <= _MAX_COLUMNS:
        return None
    scorers = tuple(
        ScoredNetwork(
            network=one.encoder.scoring(np.eye(one.rows.shape[1])), n_outputs=one.rows.shape[1], field=one.field
        )
        for one in blocks
    )
    network, graph = MixedNetwork(sources=(), scorers=scorers), GraphBuilder()
    graph.output(network.encode(graph), "outputs", "float32", ["batch", width])
    moments = moments_of_rows([one.rows for one in blocks], dataset.task_spec.regression_targets(dataset.targets))
    packed: bytes = graph.model().SerializeToString(deterministic=True)
    return PlainColumns(graph=packed, input=network.input, moments=moments)


def moments_of_rows(blocks: Sequence[Any], targets: FloatArray) -> Moments:
    """Of blocks side by side, some rows at a time."""
    total: Moments | None = None
    for start in range(0, len(targets), _ROWS_AT_ONCE):
        rows = slice(start, start + _ROWS_AT_ONCE)
        part = Moments.of(np.hstack([dense(one[rows]) for one in blocks]), targets[rows])
        total = part if total is None else total + part
    assert total is not None
    return total
