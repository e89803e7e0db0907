"""Folders of tables: parts of one dataset, a table beside its photos, or a refusal that names them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from small_data import write_photo, write_table

from headstart.core.errors import DataError, OptionError
from headstart.data import load

if TYPE_CHECKING:
    from pathlib import Path


def counts(dataset) -> dict[str, int]:
    return {part: int((dataset.splits == part).sum()) for part in ("train", "validation", "test")}


def photo_table(folder: Path, name: str, photos: Path, n: int, *, suffix: str = "") -> None:
    rows = ["file_name,label"]
    for i in range(n):
        write_photo(photos / f"{i}.jpg")
        rows.append(f"{i}{suffix},{'ab'[i % 2]}")
    (folder / name).write_text("\n".join(rows) + "\n")


@pytest.mark.parametrize(
    "names",
    [
        ("train", "valid", "test"),
        ("mail-train", "mail-dev", "mail-test"),
        ("training_data", "eval_data", "holdout_data"),
    ],
)
def test_tables_of_parts(names, tmp_path):
    for name, n in zip(names, (20, 10, 6), strict=True):
        write_table(tmp_path / f"{name}.csv", n)
    dataset = load(tmp_path)
    assert counts(dataset) == {"train": 20, "validation": 10, "test": 6}
    assert dataset.ids[20] == f"{names[1]}.csv row 1"


def test_a_part_without_labels_is_kept_apart(tmp_path):
    write_table(tmp_path / "train.csv", 20)
    (tmp_path / "test.csv").write_text("text,id\n" + "".join(f"a later message {i},{i}\n" for i in range(5)))
    (tmp_path / "sample_submission.csv").write_text("id,label\n1,ham\n2,ham\n")
    dataset = load(tmp_path)
    assert (counts(dataset)["train"], len(dataset), len(dataset.unlabelled)) == (20, 20, 5)
    assert any(notice.kind == "ignored" and "sample_submission.csv" in notice.message for notice in dataset.notices)


def test_bad_rows_are_named_by_their_own_file(tmp_path):
    write_table(tmp_path / "train.csv", 20)
    write_table(tmp_path / "test.csv", 10, extra="a,b,c\n")
    with pytest.raises(DataError, match=r"'test.csv row 11' \(line 12\) has 3 cells"):
        load(tmp_path)


def test_a_table_in_each_folder_of_photos(tmp_path):
    for part, n in (("train", 8), ("test", 4)):
        photo_table(tmp_path / part, "metadata.csv", tmp_path / part, n, suffix=".jpg")
    dataset = load(tmp_path)
    assert counts(dataset) == {"train": 8, "validation": 0, "test": 4}
    assert dataset.items[8] == tmp_path / "test" / "0.jpg"


def test_a_contest(tmp_path):
    photo_table(tmp_path, "train.csv", tmp_path / "train_images", 12)
    for i in range(4):
        write_photo(tmp_path / "test_images" / f"{i}.jpg")
    (tmp_path / "sample_submission.csv").write_text("file_name,label\n0,a\n1,a\n")
    dataset = load(tmp_path)
    assert (dataset.labels, len(dataset)) == (("a", "b"), 12)
    assert dataset.items[3] == tmp_path / "train_images" / "3.jpg"


def test_photos_of_parts_with_the_same_names(tmp_path):
    for part in ("train", "test"):
        photo_table(tmp_path, f"{part}.csv", tmp_path / f"{part}_images", 8)
    dataset = load(tmp_path)
    assert counts(dataset) == {"train": 8, "validation": 0, "test": 8}
    assert dataset.items[0] == tmp_path / "train_images" / "0.jpg"
    assert dataset.items[8] == tmp_path / "test_images" / "0.jpg"


def test_tables_beside_folders_of_classes_are_passed_over(photos):
    for name in ("prices", "shops"):
        write_table(photos / f"{name}.csv")
    assert load(photos).labels == ("kiwi", "plum")


def test_tables_that_nothing_tells_apart(tmp_path):
    for name in ("north", "south"):
        write_table(tmp_path / f"{name}.csv")
    with pytest.raises(DataError, match=r"2 tables \('north.csv', 'south.csv'\). Name the one"):
        load(tmp_path)


def test_a_folder_around_the_tables(tmp_path):
    (tmp_path / "inner").mkdir()
    write_table(tmp_path / "inner" / "train.csv")
    with pytest.raises(DataError, match=r"Name that: '.*inner'"):
        load(tmp_path)


class TestTheFileIsNamed:
    def test_that_lacks_the_input(self, tmp_path):
        write_table(tmp_path / "train.csv", 20)
        (tmp_path / "test.csv").write_text("message,label\nlate again,ham\n")
        with pytest.raises(DataError, match=r"'test.csv' in '.*' has no column 'text'.*\(it has 'message', 'label'\)"):
            load(tmp_path, input="text")

    def test_that_lacks_the_target_of_training_rows(self, tmp_path):
        write_table(tmp_path / "test.csv", 20)
        (tmp_path / "train.csv").write_text("text,id\nlate again,1\n")
        with pytest.raises(DataError, match=r"'train.csv' in '.*' has no column 'label'"):
            load(tmp_path)

    def test_that_has_no_rows(self, tmp_path):
        write_table(tmp_path / "train.csv", 20)
        (tmp_path / "test.csv").write_text("text,label\n")
        with pytest.raises(DataError, match=r"test.csv' has a header, and no rows below it"):
            load(tmp_path)

    def test_where_no_column_fits(self, tmp_path):
        for part in ("train", "test"):
            (tmp_path / f"{part}.csv").write_text("a,b\n" + "1,2\n" * 9)
        with pytest.raises(DataError, match=r": train.csv, test.csv' has no column that looks like .*: 'a', 'b'\)"):
            load(tmp_path)

    def test_of_several_folders(self, tmp_path):
        for part in ("train", "test"):
            (tmp_path / part).mkdir()
            write_table(tmp_path / part / "data.csv", 20, extra="" if part == "train" else "a,b,c\n")
        with pytest.raises(DataError, match=r"'test/data.csv row 21' \(line 22\) has 3 cells"):
            load(tmp_path)


class TestTheDivisionIsNoColumn:
    def folder(self, tmp_path: Path) -> Path:
        for part in ("train", "test"):
            write_table(tmp_path / f"{part}.csv", 20)
        return tmp_path

    def test_it_is_said_and_not_listed(self, tmp_path):
        dataset = load(self.folder(tmp_path))
        assert dataset.columns == {"input": "text", "target": "label"}
        assert any("'train.csv' is train, 'test.csv' is test" in notice.message for notice in dataset.notices)
        with pytest.raises(OptionError, match="Known: label, text"):
            load(tmp_path, input="split")

    def test_none_joins_the_files(self, tmp_path):
        assert load(self.folder(tmp_path), split="none").splits is None

    def test_a_column_of_the_users_goes_before_the_files_where_it_says_something(self, tmp_path):
        self.folder(tmp_path)
        lines = [f"message number {i},{'ab'[i % 2]},{'validation' if i < 5 else 'train'}" for i in range(20)]
        (tmp_path / "train.csv").write_text("text,label,split\n" + "\n".join(lines) + "\n")
        assert counts(load(tmp_path)) == {"train": 15, "validation": 5, "test": 20}
