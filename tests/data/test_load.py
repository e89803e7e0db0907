"""Load: what is accepted, what is guessed, what is set aside."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from small_data import write_photo, write_table

from headstart.core.errors import DataError
from headstart.data import Texts, load, read_items
from headstart.data.text import TextPacker

if TYPE_CHECKING:
    from pathlib import Path


def kinds(dataset: Any) -> set[str]:
    return {notice.kind for notice in dataset.notices}


class TestFolder:
    def test_classes_are_subfolders(self, photos: Path) -> None:
        dataset = load(photos)
        assert (len(dataset), dataset.modality, dataset.task) == (12, "image", "binary")
        assert dataset.labels == ("kiwi", "plum")
        assert dataset.ids[0] == "photos/kiwi/0.jpg"
        assert dataset.items[0] == photos / "kiwi" / "0.jpg"
        assert dataset.targets.sum(axis=0).tolist() == [6, 6]

    def test_splits_above_the_classes(self, tmp_path: Path) -> None:
        for split in ("train", "Valid", "test"):
            for label in ("a", "b"):
                for number in range(2):
                    write_photo(tmp_path / split / label / f"{number}.png")
        dataset = load(tmp_path)
        assert dataset.splits is not None
        assert sorted(set(dataset.splits.tolist())) == ["test", "train", "validation"]

    def test_train_may_be_a_vehicle(self, tmp_path: Path) -> None:
        for label in ("train", "car"):
            for number in range(2):
                write_photo(tmp_path / label / f"{number}.png")
        assert load(tmp_path).labels == ("car", "train")

    def test_hidden_and_other_files(self, photos: Path) -> None:
        (photos / "kiwi" / ".hidden.jpg").write_bytes(b"x")
        (photos / "kiwi" / "notes.doc").write_bytes(b"x")
        (photos / ".git").mkdir()
        write_photo(photos / "unlabelled" / "new.jpg")
        write_photo(photos / "loose.jpg")
        dataset = load(photos)
        assert len(dataset) == 12
        assert len(dataset.unlabelled) == 2
        assert kinds(dataset) == {"guess", "ignored", "unlabelled"}

    def test_deeper_folders_can_be_groups(self, tmp_path: Path) -> None:
        for label in ("a", "b"):
            for scene in ("s1", "s2"):
                for number in range(2):
                    write_photo(tmp_path / label / scene / f"{number}.png")
        dataset = load(tmp_path, group="folder")
        assert dataset.groups is not None
        assert len(set(dataset.groups.tolist())) == 4
        assert "nested" in kinds(dataset)

    def test_one_bad_photo_of_many_is_set_aside(self, photos: Path) -> None:
        (photos / "kiwi" / "bad.jpg").write_bytes(b"")
        dataset = load(photos, max_unreadable=0.1)
        assert len(dataset) == 12
        assert "kiwi/bad.jpg" in next(n.message for n in dataset.notices if n.kind == "unreadable")

    def test_spelling_of_folders(self, photos: Path) -> None:
        write_photo(photos / "Kiwi" / "9.jpg")
        dataset = load(photos)
        assert dataset.labels == ("kiwi", "plum")
        assert "label-spelling" in kinds(dataset)

    def test_text_files(self, tmp_path: Path) -> None:
        for label in ("pro", "con"):
            (tmp_path / label).mkdir()
            for number in range(3):
                (tmp_path / label / f"{number}.txt").write_bytes(
                    "müde, very".encode(("utf-8", "cp1252", "utf-16")[number])
                )
        (tmp_path / "con" / "blank.txt").write_text(" \n")
        dataset = load(tmp_path)
        assert (dataset.modality, len(dataset)) == ("text", 6)
        assert set(dataset.items) == {"müde, very"}
        assert "blank" in kinds(dataset)


class TestDelimited:
    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252", "latin-1"])
    @pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
    def test_encodings_and_separators(self, encoding: str, separator: str, tmp_path: Path) -> None:
        dataset = load(write_table(tmp_path / "t.csv", encoding=encoding, separator=separator))
        assert dataset.items[1] == "message number 1 näh"
        assert dataset.labels == ("ham", "spam")
        assert ("encoding" in kinds(dataset)) == (encoding in ("cp1252", "latin-1"))

    def test_quoted_newlines_and_names_of_rows(self, tmp_path: Path) -> None:
        path = write_table(tmp_path / "t.csv", extra='"two\nlines, one text",ham\n\n  last one,ham\n')
        dataset = load(path)
        assert dataset.items[40] == "two\nlines, one text"
        assert dataset.ids[40] == "t.csv row 41"
        assert len(dataset) == 42

    def test_ragged_rows_are_set_aside_and_named(self, tmp_path: Path) -> None:
        dataset = load(write_table(tmp_path / "t.csv", 200, extra="a,b,c\n"))
        assert len(dataset) == 200
        assert dataset.notices[-1].where == ("t.csv row 201",)

    def test_unlabelled_and_blank_rows_are_kept_apart(self, tmp_path: Path) -> None:
        dataset = load(write_table(tmp_path / "t.csv", extra="no label,\nnan label,NaN\n  ,ham\n"))
        assert len(dataset) == 40
        assert list(dataset.unlabelled) == ["no label", "nan label"]
        assert {"unlabelled", "blank"} <= kinds(dataset)

    def test_photos_of_a_column(self, tmp_path: Path) -> None:
        rows = ["picture,kind"]
        for number in range(6):
            write_photo(tmp_path / "shop" / f"{number}.png")
            rows.append(f"shop/{number}.png,{'ab'[number % 2]}")
        (tmp_path / "t.csv").write_text("\n".join(rows))
        dataset = load(tmp_path / "t.csv")
        assert dataset.modality == "image"
        assert dataset.items[2] == tmp_path / "shop" / "2.png"
        assert list(load(tmp_path).ids) == list(dataset.ids)  # the one table of a folder that has photos beside it

    def test_split_group_and_time(self, tmp_path: Path) -> None:
        rows = ["text,label,split,shop,day"]
        rows += [
            f"a message {i},{'xy'[i % 2]},{('train', 'dev', 'test')[i % 3]},{i // 3},2026-01-{i + 1:02d}"
            for i in range(9)
        ]
        (tmp_path / "t.csv").write_text("\n".join(rows))
        dataset = load(tmp_path / "t.csv", group="shop", time="day")
        assert dataset.groups is not None
        assert dataset.times is not None
        assert dataset.splits is not None
        assert dataset.groups.tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]
        assert np.diff(dataset.times).tolist() == [86_400.0] * 8
        assert dataset.splits[:3].tolist() == ["train", "validation", "test"]
        assert dataset.columns == {"input": "text", "target": "label", "group": "shop", "time": "day", "split": "split"}

    def test_large_files_are_sampled_evenly(self, tmp_path: Path) -> None:
        """Sorted by label: the first rows alone would show one class."""
        rows = ["text,label"] + [f"some message {i},{'spam' if i < 9_000 else 'ham'}" for i in range(12_000)]
        (tmp_path / "t.csv").write_text("\n".join(rows))
        assert load(tmp_path / "t.csv").labels == ("ham", "spam")

    @settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(
        texts=st.lists(
            st.text(st.characters(exclude_characters="\0\r", codec="utf-8"), min_size=1), min_size=4, max_size=8
        )
    )
    def test_any_text_survives_a_table(self, texts: list[str], tmp_path: Path) -> None:
        import csv

        texts = [f"x{text}" for text in texts]
        with (tmp_path / "t.csv").open("w", newline="") as file:
            csv.writer(file).writerows([["text", "label"], *([text, "ab"[i % 2]] for i, text in enumerate(texts))])
        dataset = load(tmp_path / "t.csv", input="text", target="label")
        assert list(dataset.items) == texts

    @pytest.mark.parametrize("first", ["sep=;\n", '"sep=;"\r\n', "SEP=;\n"])
    def test_a_line_that_names_the_separator(self, first: str, tmp_path: Path) -> None:
        path = write_table(tmp_path / "t.csv", separator=";", extra="a;b;c\n")
        path.write_text(first + path.read_text())
        with pytest.raises(DataError, match=r"row 41' \(line 43\) has 3 cells"):
            load(path)
        assert len(load(path, max_unreadable=0.1)) == 40

    def test_invisible_characters_in_names_of_columns(self, tmp_path: Path) -> None:
        path = write_table(tmp_path / "t.csv")
        path.write_text(path.read_text().replace("text,label", "te\u200bxt,\u00a0label\u2060", 1))
        assert load(path, input="text").columns == {"input": "text", "target": "label"}
        frame = {"te\u200bxt": ["a b", "c d"] * 4, "label": ["x", "y"] * 4}
        assert len(load(frame, input="text")) == 8
        with pytest.raises(DataError, match=r"te\\u200bxt"):
            load({"te\u200bxt": [1.5, 1.5] * 4, "label": [1, 2] * 4})

    @pytest.mark.parametrize(
        "day",
        [
            "2026-01-{} 10:00:00 UTC",
            "2026-01-{}T10:00:00Z",
            "2026-01-{} 10:00 GMT",
            "{} Jan 2026",
            "January {}, 2026",
            "Mon, {} Jan 2026 10:00:00 +0000",
        ],
    )
    def test_moments_as_people_write_them(self, day: str, tmp_path: Path) -> None:
        table = {
            "text": [f"a message {i}" for i in range(12)],
            "y": ["u", "v"] * 6,
            "day": [day.format(10 + i) for i in range(12)],
        }
        times = load(table, target="y", time="day").times
        assert times is not None
        assert np.diff(times).tolist() == [86_400.0] * 11


class TestTyped:
    RECORDS = tuple({"text": f"message {i}", "label": "ab"[i % 2], "n": i} for i in range(12))

    def _loaded(self, kind: str, folder: Path) -> Any:
        records = list(self.RECORDS)
        if kind == "jsonl":
            (folder / "t.jsonl").write_text("\n".join(map(json.dumps, records)))
            return load(folder / "t.jsonl")
        if kind == "json":
            (folder / "t.json").write_text(json.dumps(records))
            return load(folder / "t.json")
        if kind == "parquet":
            arrow = pytest.importorskip("pyarrow")
            arrow.parquet = pytest.importorskip("pyarrow.parquet")
            arrow.parquet.write_table(arrow.Table.from_pylist(records), folder / "t.parquet")
            return load(folder / "t.parquet")
        if kind == "frame":
            return load(pytest.importorskip("pandas").DataFrame(records))
        if kind == "columns":
            return load({key: [record[key] for record in records] for key in records[0]})
        return load(records if kind == "dicts" else ([r["text"] for r in records], [r["label"] for r in records]))

    @pytest.mark.parametrize("kind", ["jsonl", "json", "parquet", "frame", "columns", "dicts", "pair"])
    def test_every_kind_gives_the_same(self, kind: str, tmp_path: Path) -> None:
        dataset = self._loaded(kind, tmp_path)
        assert list(dataset.items) == [record["text"] for record in self.RECORDS]
        assert dataset.codes.tolist() == [0, 1] * 6
        assert dataset.task == "binary"

    def test_image_bytes_in_parquet(self, photos: Path, tmp_path: Path) -> None:
        arrow = pytest.importorskip("pyarrow")
        parquet = pytest.importorskip("pyarrow.parquet")
        content = (photos / "kiwi" / "0.jpg").read_bytes()
        rows = [{"image": {"bytes": content, "path": "x.jpg"}, "label": i % 2} for i in range(4)]
        parquet.write_table(arrow.Table.from_pylist(rows), tmp_path / "t.parquet")
        dataset = load(tmp_path / "t.parquet")
        assert dataset.modality == "image"
        assert dataset.items[0] == content

    def test_array_of_images(self) -> None:
        images = np.zeros((6, 8, 8, 3), dtype=np.uint8)
        dataset = load((images, np.array([0, 1, 2] * 2)))
        assert (dataset.modality, dataset.task, dataset.labels) == ("image", "multiclass", ("0", "1", "2"))
        assert dataset.items[0].shape == (8, 8, 3)

    def test_frame_with_missing_labels(self) -> None:
        pandas = pytest.importorskip("pandas")
        dataset = load(pandas.DataFrame({"text": ["a b"] * 6, "label": [1.0, 0.0, None, 1.0, 0.0, None]}))
        assert dataset.labels == ("0", "1")
        assert len(dataset.unlabelled) == 2


class TestTargets:
    @pytest.mark.parametrize(
        ("labels", "task", "names"),
        [
            (["a", "b"] * 10, "binary", ("a", "b")),
            ([True, False] * 10, "binary", ("False", "True")),
            (["1", "2", "10", "9"] * 5, "multiclass", ("1", "2", "9", "10")),
            ([i / 3 for i in range(20)], "regression", ("target",)),
            (["1,5", "2,25", "0,1", "7"] * 5, "regression", ("target",)),
            ([str(i) for i in range(60)], "regression", ("target",)),
            (["red;blue", "blue", "red", "green;red"] * 5, "multilabel", ("blue", "green", "red")),
            (["red|blue", "blue", "red", "blue"] * 5, "multilabel", ("blue", "red")),
            ([["red", "blue"], ["blue"], [], ["red"]] * 5, "multilabel", ("blue", "red")),
            (['["red", "blue"]', '["blue"]', "[]", '["red"]'] * 5, "multilabel", ("blue", "red")),
            (["Loan, vehicle", "Mortgage"] * 10, "binary", ("Loan, vehicle", "Mortgage")),
            (["TCP;IP", "UDP"] * 10, "binary", ("TCP;IP", "UDP")),
        ],
    )  # fmt: skip
    def test_task_is_guessed(self, labels: list[Any], task: str, names: tuple[str, ...]) -> None:
        dataset = load(([f"message {i}" for i in range(len(labels))], labels))
        assert (dataset.task, dataset.labels) == (task, names)

    def test_columns_of_zero_and_one(self) -> None:
        data = {
            "text": ["a b", "c d", "e f"],
            "water": [0, 1, 0],
            "food": [1, 1, 0],
            "fire": [0, 0, 0],
            "ice": ["1", "0", ""],
        }
        dataset = load(data, target="water,food,fire,ice")
        assert dataset.task == "multilabel"
        assert dataset.labels == ("ice", "water")
        assert len(dataset.unlabelled) == 1
        assert "constant-label" in kinds(dataset)

    def test_class_with_one_item_is_named(self) -> None:
        dataset = load((["a b"] * 7, ["x", "y", "x", "y", "x", "y", "z"]))
        [notice] = [notice for notice in dataset.notices if notice.kind == "small-class"]
        assert "'z' has only 1 item (the data row 7)" in notice.message

    @given(
        names=st.lists(st.sampled_from(["kiwi", "plum", "water melon"]), min_size=6, max_size=30).filter(
            lambda names: sum(names.count(name) > 1 for name in set(names)) > 1
        ),
        seed=st.integers(0, 2**32 - 1),
    )
    def test_spellings_merge(self, names: list[str], seed: int) -> None:
        """However letters and spaces are varied, the classes stay the same items."""
        rng = np.random.default_rng(seed)
        spell = (str.upper, str.title, lambda name: f" {name} ", lambda name: name.replace(" ", "  "), str)
        varied = [spell[rng.integers(len(spell))](name) for name in names]
        try:
            dataset = load((["a b"] * len(names), varied))
        except DataError:
            assert len(set(names)) > 0.5 * len(names)
            return
        expected = np.unique(names, return_inverse=True)[1]
        found = np.unique([dataset.labels[code].casefold() for code in dataset.codes], return_inverse=True)[1]
        assert found.tolist() == expected.tolist()

    def test_leaks_are_noticed(self) -> None:
        label = ["spam", "ham"] * 20
        data = {"text": [f"message {i}" for i in range(40)], "code": [{"spam": "S9", "ham": "H1"}[one] for one in label],
                "number": list(range(40)), "shop": ["a", "b", "c", "d"] * 10, "label": label}  # fmt: skip
        data["shop"] = [str(i // 8) for i in range(40)]
        leaks = [notice for notice in load(data).notices if notice.kind == "leak"]
        assert [notice.where for notice in leaks] == [("code",)]

    def test_text_that_spells_its_label(self) -> None:
        label = ["spam", "good"] * 20
        data = {"text": [f"__label__{one} message {i}" for i, one in enumerate(label)], "label": label}
        assert "leak" in kinds(load(data))


class TestTexts:
    @given(texts=st.lists(st.text()), limit=st.integers(0, 20))
    def test_packed_texts_are_the_texts(self, texts: list[str], limit: int) -> None:
        packer = TextPacker(in_memory_bytes=limit)
        for text in texts:
            packer.append(text)
        packed = packer.finish()
        clean = [text.encode("utf-8", "replace").decode() for text in texts]
        assert list(packed) == clean
        assert list(packed[1:]) == clean[1:]
        assert list(packed.take(np.arange(len(texts))[::-1])) == clean[::-1]

    def test_pickled(self) -> None:
        import pickle

        assert list(pickle.loads(pickle.dumps(Texts.of(["a", "b"])))) == ["a", "b"]


class TestReadItems:
    def test_folder_of_photos(self, photos: Path) -> None:
        items = read_items(photos, modality="image")
        assert len(items) == 12
        assert items.ids[0].endswith("kiwi/0.jpg")

    def test_several_inputs(self, photos: Path) -> None:
        items = read_items([str(photos / "kiwi" / "0.jpg"), str(photos / "plum")], modality="image")
        assert len(items) == 7

    def test_table_by_the_name_of_training(self, tmp_path: Path) -> None:
        items = read_items(write_table(tmp_path / "t.csv"), modality="text", input="text")
        assert items.items[0] == "message number 0 näh"
        assert items.ids[39] == "t.csv row 40"

    def test_blank_texts_keep_their_place(self, tmp_path: Path) -> None:
        (tmp_path / "t.csv").write_text("text,n\nhello you,1\n  ,2\nbye now,3\n")
        assert len(read_items(tmp_path / "t.csv", modality="text", input="text")) == 3

    def test_pipe(self) -> None:
        import io

        items = read_items("-", modality="text", stdin=io.StringIO('{"text": "a"}\n\n{"text": "b"}\n'))
        assert list(items.items) == ["a", "b"]
        assert items.ids[1] == "stdin row 2"

    def test_texts_and_arrays(self) -> None:
        assert list(read_items(["hello", "you"], modality="text").items) == ["hello", "you"]
        assert len(read_items(np.zeros((2, 4, 4, 3), dtype=np.uint8), modality="image")) == 2
        assert len(read_items(np.zeros((4, 4, 3), dtype=np.uint8), modality="image")) == 1

    def test_bad_photos_are_named(self, photos: Path) -> None:
        (photos / "kiwi" / "bad.jpg").write_bytes(b"")
        items = read_items(photos, modality="image", max_unreadable=0.2)
        assert len(items) == 12
        assert "bad.jpg" in items.notices[0].message


def test_loading_a_table_needs_no_heavy_library(tmp_path: Path) -> None:
    path = write_table(tmp_path / "t.csv")
    code = (
        "import sys, headstart.data as data; assert 'PIL' not in sys.modules; data.load(sys.argv[1]);"
        "print([m for m in ('pandas', 'pyarrow', 'torch', 'sklearn', 'scipy', 'onnx', 'onnxruntime') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_no_photo_is_decoded(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "open", None)
    assert len(load(photos)) == 12
