"""Embeddings as an answer: in Python, and as a file from the command line."""

from __future__ import annotations

import io
import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from pyarrow import parquet
from small_data import write_photo, write_table

import headstart
import tiny
from headstart.cli import main
from headstart.core.errors import DataError, MissingExtraError, OptionError
from headstart.data.recognition import recognise_items, recognise_json_lines, recognise_path
from headstart.features import embed as compute_features
from headstart.features import embeddings as embeddings_module
from headstart.features.embeddings import embed_inputs
from headstart.features.writing import check_output, write_embeddings
from headstart.sources import built_in
from headstart.sources.opening import open_sources

TEXTS = ["a kiwi on the shelf", "the race", "good start"]
WORDS, PHOTOS, OTHER = "tiny-static-embeddings", "tiny-efficientnet-lite", "tiny-bert"


@pytest.fixture(scope="module", autouse=True)
def tiny_sources(tmp_path_factory):
    """Three sources of some kilobytes, the usual ones of this module."""
    with pytest.MonkeyPatch.context() as patch:
        kinds = ("static-embeddings", "efficientnet-lite", "bert")
        known = built_in._known() | tiny.open_all(kinds, tmp_path_factory.mktemp("sources"), patch)
        patch.setattr(built_in, "_known", lambda: known)
        patch.setattr(embeddings_module, "default_source", {"text": WORDS, "image": PHOTOS}.__getitem__)
        yield


@pytest.fixture
def photos(tmp_path):
    rng = np.random.default_rng(0)
    paths = [tmp_path / "photos" / f"{i}.png" for i in range(3)]
    paths[0].parent.mkdir()
    for path in paths:
        Image.fromarray(rng.integers(0, 256, (9, 12, 3), dtype=np.uint8)).save(path)
    return paths


@pytest.fixture
def run(capsys, monkeypatch):
    """Run `headstart embed` as its entry point does; give exit code, standard output and standard error."""

    def call(*words, stdin=""):
        monkeypatch.setattr(sys, "argv", ["headstart", "embed", *map(str, words)])
        monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        with pytest.raises(SystemExit) as stopped:
            main()
        printed = capsys.readouterr()
        return int(stopped.value.code or 0), printed.out, printed.err

    return call


class TestInPython:
    def test_rows_are_the_features_of_the_items(self):
        values = headstart.embed(TEXTS, WORDS)
        assert (values.shape, values.dtype) == ((3, 8), np.float32)
        np.testing.assert_array_equal(values, compute_features(TEXTS, headstart.open_source(WORDS)).values)

    @pytest.mark.parametrize("kind", [list, tuple, np.array, pd.Series, iter])
    def test_kinds_of_sequences(self, kind):
        np.testing.assert_array_equal(headstart.embed(kind(TEXTS), WORDS), headstart.embed(TEXTS, WORDS))

    def test_frames_and_dicts_of_columns(self):
        frame = pd.DataFrame({"n": [1, 2, 3], "said": TEXTS, "answered": TEXTS[::-1]})
        expected = headstart.embed(TEXTS, WORDS)
        np.testing.assert_array_equal(headstart.embed(frame, WORDS, input="said"), expected)
        np.testing.assert_array_equal(headstart.embed(frame.to_dict("list"), input="answered"), expected[::-1])

    def test_a_list_of_one_text_is_a_text(self):
        assert headstart.embed(["kiwi"], WORDS).shape == (1, 8)
        assert headstart.embed([], WORDS).shape == (0, 8)

    def test_images_are_the_same_however_they_come(self, photos):
        expected = headstart.embed(photos)
        assert expected.shape == (3, 24)
        arrays = [np.asarray(Image.open(path)) for path in photos]
        for items in (
            photos[0].parent,
            [str(path) for path in photos],
            np.array([str(path) for path in photos]),
            [path.read_bytes() for path in photos],
            arrays,
            np.stack(arrays),
            [Image.open(path) for path in photos],
            pd.DataFrame({"photo": [str(path) for path in photos]}),
        ):
            np.testing.assert_allclose(headstart.embed(items), expected, atol=1e-5)

    def test_pillow_images_with_transparency_and_orientation(self, tmp_path):
        see_through, lying = tmp_path / "a.png", tmp_path / "b.jpg"
        Image.new("RGBA", (9, 12), (255, 0, 0, 90)).save(see_through)
        exif = Image.Exif()
        exif[0x0112] = 6
        Image.fromarray(np.arange(108 * 3, dtype=np.uint32).astype(np.uint8).reshape(9, 12, 3)).save(lying, exif=exif)
        opened = [Image.open(path) for path in (see_through, lying)]
        np.testing.assert_allclose(headstart.embed(opened), headstart.embed([see_through, lying]), atol=1e-5)

    def test_several_sources_stand_side_by_side(self):
        parts = [headstart.embed(TEXTS, name) for name in (WORDS, OTHER)]
        opened = [headstart.open_source(name) for name in (WORDS, OTHER)]
        for source in (f"{WORDS}, {OTHER}", [WORDS, OTHER], opened, open_sources(opened), [opened[0], OTHER]):
            np.testing.assert_array_equal(headstart.embed(TEXTS, source), np.concatenate(parts, axis=1))

    @pytest.mark.parametrize(
        ("items", "source", "message"),
        [
            (["a", None], WORDS, r"item 2 is a NoneType, but source 'tiny-static-embeddings' reads texts\. Give str"),
            (["a", 3.0], WORDS, r"item 2 is a float"),
            (["a.jpg", "b.jpg"], PHOTOS, r"item 1 names 'a\.jpg', which does not exist"),
            ([np.zeros((4, 4, 7), np.uint8)], PHOTOS, r"item 1: an image array has shape \(height, width, 3\)"),
            ("my parcel never came", WORDS, r"no file or folder\. To embed one text, give a list of it: \[text\]"),
            (b"bytes", PHOTOS, r"not one bytes\. Write \[item\]"),
            (Image.new("RGB", (4, 4)), PHOTOS, r"not one Image\. Write \[item\]"),
            (np.zeros((4, 4)), PHOTOS, r"have shape \(n,\) or \(n, height, width, 3\); these have \(4, 4\)"),
        ],
    )
    def test_what_cannot_be_embedded(self, items, source, message):
        with pytest.raises(DataError, match=message):
            headstart.embed(items, source)

    @pytest.mark.parametrize(
        ("source", "message"),
        [
            ("tiny-brt", "Did you mean 'tiny-bert'"),
            (f"{WORDS},{PHOTOS}", "reads texts and 'tiny-efficientnet-lite' images"),
            (f"{WORDS},{WORDS}", "named twice"),
        ],
    )
    def test_sources_that_do_not_exist_or_fit(self, source, message):
        with pytest.raises(OptionError, match=message):
            headstart.embed(TEXTS, source)
        with pytest.raises(OptionError, match="no source was named"):
            open_sources([])


class TestAsFile:
    def test_npy(self, run, tmp_path):
        table = write_table(tmp_path / "t.csv", 40)
        code, out, said = run(table, "--source", WORDS, "--out", tmp_path / "v.npy", "--json")
        assert code == 0, said
        values = np.load(tmp_path / "v.npy")
        assert (values.shape, values.dtype) == ((40, 8), np.float32)
        np.testing.assert_array_equal(values, headstart.embed(table, WORDS))
        figures = json.loads(out)
        assert (figures["n"], figures["dimensions"], figures["source"]) == (40, 8, WORDS)
        assert figures["file"] == str(tmp_path / "v.npy")
        assert figures["seconds"] > 0
        assert figures["sentence"] in said
        assert "usual" not in said
        assert sorted(path.name for path in tmp_path.iterdir()) == ["t.csv", "v.npy"]  # nothing half written

    def test_parquet_keeps_the_users_columns(self, run, tmp_path):
        write_table(tmp_path / "t.csv", 4)
        code, _, said = run(tmp_path / "t.csv", "--out", tmp_path / "v.parquet")
        assert (code, f"the source is {WORDS}, the usual one of texts" in said) == (0, True)
        found = parquet.read_table(tmp_path / "v.parquet")
        assert found.column_names == ["item", "text", "label", "embedding"]
        assert str(found.schema.field("embedding").type) == "fixed_size_list<element: float>[8]"
        assert json.loads(found.schema.metadata[b"headstart.source"])["name"] == WORDS
        frame = found.to_pandas()
        assert frame["item"][2] == "t.csv row 3"
        np.testing.assert_array_equal(np.stack(frame["embedding"]), headstart.embed(tmp_path / "t.csv", WORDS))

    def test_parquet_of_parquet_and_of_mixed_cells(self, run, tmp_path):
        rows = [{"text": "kiwi", "n": 1}, {"text": "apple", "n": "many"}, {"text": "race"}]
        (tmp_path / "t.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        assert run(tmp_path / "t.jsonl", "--out", tmp_path / "v.parquet")[0] == 0
        assert parquet.read_table(tmp_path / "v.parquet")["n"].to_pylist() == ["1", "many", None]
        assert run(tmp_path / "v.parquet", "--input", "text", "--out", tmp_path / "w.parquet")[0] == 0
        again = parquet.read_table(tmp_path / "w.parquet")
        assert again.column_names == ["item", "text", "n", "embedding"]

    def test_a_folder_of_classes_and_several_inputs(self, run, tmp_path, photos):
        single = write_photo(tmp_path / "one.png")
        assert run(photos[0].parent, single, "--out", tmp_path / "v.parquet")[0] == 0
        names = parquet.read_table(tmp_path / "v.parquet")["item"].to_pylist()
        assert names == [str(path) for path in [*photos, single]]

    @pytest.mark.parametrize("key", ["text", "said"])
    def test_json_lines_from_a_pipe(self, run, tmp_path, key):
        lines = "".join(json.dumps({key: text}) + "\n" for text in TEXTS)
        code, _, said = run("-", "--input", key, "--out", tmp_path / "v.npy", stdin=lines)
        assert code == 0, said
        np.testing.assert_array_equal(np.load(tmp_path / "v.npy"), headstart.embed(TEXTS, WORDS))

    def test_photos_from_a_pipe_and_in_a_table(self, run, tmp_path, photos):
        lines = "".join(json.dumps({"photo": str(path)}) + "\n" for path in photos)
        assert run("-", "--out", tmp_path / "a.npy", stdin=lines)[0] == 0
        pd.DataFrame({"id": range(3), "file": [f"photos/{path.name}" for path in photos]}).to_csv(tmp_path / "t.csv")
        assert run(tmp_path / "t.csv", "--out", tmp_path / "b.npy")[0] == 0
        np.testing.assert_array_equal(np.load(tmp_path / "a.npy"), np.load(tmp_path / "b.npy"))

    def test_files_of_texts_and_sources_side_by_side(self, run, tmp_path):
        for i, text in enumerate(TEXTS):
            (tmp_path / f"{i}.txt").write_text(text)
        assert run(tmp_path, "--source", f"{WORDS},{OTHER}", "--out", tmp_path / "v.npy")[0] == 0
        assert np.load(tmp_path / "v.npy").shape == (3, 24)

    def test_an_older_file_is_replaced_and_kept_if_something_fails(self, run, tmp_path):
        out = tmp_path / "v.npy"
        out.write_bytes(b"older")
        assert run(tmp_path / "none.csv", "--out", out)[0] == 2
        assert out.read_bytes() == b"older"
        assert run(write_table(tmp_path / "t.csv"), "--out", out)[0] == 0
        assert len(np.load(out)) == 40


class TestUnreadableItems:
    @pytest.fixture
    def folder(self, photos):
        """Three photos, an empty file, and one that breaks only when it is decoded."""
        (photos[0].parent / "empty.png").touch()
        (photos[0].parent / "cut.png").write_bytes(photos[0].read_bytes()[:60])
        return photos[0].parent

    def test_are_refused_by_name(self, run, folder, tmp_path):
        for out in ("v.npy", "v.parquet"):
            code, _, said = run(folder, "--out", tmp_path / out)
            assert code == 2
            assert "empty.png' is an empty file" in said
            assert "--max-unreadable" in said
            assert not (tmp_path / out).exists()

    def test_are_set_aside_and_the_names_say_which_are_there(self, run, folder, tmp_path):
        code, out, said = run(folder, "--max-unreadable", "50%", "--out", tmp_path / "v.parquet", "--json")
        assert code == 0, said
        found = parquet.read_table(tmp_path / "v.parquet")
        assert found["item"].to_pylist() == [str(folder / f"{i}.png") for i in range(3)]
        assert np.isfinite(np.stack(found["embedding"].to_pandas())).all()
        assert set(json.loads(out)["set_aside"]) == {str(folder / "empty.png"), str(folder / "cut.png")}

    def test_an_array_says_which_rows_are_missing(self, run, folder, tmp_path):
        code, _, said = run(folder, "--max-unreadable", "50%", "--out", tmp_path / "v.npy")
        assert code == 0
        assert len(np.load(tmp_path / "v.npy")) == 3
        assert f"it has no row for {folder / 'empty.png'}, {folder / 'cut.png'}" in said

    def test_one_in_two_hundred_is_set_aside_of_parquet_but_not_of_an_array(self, run, tmp_path):
        lines = [json.dumps({"text": f"kiwi {i}"}) for i in range(199)] + ["no JSON"]
        (tmp_path / "t.jsonl").write_text("\n".join(lines))
        assert run(tmp_path / "t.jsonl", "--out", tmp_path / "v.parquet")[0] == 0
        code, _, said = run(tmp_path / "t.jsonl", "--out", tmp_path / "v.npy")
        assert (code, "t.jsonl row 200" in said) == (2, True)

    def test_none_that_can_be_read(self, tmp_path, photos):
        for path in photos:
            path.write_bytes(path.read_bytes()[:60])
        with pytest.raises(DataError, match="none of the 3 items can be read: .*0.png"):
            embed_inputs(tmp_path / "photos", PHOTOS, max_unreadable=1.0)


class TestBeforeAnythingIsComputed:
    @pytest.mark.parametrize("name", ["v.csv", "v", "v.npz"])
    def test_other_suffixes_are_refused(self, run, tmp_path, name):
        code, _, said = run(tmp_path, "--out", tmp_path / name)
        assert code == 2
        assert "embeddings are written as .npy or .parquet" in said

    def test_parquet_without_its_library(self, monkeypatch, tmp_path):
        monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
        with pytest.raises(MissingExtraError, match=r'pip install "headstart\[train\]"'):
            check_output(tmp_path / "v.parquet")

    def test_a_disk_that_refuses(self, tmp_path):
        found = embed_inputs(write_table(tmp_path / "t.csv"), WORDS)
        (tmp_path / "file").touch()
        with pytest.raises(headstart.core.errors.StorageError, match="cannot write"):
            write_embeddings(tmp_path / "file" / "v.npy", found)


class TestRecognition:
    def test_paths(self, tmp_path, photos):
        assert recognise_path(photos[0].parent) == recognise_path(photos[0]) == "image"
        assert recognise_path(write_table(tmp_path / "t.csv")) == "text"
        (tmp_path / "a.txt").touch()
        assert recognise_path(tmp_path / "a.txt") == "text"
        with pytest.raises(DataError, match=r"holds both images and \.txt files"):
            recognise_path(tmp_path)
        (tmp_path / "a.bin").touch()
        with pytest.raises(DataError, match=r"a\.bin' holds neither images nor \.txt files"):
            recognise_path(tmp_path / "a.bin")

    def test_items(self):
        assert recognise_items(["a.jpg", "b.PNG"]) == "image"
        assert recognise_items(np.zeros((2, 4, 4, 3))) == "image"
        assert recognise_items(["a.jpg is the name of the file"]) == "text"
        frame = pd.DataFrame({"a": ["x.jpg"], "b": ["words"]})
        assert [recognise_items(frame, input=name) for name in ("A", "b")] == ["image", "text"]

    def test_json_lines(self):
        assert recognise_json_lines(["", "broken", '{"image": "a.jpg"}']) == "image"
        assert recognise_json_lines(['{"x": "a.jpg", "text": "words"}']) == "text"
        assert recognise_json_lines([]) == "text"


def test_writing_loads_no_pyarrow_for_an_array():
    code = "import sys, headstart.features.writing; print({'pyarrow', 'onnxruntime', 'sklearn'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout == "set()\n"


def test_several_columns_are_refused():
    with pytest.raises(OptionError, match="input is the name of one column"):
        headstart.embed(pd.DataFrame({"a": ["kiwi"], "b": ["plum"]}), input=["a", "b"])


def test_a_folder_of_part_tables(tmp_path):
    for part, n in (("train", 6), ("test", 3)):
        rows = [f"{part} message {i} is late,{i}" for i in range(n)]
        (tmp_path / f"{part}.csv").write_text("text,id\n" + "\n".join(rows) + "\n")
    (tmp_path / "README.txt").write_text("Where these messages come from.")
    found = embed_inputs(tmp_path, WORDS)
    assert len(found.values) == 9
    assert (found.ids[0], found.ids[6]) == ("train.csv row 1", "test.csv row 1")
    assert recognise_path(tmp_path) == "text"
    (tmp_path / "test.csv").write_text("note,id\nlate,1\n")
    with pytest.raises(DataError, match=r"'test.csv' in .* has no column 'text'"):
        embed_inputs(tmp_path, WORDS, input="text")
