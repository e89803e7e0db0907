"""Nothing pretrained: the plain models alone are compared, mixed and packed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

import headstart
from headstart.evaluation.evaluation_section import EvaluationSection
from headstart.packaging.package_section import PackageSection

if TYPE_CHECKING:
    from pathlib import Path

_WORDS = {"post": ("parcel", "late", "courier"), "pay": ("refund", "invoice", "card")}


def _texts() -> dict[str, list[str]]:
    rows = [
        (f"my {word} number {i} is {other}", label)
        for label, words in _WORDS.items()
        for i, word in enumerate(words * 8)
        for other in ("here", "there")
    ]
    return {"text": [text for text, _ in rows], "label": [label for _, label in rows]}


def test_a_plain_model_ships_without_a_word_of_transfer(tmp_path: Path) -> None:
    fitted = headstart.fit(_texts(), source="none", preset="fast", out=tmp_path / "plain", progress=None)
    found = fitted.report[EvaluationSection]
    assert found.verdict == "nothing transferred"
    assert fitted.report[PackageSection].card == {}
    assert "pretrained part" not in found.ships
    again = headstart.load_bundle(tmp_path / "plain")
    assert list(again.predict(["the parcel is late", "a refund please"])) == ["post", "pay"]


@pytest.mark.parametrize("unit", [None, "datetime64[D]"], ids=["number", "date"])
def test_a_table_of_one_column_is_packed(tmp_path: Path, unit: str | None) -> None:
    values = np.random.default_rng(0).integers(10_000, 20_000, 60)
    column = values.astype(float) if unit is None else values.astype(unit)
    labels = np.where(values > 15_000, "late", "early")
    headstart.fit({"x": column, "y": labels}, input="x", target="y", preset="fast", out=tmp_path / "one", progress=None)
    again = headstart.load_bundle(tmp_path / "one")
    assert np.mean(np.array(again.predict({"x": column})) == labels) > 0.9
