"""Demos: cards are complete, and the real archives give the counts that the cards state."""

from __future__ import annotations

import tracemalloc
import zipfile
from collections import Counter
from typing import TYPE_CHECKING

import pandas as pd
import pytest

from headstart.core.errors import OptionError
from headstart.data import demo, find_demo, list_demos, load
from headstart.data.demos.archive import Archive
from headstart.data.demos.recipes import RECIPES

if TYPE_CHECKING:
    from pathlib import Path

    from headstart.data.demos import DemoCard

NAMES = [card.name for card in list_demos()]
TABLES = [card for card in list_demos() if card.target]


def test_all_are_there() -> None:
    expected = (
        "bbc card-fraud churn cifar10 complaints credit-default digits disaster employment flchain groceries hotels mercari "
        "mercari-prices movie-reviews questions sms-spam traffic-lights vader"
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
@pytest.mark.parametrize(
    "card",
    [card for card in list_demos() if not card.target],
    ids=[card.name for card in list_demos() if not card.target],
)
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


RARER = {
    "card-fraud": (1, 492),
    "churn": ("Yes", 1306),
    "credit-default": ("yes", 6636),
    "employment": (0, 138_478),
    "flchain": ("dead", 2169),
    "hotels": (1, 44_224),
}


@pytest.mark.downloads
@pytest.mark.parametrize("card", TABLES, ids=[card.name for card in TABLES])
def test_a_table_has_its_rows_and_its_target(card, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    frame = table_of(card, tmp_path)
    assert len(frame) == sum(card.n_items.values())
    assert frame[card.target].notna().all()
    if card.task == "binary":
        label, n = RARER[card.name]
        assert Counter(frame[card.target])[label] == n
        assert frame[card.target].nunique() == 2
    else:
        assert (frame[card.target] > 0).all()


@pytest.mark.downloads
def test_what_is_known_only_with_the_answer_is_left_out(tmp_path: Path) -> None:
    assert not {"futime", "chapter"} & set(table_of(find_demo("flchain"), tmp_path / "a"))
    assert not {"prediction", "predicted_probability"} & set(table_of(find_demo("employment"), tmp_path / "b"))


@pytest.mark.downloads
def test_spread_categories_are_one_column_again(tmp_path: Path) -> None:
    """The counts are those of the table's description in the UCI repository."""
    frame = table_of(find_demo("credit-default"), tmp_path)
    assert Counter(frame["SEX"]) == {"female": 18_112, "male": 11_888}
    assert Counter(frame["EDUCATION"])["graduate school"] == 10_585
    assert Counter(frame["MARRIAGE"])["single"] == 15_964


@pytest.mark.downloads
def test_payments_stay_in_order_of_time(tmp_path: Path) -> None:
    assert table_of(find_demo("card-fraud"), tmp_path)["Time"].is_monotonic_increasing


@pytest.mark.downloads
def test_each_answer_of_employment_is_of_its_person(tmp_path: Path) -> None:
    frame = table_of(find_demo("employment"), tmp_path)
    assert frame["id"].is_unique
    assert sorted(frame["year"].unique()) == [2015, 2016, 2017, 2018]
    assert not frame.loc[frame["AGEP"] < 16, "employed"].any()  # the census asks from 16 on


def test_a_large_member_is_copied_in_blocks(tmp_path: Path) -> None:
    wheel = tmp_path / "large-1-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as box:
        box.writestr("large.csv", bytes(64 << 20))
    tracemalloc.start()
    Archive(wheel).copy("large.csv", tmp_path / "large.csv")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (tmp_path / "large.csv").stat().st_size == 64 << 20
    assert peak < 8 << 20


def table_of(card: DemoCard, folder: Path) -> pd.DataFrame:
    """Lay a table out and read its one file."""
    (path,) = (path for path in demo(card.name, folder / card.name).iterdir() if path.name != "README.md")
    return pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path)
