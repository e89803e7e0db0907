"""Every bad input is a one-line named error that says what to do: a row below for each."""

from __future__ import annotations

import io
import os
import struct
import zlib
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image
from small_data import write_photo, write_table

from headstart.core.errors import DataError, HeadstartError, OptionError
from headstart.data import get_modality, load, open_image, read_items
from headstart.data.given import given_items
from headstart.data.payloads import read_delimited_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


TEXT = get_modality("text")
_NOBODY = 65534


@dataclass(frozen=True)
class Case:
    name: str
    run: Callable[[Path], Any]
    says: tuple[str, ...]
    """Words of the message: the file or row, and the remedy."""
    error: type[HeadstartError] = DataError


def _photos(root: Path, *labels: str, n: int = 3) -> Path:
    for label in labels:
        for number in range(n):
            write_photo(root / "photos" / label / f"{number}.png")
    return root / "photos"


def _damaged_parquet(root: Path) -> Path:
    arrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    rows = [{"text": f"this is text number {number}", "label": "ab"[number % 2]} for number in range(50)]
    parquet.write_table(arrow.Table.from_pylist(rows), root / "t.parquet", compression="zstd")
    content = bytearray((root / "t.parquet").read_bytes())
    content[30:120] = bytes(90)
    (root / "t.parquet").write_bytes(content)
    return root / "t.parquet"


def _with_bad_photo(root: Path, content: bytes, name: str = "bad.jpg") -> Path:
    folder = _photos(root, "kiwi", "plum")
    (folder / "plum" / name).write_bytes(content)
    return folder


def _csv(root: Path, text: str | bytes, name: str = "tickets.csv") -> Path:
    path = root / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def _rows(*rows: str, header: str = "text,label") -> str:
    good = [f"a message of some length {i},{('spam', 'ham')[i % 2]}" for i in range(10)]
    return "\n".join((header, *good, *rows)) + "\n"


def _png_of_claimed_size(width: int, height: int) -> bytes:
    """A few bytes that unpack to a wall of zeros."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    body = zlib.compress(bytes(min(height, 200) * (width + 1)))
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def _jpeg(size: tuple[int, int] = (64, 64)) -> bytes:
    file = io.BytesIO()
    Image.effect_noise(size, 80).convert("RGB").save(file, "JPEG")
    return file.getvalue()


def _written(root: Path, content: bytes, name: str = "x.jpg") -> Path:
    (root / name).write_bytes(content)
    return root / name


@contextmanager
def _as_a_plain_user() -> Iterator[None]:
    """The rights of a user who is not root, since root reads every file."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(_NOBODY)
    try:
        yield
    finally:
        os.seteuid(user)


CASES = [
    # paths
    Case("missing path", lambda p: load(p / "photo"), ("photo", "does not exist", "Correct the path")),
    Case("misspelt path", lambda p: (write_table(p / "tickets.csv"), load(p / "tikets.csv")), ("Did you mean", "tickets.csv")),
    Case("path too long", lambda p: load("x" * 5000), ("no path", "Name a folder")),
    Case("NUL in path", lambda p: load("a\0b"), ("no path", "Name a folder")),
    Case("single photo", lambda p: load(_written(p, _jpeg())), ("x.jpg", "single image", "subfolder a class")),
    Case("spreadsheet", lambda p: load(_written(p, b"PK", "a.xlsx")), ("a.xlsx", "no spreadsheet that can be read")),
    Case("archive", lambda p: load(_written(p, b"PK", "a.zip")), ("a.zip", "unpack it")),
    Case("pickle", lambda p: load(_written(p, b"\x80", "a.pkl")), ("a.pkl", "may run code")),
    Case("an empty JSON document", lambda p: load(_written(p, b"[]", "a.json")), ("a.json", "list of objects", ".jsonl")),
    Case("a JSON document that is none", lambda p: load(_written(p, b"[{", "a.json")), ("a.json", "not JSON")),
    Case("unknown suffix", lambda p: load(_written(p, b"x", "a.xyz")), ("a.xyz", "'.xyz'", "was expected")),
    # folders
    Case("empty folder", load, ("holds no files", "one subfolder a class")),
    Case("photos in the root", lambda p: load(write_photo(p / "f" / "1.jpg").parent), ("no class folders", "one subfolder a class")),
    Case("one class", lambda p: load(_photos(p, "kiwi")), ("one class", "kiwi", "Add items")),
    Case("classes empty", lambda p: ((p / "f" / "a").mkdir(parents=True), load(p / "f")), ("holds no files", "one subfolder")),
    Case("no images inside", lambda p: (_written(_made(p / "f/a"), b"x", "a.exe"), load(p / "f")),
         ("neither images nor .txt", "'.exe'")),
    Case("splits without classes", lambda p: (write_photo(p / "f/train/1.jpg"), write_photo(p / "f/test/1.jpg"), load(p / "f")),
         ("train", "no class folders", "train/kiwi/1.jpg")),
    Case("every class single", lambda p: load(_photos(p, "a", "b", "c", n=1)), ("fewer than 2", "Add items")),
    Case("a column of a folder", lambda p: load(_photos(p, "a", "b"), target="label"), ("--target", "folder"), OptionError),
    Case("regression of a folder", lambda p: load(_photos(p, "a", "b"), task="regression"), ("CSV of paths",), OptionError),
    Case("two tables", lambda p: (write_table(p / "a.csv"), write_table(p / "b.csv"), load(p)), ("a.csv", "b.csv", "Name the one")),
    # images
    Case("empty photo", lambda p: load(_with_bad_photo(p, b"")), ("plum/bad.jpg", "empty", "--max-unreadable")),
    Case("text renamed", lambda p: load(_with_bad_photo(p, b"hello there")), ("plum/bad.jpg", "holds text", "--max-unreadable")),
    Case("SVG renamed", lambda p: load(_with_bad_photo(p, b"<svg xmlns='x'/>")), ("plum/bad.jpg", "SVG", "--max-unreadable")),
    Case("SVG", lambda p: load(_with_bad_photo(p, b"<svg/>", "bad.svg")), ("plum/bad.svg", "SVG", "--max-unreadable")),
    Case("HEIC", lambda p: load(_with_bad_photo(p, b"\0\0\0\x18ftypheic", "bad.heic")), ("bad.heic", "convert it to JPEG")),
    Case("PDF", lambda p: load(_with_bad_photo(p, b"%PDF-1.7")), ("plum/bad.jpg", "PDF", "--max-unreadable")),
    Case("noise", lambda p: load(_with_bad_photo(p, bytes(range(200, 250)))), ("plum/bad.jpg", "not an image")),
    Case("truncated photo", lambda p: open_image(_written(p, _jpeg()[:-900])), ("x.jpg", "cut off", "replace")),
    Case("truncated PNG", lambda p: open_image(_written(p, _png_of_claimed_size(100, 100)[:60], "x.png")), ("x.png", "cut off")),
    Case("header alone", lambda p: open_image(_written(p, b"\xff\xd8\xff\xe0")), ("x.jpg", "damaged")),
    Case("bomb of 400 megapixels", lambda p: open_image(_written(p, _png_of_claimed_size(20_000, 20_000))), ("x.jpg", "400 megapixels", "smaller")),
    Case("100 megapixels", lambda p: open_image(_written(p, _png_of_claimed_size(10_000, 10_000))), ("x.jpg", "100 megapixels", "smaller")),
    Case("photo gone", lambda p: open_image(p / "gone.jpg"), ("gone.jpg", "does not exist", "Correct")),
    Case("folder for a photo", open_image, ("cannot be opened",)),
    Case("bytes that are no image", lambda p: open_image(b"hello hello"), ("the image", "holds text")),
    Case("PostScript is not run", lambda p: open_image(_written(p, b"%!PS-Adobe-3.0 EPSF-3.0\n", "x.eps")), ("x.eps", "PostScript")),
    Case("array of a wrong shape", lambda p: open_image(np.zeros((4, 4, 7))), ("(height, width, 3)", "(4, 4, 7)")),
    Case("array out of range", lambda p: open_image(np.full((4, 4, 3), -1.0)), ("0 to 1", "-1")),
    # tables as text
    Case("empty file", lambda p: load(_csv(p, "")), ("tickets.csv", "is empty")),
    Case("blank lines alone", lambda p: load(_csv(p, "\n\n\n")), ("tickets.csv", "no rows")),
    Case("header alone", lambda p: load(_csv(p, "text,label\n")), ("tickets.csv", "a header, and no rows below it", "Add rows")),
    Case("header alone, columns named", lambda p: load(_csv(p, "text,label\n"), input="text", target="label"), ("no rows below it",)),
    Case("header alone, to predict", lambda p: read_items(_csv(p, "text\n"), modality="text"), ("tickets.csv", "no rows below it")),
    Case("header alone, over HTTP", lambda _: read_delimited_rows(b"text,n\n", None, TEXT, "text", 9), ("no rows below it",)),
    Case("open quote in the only row", lambda p: read_items(_csv(p, 'text,n\n"late again,1\n'), modality="text"), ("tickets.csv", "row 1", "never closed", "Close it")),
    Case("open quote in the last row", lambda p: load(_csv(p, _rows('x,"ham'))), ("tickets.csv", "row 11", "never closed")),
    Case("open quote over HTTP", lambda _: read_delimited_rows(b'text\n"late again', None, TEXT, "text", 9), ("row 1", "never closed")),
    Case("open quote in the header", lambda p: load(_csv(p, '"text,label\na,b\n')), ("header (line 1)", "never closed")),
    Case("objects for texts", lambda p: load({"data": [{"text": "late"}] * 8, "label": list("ab") * 4}, input="data"), ("'data'", '{"text": "late"}', "as the input")),
    Case("lists for texts", lambda p: load({"words": [["late", "again"]] * 8, "label": list("ab") * 4}, input="words"), ("'words'", "late", "column of its own")),
    Case("objects for texts, to predict", lambda _: given_items({"text": [{"de": "spät"}] * 2, "n": [1, 2]}, TEXT, "text"), ("'text'", '{"de": "spät"}')),
    Case("texts within objects", lambda p: load({"data": [{"text": "late"}] * 8, "label": [1, 2] * 4}), ("'data' holds objects ('text')", "columns of their own")),
    Case("NUL bytes", lambda p: load(_csv(p, _rows("a\0b,ham"))), ("tickets.csv", "NUL", "line 12", "UTF-8")),
    Case("UTF-16 without mark", lambda p: load(_csv(p, _rows().encode("utf-16-le"))), ("tickets.csv", "UTF-16", "Save it")),
    Case("damaged UTF-16", lambda p: load(_csv(p, _rows().encode("utf-16") + b"\0")), ("tickets.csv", "damaged", "UTF-8")),
    Case("binary", lambda p: load(_csv(p, bytes([0x81, 0x8D, 0xFA]) + bytes(50))), ("tickets.csv", "NUL", "plain text")),
    Case("ragged rows", lambda p: load(_csv(p, _rows("a,b,c,d"))), ("tickets.csv row 11", "line 12", "4 cells", "--max-unreadable")),
    Case("short rows", lambda p: load(_csv(p, _rows("alone"))), ("tickets.csv row 11", "1 cells", "--max-unreadable")),
    Case("open quote", lambda p: load(_csv(p, _rows('x,"ham', "y,ham", "z,ham"))), ("tickets.csv", "row 11", "never closed", "Close it")),
    Case("columns of one name", lambda p: load(_csv(p, _rows(header="text,text"))), ("two columns named 'text'", "Rename")),
    Case("no header", lambda p: load(_csv(p, "I like it very much,1\nnever buy it again,0\n")), ("no header", "text,label")),
    Case("no header, words", lambda p: load(_csv(p, "please call me back today,ham\n" + _rows()[11:])), ("no header", "Add a first line")),
    Case("no input", lambda p: load(_csv(p, "a,label\n" + "1,x\n1,y\n" * 5)), ("--input", "'a'")),
    Case("no target", lambda p: load(_csv(p, "text\n" + "hello you\nthere it is\n" * 5)), ("--target", "'text'")),
    # columns
    Case("wrong target", lambda p: load(write_table(p / "t.csv"), target="lable"), ("'lable'", "Did you mean 'label'"), OptionError),
    Case("wrong input", lambda p: load(write_table(p / "t.csv"), input="txt"), ("--input", "Did you mean 'text'"), OptionError),
    Case("wrong group", lambda p: load(write_table(p / "t.csv"), group="shop"), ("--group", "Known: label, text"), OptionError),
    Case("wrong task", lambda p: load(write_table(p / "t.csv"), task="binry"), ("Did you mean 'binary'",), OptionError),
    Case("input is target", lambda p: load(write_table(p / "t.csv"), input="text", target="text"), ("both input and target",), OptionError),
    Case("max_unreadable as a percentage", lambda p: load(write_table(p / "t.csv"), max_unreadable=5), ("0 to 1", "0.01"), OptionError),
    # targets
    Case("all labels missing", lambda p: load(_csv(p, "text,label\n" + "hello you,\nthere you are,\n" * 5)), ("'label'", "no value", "10 rows", "--target")),
    Case("constant target", lambda p: load(_csv(p, "text,label\n" + "hello you,x\nthere it is,x\n" * 5)), ("one class, 'x'", "10 items", "2 classes")),
    Case("constant number", lambda p: load((["ab c", "de f"] * 5, [1.5] * 10), task="regression"), ("1.5", "nothing to predict")),
    Case("all NaN", lambda p: load((["a b", "c d"], [float("nan")] * 2)), ("no value in any of 2 rows",)),
    Case("infinite", lambda p: load(_csv(p, _scores("inf"))), ("row 11", "'inf'", "finite number")),
    Case("word among numbers", lambda p: load(_csv(p, _scores("many")), task="regression"), ("row 11", "'many'", "leave it blank")),
    Case("three classes, binary", lambda p: load((["a b"] * 6, ["x", "y", "z"] * 2), task="binary"), ("3 classes", "--task multiclass")),
    Case("ids as target", lambda p: load((["a b"] * 20, ["x", "x", "y", "y", *map(str, range(16))])), ("id or a free text", "--target")),
    Case("number in a 0/1 column", lambda p: load({"text": ["a b", "c d"], "x": [0, 1], "y": [1, 7]}, target="x,y"), ("row 2", "'y'", "0 or 1")),
    Case("time not a time", lambda p: load({"text": ["a b", "c d"], "y": ["u", "v"], "when": ["soon", "2026-01-31"]}, target="y", time="when"),
         ("row 1", "'soon'", "2026-01-31")),
    # image columns, records
    Case("photo of a row missing", lambda p: load(_csv(p, "path,label\na.jpg,x\nb.jpg,y\n")), ("all 2 items", "tickets.csv row 1", "a.jpg", "does not exist", "searched in", "--images")),
    Case("not JSON", lambda p: load(_csv(p, '{"text": "a b", "label": "x"}\nhello\n', "t.jsonl")), ("t.jsonl row 2", "not JSON", "--max-unreadable")),
    Case("no JSON at all", lambda p: load(_csv(p, "hello\n", "t.jsonl")), ("t.jsonl", "row 1", "not JSON")),
    Case("JSON numbers", lambda p: load(_csv(p, "1\n2\n", "t.jsonl")), ("t.jsonl row 1", "an object was expected")),
    Case("Parquet that is none", lambda p: load(_csv(p, "hello", "t.parquet")), ("t.parquet", "or as CSV")),
    Case("Parquet with a damaged page", lambda p: load(_damaged_parquet(p)), ("t.parquet", "damaged", "or as CSV")),
    # objects in memory
    Case("columns of unlike length", lambda p: load({"text": ["a b"], "label": [1, 2]}), ("differ in length", "'text' 1")),
    Case("no rows", lambda p: load({"text": [], "label": []}), ("holds no rows",)),
    Case("a number as data", lambda p: load(7), ("int", "a frame")),
    Case("a triple", lambda p: load(([1], [2], [3])), ("pair (items, targets)", "3 parts")),
    # inputs to predict
    Case("predict nothing", lambda p: read_items([], modality="text"), ("no input was named",)),
    Case("predict a missing file", lambda p: read_items(p / "gone.csv", modality="text"), ("gone.csv", "does not exist")),
    Case("predict an empty folder", lambda p: read_items(p, modality="image"), ("holds no images", "another folder")),
    Case("photo for a model of texts", lambda p: read_items(write_photo(p / "a.png"), modality="text"), ("a.png", "takes texts")),
    Case("text for a model of photos", lambda p: read_items(_written(p, b"hello", "a.txt"), modality="image"), ("a.txt", "takes images")),
    Case("empty pipe", lambda p: read_items("-", modality="text", stdin=io.StringIO("")), ("stdin is empty", '{"text"')),
    Case("pipe without key", lambda p: read_items("-", modality="text", input="body", stdin=io.StringIO('{"text": "a"}')), ("stdin row 1", "'body'", "'text'")),
    Case("pipe of no JSON", lambda p: read_items("-", modality="text", stdin=io.StringIO("hello")), ("stdin row 1", "not JSON")),
    Case("table without the column", lambda p: read_items(write_table(p / "t.csv"), modality="text", input="body"), ("'body'", "label, text"), OptionError),
    Case("numbers for a model of texts", lambda p: read_items([1, 2], modality="text"), ("item 1", "int", "strings")),
    Case("unknown modality", lambda p: read_items("x", modality="txet"), ("Did you mean 'text'",), OptionError),  # type: ignore[arg-type]
]  # fmt: skip


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True)
    return folder


def _scores(last: str) -> str:
    return "text,score\n" + "".join(f"a message {i},{i / 7:.2f}\n" for i in range(10)) + f"the last one,{last}\n"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_bad_input_is_a_one_line_named_error(case: Case, tmp_path: Path) -> None:
    with pytest.raises(case.error) as caught:
        case.run(tmp_path)
    message = str(caught.value)
    assert "\n" not in message
    assert len(message) < 600
    assert [words for words in case.says if words not in message] == [], message


def test_file_without_permission() -> None:
    with TemporaryDirectory() as name:  # pytest's own folders are closed to other users
        table = write_table(Path(name) / "t.csv")
        load(table)  # what it imports may be closed to them too
        Path(name).chmod(0o755)
        table.chmod(0)
        with _as_a_plain_user(), pytest.raises(DataError, match="cannot be opened"):
            load(table)
