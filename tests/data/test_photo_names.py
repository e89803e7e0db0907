"""Photos that a table or a folder names in another way than the disk has them."""

from __future__ import annotations

import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from small_data import write_photo

from headstart.core.errors import DataError
from headstart.data import load, read_items
from headstart.data.recognition import recognise_path

if TYPE_CHECKING:
    from collections.abc import Callable

N = 12


def photos(folder: Path, name: Callable[[int], str] = lambda i: f"img_{i:03d}.jpg") -> list[str]:
    return [write_photo(folder / name(i)).name for i in range(N)]


def table(folder: Path, cells: list[Any], column: str = "image_id") -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / "data.csv"
    path.write_text("\n".join([f"{column},kind", *(f"{cell},{'xy'[i % 2]}" for i, cell in enumerate(cells))]))
    return path


class TestFound:
    @pytest.mark.parametrize(
        ("cell", "where"),
        [
            ("img_{i:03d}", "."),
            ("img_{i:03d}", "photos"),
            ("photos/img_{i:03d}", "photos"),
            ("IMG_{i:03d}.JPG", "photos"),
            (r"photos\img_{i:03d}.jpg", "photos"),
            (r"C:\Users\me\photos\img_{i:03d}.jpg", "photos"),
            ("data/photos/img_{i:03d}.jpg", "photos"),
            ("/home/me/photos/img_{i:03d}.jpg", "photos"),
            ("https://example.org/a/img_{i:03d}.jpg", "photos"),
            ("./photos//img_{i:03d}.jpg", "photos"),
            ("img_{i:03d}.png", "photos"),
            ("img_{i:03d}", "a/b/c/d"),
        ],
    )
    def test_names_of_other_systems_and_ids(self, cell, where, tmp_path):
        photos(tmp_path / where)
        dataset = load(table(tmp_path, [cell.format(i=i) for i in range(N)]))
        assert (dataset.modality, len(dataset)) == ("image", N)
        assert Path(dataset.items[3]).resolve() == (tmp_path / where / "img_003.jpg").resolve()

    def test_it_is_said_where(self, tmp_path):
        photos(tmp_path / "photos")
        notices = load(table(tmp_path, [f"img_{i:03d}" for i in range(N)])).notices
        assert any(str(tmp_path / "photos") in notice.message and "--images" in notice.message for notice in notices)

    def test_leading_zeros_that_a_spreadsheet_took(self, tmp_path):
        photos(tmp_path, lambda i: f"{i:05d}.jpg")
        assert load(table(tmp_path, list(range(N)))).items[7] == tmp_path / "00007.jpg"

    def test_ids_of_several_folders(self, tmp_path):
        for i in range(N):
            write_photo(tmp_path / "shops" / str(i % 3) / f"p{i}.jpg")
        assert load(table(tmp_path, [f"p{i}" for i in range(N)])).items[4] == tmp_path / "shops" / "1" / "p4.jpg"

    def test_numbers_are_ids(self, tmp_path):
        photos(tmp_path, lambda i: f"{100 + i}.png")
        assert load(table(tmp_path, [100 + i for i in range(N)])).modality == "image"

    def test_either_unicode_form(self, tmp_path):
        photos(tmp_path, lambda i: unicodedata.normalize("NFD", f"größe é{i}.jpg"))
        cells = [unicodedata.normalize("NFC", f"größe é{i}.jpg") for i in range(N)]
        assert len(load(table(tmp_path, cells))) == N
        in_memory = load(([str(tmp_path / cell) for cell in cells], ["a", "b"] * (N // 2)))
        assert in_memory.modality == "image"
        assert read_items([tmp_path / cells[0]], modality="image").items[0].exists()

    def test_the_folder_that_the_user_names(self, tmp_path):
        photos(tmp_path / "elsewhere")
        cells = [f"img_{i:03d}" for i in range(N)]
        path = table(tmp_path / "tables", cells)
        with pytest.raises(DataError, match=r"'image_id'.*ids, such as 'img_000'.*--images"):
            load(path)
        assert load(path, images=tmp_path / "elsewhere").modality == "image"
        assert load({"photo": cells, "kind": ["x", "y"] * 6}, images=tmp_path / "elsewhere").modality == "image"
        assert len(read_items(path, modality="image", input="image_id", images=tmp_path / "elsewhere")) == N
        assert recognise_path(path, input="image_id", images=tmp_path / "elsewhere") == "image"


class TestNotFound:
    def test_folders_with_the_same_names(self, tmp_path):
        for name in ("a", "b"):
            photos(tmp_path / name)
        with pytest.raises(DataError, match=r"a file of that name in '[ab]' and '[ab]'.*--images"):
            load(table(tmp_path, [f"img_{i:03d}" for i in range(N)], "photo"), input="photo", images=tmp_path)

    def test_the_folder_that_was_searched_is_named(self, tmp_path):
        with pytest.raises(DataError, match=r"all 12 items .* does not exist \(searched in '.*'\)") as caught:
            load(table(tmp_path, [f"gone/{i}.jpg" for i in range(N)]))
        assert str(tmp_path) in str(caught.value)
        assert "--max-unreadable" not in str(caught.value)

    def test_a_url_is_not_fetched(self, tmp_path):
        with pytest.raises(
            DataError, match=r"names the URL 'https://example.org/0.jpg', and nothing is fetched; download"
        ):
            load(table(tmp_path, [f"https://example.org/{i}.jpg" for i in range(N)]))

    def test_what_cannot_be_seen_is_written_out(self, tmp_path):
        with pytest.raises(DataError, match=r"'0\\u200b.jpg'"):
            load(table(tmp_path, [f"{i}\u200b.jpg" for i in range(N)]))

    @pytest.mark.parametrize("images", ["gone", "data.csv"])
    def test_no_such_folder(self, images, tmp_path):
        path = table(tmp_path, [f"img_{i:03d}" for i in range(N)])
        with pytest.raises(DataError, match="does not exist|is no folder"):
            load(path, images=tmp_path / images)

    def test_a_folder_without_these_files(self, tmp_path):
        (tmp_path / "empty").mkdir()
        path = table(tmp_path, [f"some text about {i}" for i in range(N)], "text")
        with pytest.raises(DataError, match=r"'text' of 'data.csv' names no files in '.*empty'"):
            load(path, images=tmp_path / "empty")


class TestFolders:
    def test_litter_is_no_class(self, photos: Path):
        litter = ("@eaDir/1.jpg", "$RECYCLE.BIN/1.jpg", "lost+found/1.jpg", "#recycle/1.jpg", "__MACOSX/1.jpg", ".Trash-1000/1.jpg",
                  "kiwi/Thumbs.db", "kiwi/._0.jpg", "plum/desktop.ini", "plum/~$0.jpg", "plum/0.jpg.crdownload")  # fmt: skip
        for name in litter:
            write_photo(photos / "x.jpg").rename(_made(photos / name))
        dataset = load(photos)
        assert (dataset.labels, len(dataset)) == (("kiwi", "plum"), 12)
        assert not [notice for notice in dataset.notices if notice.kind in ("ignored", "unlabelled")]
        assert len(read_items(photos, modality="image")) == 12

    @pytest.mark.parametrize("name", ["{}", "{}.image", "photo.{}"])
    def test_files_without_a_known_suffix_are_looked_into(self, name, tmp_path):
        for label in ("kiwi", "plum"):
            for number in range(3):
                write_photo(tmp_path / "x.jpg").rename(_made(tmp_path / "data" / label / name.format(number)))
            (tmp_path / "data" / label / "LICENSE").write_text("no photo")
        assert len(load(tmp_path / "data")) == 6
        assert len(read_items(tmp_path / "data", modality="image")) == 6
        assert recognise_path(tmp_path / "data") == "image"

    @pytest.mark.parametrize("names", [("train_images", "test_images"), ("training", "validation", "extra")])
    def test_parts_are_no_classes(self, names, tmp_path):
        for name in names:
            photos(tmp_path / name)
        with pytest.raises(DataError, match="called like parts of the data, not classes"):
            load(tmp_path)

    def test_a_folder_around_the_data(self, tmp_path):
        for label in ("a", "b"):
            photos(tmp_path / "pictures" / label)
        with pytest.raises(DataError, match=r"lie in folders of 'pictures'.*name '.*/pictures'"):
            load(tmp_path)

    def test_parts_in_other_words(self, tmp_path):
        for part in ("training_set", "eval", "held-out"):
            for label in ("a", "b"):
                photos(tmp_path / part / label)
        assert sorted(set(load(tmp_path).splits.tolist())) == ["test", "train", "validation"]


def _made(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path
