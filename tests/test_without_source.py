"""Nothing pretrained: the plain models alone are compared, mixed and packed."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
