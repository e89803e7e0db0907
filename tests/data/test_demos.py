"""Demos: cards are complete, and the real archives give the counts that the cards state."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from headstart.core.errors import OptionError
from headstart.data import demo, list_demos, load
from headstart.data.demos.recipes import RECIPES

if TYPE_CHECKING:
    from pathlib import Path

NAMES = [card.name for card in list_demos()]


def test_all_are_there() -> None:
    expected = (
        "bbc cifar10 complaints digits disaster groceries mercari movie-reviews questions sms-spam traffic-lights vader"
    )
    assert expected.split() == NAMES


@pytest.mark.parametrize("card", list_demos(), ids=NAMES)
def test_cards_are_complete(card) -> None:  # type: ignore[no-untyped-def]
    assert card.recipe in RECIPES
    assert len(card.sha256) == 64
    assert card.version in card.filename
    assert card.license
    assert card.citation
    assert card.form in ("folder", "table")


def test_unknown_name() -> None:
    with pytest.raises(OptionError, match="Did you mean 'groceries'"):
        demo("grocery")


def test_a_folder_with_other_files_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(OptionError, match="--out"):
        demo("questions", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


@pytest.mark.downloads
@pytest.mark.parametrize("card", list_demos(), ids=NAMES)
def test_real_data_is_as_the_card_says(card, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    folder = demo(card.name, tmp_path / card.name)
    assert demo(card.name, folder) == folder  # already there
    dataset = load(folder)
    assert (dataset.modality, dataset.task) == (card.modality, card.task)
    counts = Counter(dataset.splits.tolist()) if dataset.splits is not None else {"all": len(dataset)}
    n_blank = sum(len(notice.where) for notice in dataset.notices if notice.kind == "blank")
    assert sum(counts.values()) + n_blank == sum(card.n_items.values())
    assert set(counts) == set(card.n_items)
    assert not len(dataset.unlabelled)
    assert not {"unreadable", "leak", "label-spelling", "unlabelled"} & {notice.kind for notice in dataset.notices}
