"""What a report says of tables: the columns of what ships, and how a rare class is found."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from sklearn.metrics import precision_recall_curve

from headstart.core.dataset import Dataset, Field
from headstart.data.packed_columns import Categories, Numbers
from headstart.data.rows import Rows, column_of
from headstart.evaluation.column_effects import column_effects
from headstart.evaluation.columns_section import ColumnEffect, ColumnsSection
from headstart.evaluation.rare_class_section import describe_rare_class
from headstart.reporting.drawing import draw
from headstart.testing.tiny_report import make_report

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headstart.core.arrays import FloatArray

_N = 200


@dataclass(frozen=True)
class _Formula:
    """A model whose answer is known: it rises with age, is 0.2 higher for nurses, and does not read the height."""

    def predict(self, items: Sequence[Any]) -> FloatArray:
        age = np.nan_to_num(np.array(column_of(items, "age"), float), nan=40.0)
        job = np.array([value == "nurse" for value in column_of(items, "job")])
        second = np.clip(age / 100 + 0.2 * job, 0, 1)
        return np.stack([1 - second, second], axis=1)


def _table() -> Dataset:
    rng = np.random.default_rng(0)
    age, height = rng.uniform(20, 70, _N), rng.uniform(150, 190, _N)
    age[:20] = np.nan
    rows = Rows(
        {
            "age": Numbers(age),
            "job": Categories.of(rng.choice(["nurse", "clerk"], _N).tolist()),
            "height": Numbers(height),
        }
    )
    return Dataset(
        name="people",
        modality="row",
        task="binary",
        items=rows,
        ids=[f"row {i}" for i in range(_N)],
        targets=np.eye(2)[rng.integers(0, 2, _N)],
        labels=("no", "yes"),
        fields=(Field("age", "number"), Field("job", "category"), Field("height", "number")),
    )


def test_a_column_that_is_not_read_changes_nothing_and_curves_are_the_formula() -> None:
    section = column_effects(_table(), np.arange(_N), _Formula(), seed=0)  # type: ignore[arg-type]  # only predicts
    assert section is not None
    by_name = {one.name: one for one in section.columns}
    assert by_name["height"].change == 0
    assert not by_name["height"].curve
    assert by_name["age"].missing == pytest.approx(0.1)
    levels = {point["at"]: point["value"] for point in by_name["job"].curve}
    assert levels["nurse"] - levels["clerk"] == pytest.approx(0.2, abs=0.01)
    first, *_, last = by_name["age"].curve
    assert last["value"] - first["value"] == pytest.approx((last["at"] - first["at"]) / 100, abs=0.02)
    assert section.answer == "probability of yes"


def test_texts_have_no_columns() -> None:
    texts = Dataset(
        name="t", modality="text", task="binary", items=["a", "b"], ids=["1", "2"], targets=np.eye(2), labels=("x", "y")
    )
    assert column_effects(texts, np.arange(2), _Formula(), seed=0) is None  # type: ignore[arg-type]


def test_precision_and_recall_are_those_of_the_reference() -> None:
    rng = np.random.default_rng(1)
    rare = rng.random(5000) < 0.03
    score = np.round(np.clip(0.3 * rare + 0.5 * rng.random(5000), 0, 1), 2)  # with ties
    section = describe_rare_class(
        np.stack([~rare, rare], 1).astype(float), np.stack([1 - score, score], 1), ("ok", "fraud")
    )
    assert section is not None
    assert section.label == "fraud"
    assert section.n_rare == rare.sum()
    precision, recall, _ = precision_recall_curve(rare, score)
    known = set(zip(np.round(recall, 9), np.round(precision, 9), strict=True))
    assert all((round(p["recall"], 9), round(p["precision"], 9)) in known for p in section.curve)
    top = next(row for row in section.top if row["share"] == 0.01)
    assert top["n"] == 50
    assert top["lift"] == pytest.approx(top["precision"] / rare.mean())
    assert sum(one["rare"] for one in section.distribution) == pytest.approx(1)


def test_two_classes_that_are_both_frequent_need_no_such_section() -> None:
    assert describe_rare_class(np.eye(2)[[0, 1, 0, 1]], np.full((4, 2), 0.5), ("a", "b")) is None
    assert describe_rare_class(np.eye(3), np.full((3, 3), 1 / 3), ("a", "b", "c")) is None
    assert describe_rare_class(np.eye(2)[[0, 1, 0, 1]], np.full((4, 2), 0.5), ("a", "b"), at_most=0.5) is not None


def test_a_curve_along_a_date_is_drawn_with_dates() -> None:
    at = [datetime(2024, month, 1, tzinfo=UTC).timestamp() for month in (1, 12)]
    curve = tuple({"at": moment, "value": 0.1 * place} for place, moment in enumerate(at))
    seen = ColumnEffect(name="seen", modality="date", missing=0.0, change=0.1, is_time=True, curve=curve)
    section = ColumnsSection(columns=(seen,), answer="probability of yes", n_rows=9)
    part = section.rendering(make_report()).page[0]
    svg = draw(part.charts["curve0"])
    assert "April" in svg or "Apr" in svg
    assert "1,7" not in svg
