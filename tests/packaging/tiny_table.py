"""A tiny model of a table: numbers, one of them mostly missing, a category, and a date."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from tiny_bundle import TinyHead, make_bundle, make_schema

from headstart.core.dataset import Field
from headstart.sources.preprocessors.columns import learn_columns
from headstart.testing.tiny_report import make_report

TABLE = (
    Field("Größe (cm)", "number"),
    Field("class", "category"),
    Field("seen, last", "date"),
    Field("debt", "number"),
)
TABLE_LABELS = ("no", "yes")
TABLE_ROWS = [
    {"Größe (cm)": 170.5, "class": "a", "seen, last": 1.6e9, "debt": float("nan")},
    {"Größe (cm)": 190.0, "class": "b", "seen, last": float("nan"), "debt": 3.0},
    {"Größe (cm)": 150.0, "class": "", "seen, last": 1.7e9, "debt": -4.0},
]


class TableNetwork:
    """The columns themselves, 0 where they are missing."""

    name, modality, digest = "columns", "row", "0" * 64

    def __init__(self, rows=TABLE_ROWS, fields=TABLE):
        self.input = learn_columns(rows, fields)
        self.dimensions = self.input.width

    def encode(self, graph):
        x = graph.input("columns", "float32", ["batch", self.dimensions])
        return graph.op("Where", graph.op("IsNaN", x), graph.constant(np.float32(0)), x)

    def features(self, items):
        return np.nan_to_num(self.input.transform(items)["columns"])


@dataclass
class TablePredictor:
    name: str = "columns + linear"

    def __post_init__(self):
        self.network = TableNetwork()
        weight = np.random.default_rng(2).normal(size=(self.network.dimensions, 2)) / 50
        self.head = TinyHead(weight)

    def predict(self, items):
        return self.head.outputs(self.network.features(items))


def make_table_bundle(folder, **reported):
    schema = make_schema(
        name="table",
        modality="row",
        task="binary",
        labels=TABLE_LABELS,
        columns={"input": ",".join(field.name for field in TABLE)},
        fields=TABLE,
    )
    dimensions = TableNetwork().dimensions
    return make_bundle(
        folder,
        predictor=TablePredictor(),
        schema=schema,
        check_items=TABLE_ROWS,
        report=make_report(**reported),
        moments={"mean": np.zeros(dimensions), "scatter": np.eye(dimensions)},
    )
