"""Items to be predicted, of kinds that people complained about: frames, blank cells, tables of other makers, one item for many."""

from __future__ import annotations

import base64
import io
import json
import shutil
import unicodedata
from typing import TYPE_CHECKING, Any

from bench.robustness.input_doors import Expected
from bench.robustness.input_models import ERROR
from bench.robustness.made_data import messages, photos, write_csv, write_json_lines
from bench.robustness.other_columns import other_columns
from bench.robustness.predicted_case import PredictedCase, ProvenCase

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

ROWS = messages(6, seed=77)
TEXTS, TOPICS = [text for text, _ in ROWS], [topic for _, topic in ROWS]
CSV, JSON = "text/csv", "application/json"
ALL = Expected(value=TOPICS)
REFUSED = Expected(refusal=())
GAPS = Expected(value=[TOPICS[0], ERROR, TOPICS[2], ERROR, *TOPICS[4:]], refusal=(r"item 2\b|row 2\b|X\[1\]",))


def predicted_cases() -> list[PredictedCase]:
    """All that is to be predicted."""
    return [*_in_memory(), *_with_gaps(), *_tables(), *other_columns(), *_refused(), *_photos()]


def _frame(**columns: Sequence[Any]) -> Any:
    import pandas as pd

    return pd.DataFrame(columns)


def _given(make: Callable[[], Any], *doors: str) -> dict[str, Any]:
    return dict.fromkeys(doors or ("python", "estimator", "client"), lambda _: make())


def _in_memory() -> list[PredictedCase]:
    """Objects of Python, and JSON of the same content."""
    ids = [f"T-{number}" for number in range(len(ROWS))]
    records = [{"id": one, "text": text} for one, text in zip(ids, TEXTS, strict=True)]
    return [
        PredictedCase(
            name="a list of texts", expected=ALL, **_given(lambda: TEXTS), body=lambda _: (json.dumps({"items": TEXTS}).encode(), JSON),
            words=lambda _: ["-"], stdin="".join(f"{json.dumps({'text': text})}\n" for text in TEXTS),
        ),
        PredictedCase(name="a tuple of texts", expected=ALL, **_given(lambda: tuple(TEXTS))),
        PredictedCase(name="a Series", expected=ALL, **_given(lambda: _frame(text=TEXTS)["text"])),
        PredictedCase(name="a frame of one column", expected=ALL, **_given(lambda: _frame(text=TEXTS))),
        PredictedCase(name="a frame with ids", expected=ALL, **_given(lambda: _frame(id=ids, text=TEXTS), "python", "client")),
        PredictedCase(name="a frame of two rows and columns", expected=Expected(value=TOPICS[:2]),
                      **_given(lambda: _frame(id=ids[:2], text=TEXTS[:2]), "python", "client")),
        PredictedCase(name="a dict of columns", expected=ALL, **_given(lambda: {"id": ids, "text": TEXTS}, "python", "client")),
        PredictedCase(
            name="dicts with ids", expected=ALL, **_given(lambda: records, "python", "client"),
            body=lambda _: (json.dumps({"items": records}).encode(), JSON), words=lambda folder: [write_json_lines(folder / "new.jsonl", records)],
        ),
    ]  # fmt: skip


def _with_gaps() -> list[PredictedCase]:
    """Cells without a text: answered with an error, or refused, never with a label."""

    def gapped(gap: Any) -> list[Any]:
        return [TEXTS[0], gap, TEXTS[2], gap, *TEXTS[4:]]

    def table(folder: Path) -> Path:
        return write_csv(folder / "new.csv", ["id", "text"], [*enumerate(gapped(""))])

    return [
        PredictedCase(name="None among texts", expected=GAPS, **_given(lambda: gapped(None), "python", "client", "estimator"),
                      body=lambda _: (json.dumps({"items": gapped(None)}).encode(), JSON),
                      words=lambda folder: [write_json_lines(folder / "new.jsonl", [{"text": one} for one in gapped(None)]), "--max-unreadable", "50%"]),
        PredictedCase(name="NaN among texts", expected=GAPS, **_given(lambda: gapped(float("nan")))),
        PredictedCase(name="NaN in a frame", expected=GAPS, **_given(lambda: _frame(text=gapped(float("nan"))))),
        PredictedCase(name="blank texts", expected=GAPS, **_given(lambda: gapped("  ")),
                      body=lambda folder: (table(folder).read_bytes(), CSV), words=lambda folder: [table(folder), "--max-unreadable", "50%"]),
        PredictedCase(name="numbers among texts", expected=GAPS, **_given(lambda: gapped(7)),
                      body=lambda _: (json.dumps({"items": gapped(7)}).encode(), JSON)),
    ]  # fmt: skip


def _tables() -> list[PredictedCase]:
    """Tables as spreadsheets and databases write them, on the command line and over HTTP."""

    def table(name: str, expected: Expected, write: Callable[[Path], Path], encoding: str = "utf-8") -> PredictedCase:
        def recoded(folder: Path) -> Path:
            path = write(folder)
            path.write_bytes(path.read_text(encoding="utf-8").encode(encoding))
            return path

        return PredictedCase(
            name=name,
            expected=expected,
            words=lambda folder: [recoded(folder)],
            body=lambda folder: (recoded(folder).read_bytes(), CSV),
        )

    rows = [*enumerate(TEXTS)]
    said = Expected(value=TOPICS, refusal=("utf-8",))

    def plain(folder: Path, header: Sequence[str] = ("id", "text"), **how: Any) -> Path:
        return write_csv(folder / "new.csv", header, rows, **how)

    def loose(folder: Path) -> Path:
        path = folder / "new.csv"
        path.write_text("id,text\n" + "".join(f"{number},{text.replace('my', 'my, my')}\n" for number, text in rows))
        return path

    return [
        table("a CSV", ALL, plain),
        table("a CSV with semicolons", ALL, lambda folder: plain(folder, delimiter=";")),
        table("a CSV with sep=;", ALL, lambda folder: plain(folder, delimiter=";", first="sep=;\n")),
        table("a CSV with tabs", ALL, lambda folder: plain(folder, delimiter="\t")),
        table("a CSV with a mark", ALL, plain, "utf-8-sig"),
        table("a CSV of UTF-16", said, plain, "utf-16"),
        table("a CSV of Latin-1", said, lambda folder: plain(folder, ("größe", "text")), "latin-1"),
        table("a header in capitals", ALL, lambda folder: plain(folder, ("ID", "TEXT"))),
        table("a header with spaces", ALL, lambda folder: plain(folder, ("id", " text\u200b"))),
        table("commas without quotes", REFUSED, loose),
        table("two columns of one name", Expected(refusal=("text",)), lambda folder: plain(folder, ("text", "text"))),
        table(
            "no such column", Expected(value=TOPICS, refusal=("text",)), lambda folder: plain(folder, ("id", "words"))
        ),
    ]


def _refused() -> list[PredictedCase]:
    """What is no list of items."""
    return [
        PredictedCase(name="one text", expected=Expected(refusal=("list",)), **_given(lambda: TEXTS[0])),
        PredictedCase(name="numbers alone", expected=REFUSED, **_given(lambda: [1, 2]), body=lambda _: (b'{"items": [1, 2]}', JSON)),
        PredictedCase(name="lists of lists", expected=REFUSED, **_given(lambda: [[TEXTS[0]], [TEXTS[1]]]),
                      body=lambda _: (json.dumps({"items": [[TEXTS[0]]]}).encode(), JSON)),
        PredictedCase(name="no file of that name", expected=Expected(refusal=("does not exist",)), words=lambda folder: [folder / "gone.csv"]),
        PredictedCase(name="a URL", expected=Expected(refusal=("URL",)), words=lambda _: ["https://example.org/new.csv"]),
    ]  # fmt: skip


def _photos() -> list[PredictedCase]:
    """Photos by path, by id, as files and in base64."""
    shapes = ["ring", "box"] * 3

    def drawn(folder: Path, name: str = "{i}.jpg") -> list[Path]:
        return [folder / one for one, _ in photos(folder, lambda i, _: name.format(i=i), 6, seed=8)]

    def littered(folder: Path) -> list[Path]:
        for name in ("._0.jpg", "Thumbs.db", "@eaDir/0.jpg"):
            path = folder / "shots" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(drawn(folder / "shots")[0], path)
        return [folder / "shots"]

    def by_id(folder: Path) -> list[Path]:
        made = drawn(folder / "shots", "img_{i:03d}.jpg")
        return [write_csv(folder / "new.csv", ["image_id", "note"], [(path.stem, "x") for path in made])]

    def other_form(folder: Path) -> list[str]:
        return [
            unicodedata.normalize("NFC", str(path)) for path in drawn(folder, unicodedata.normalize("NFD", "é{i}.jpg"))
        ]

    def pictures(folder: Path) -> list[Any]:
        from PIL import Image

        return [Image.open(io.BytesIO(path.read_bytes())) for path in drawn(folder)]

    def contents(folder: Path) -> list[bytes]:
        return [path.read_bytes() for path in drawn(folder)]

    photo: dict[str, Any] = {"model": "photo", "expected": Expected(value=shapes)}
    return [
        PredictedCase(name="paths of photos", **photo, words=drawn, python=drawn, client=drawn,
                      body=lambda folder: (json.dumps({"items": [base64.b64encode(one).decode() for one in contents(folder)]}).encode(), JSON)),
        PredictedCase(name="bytes of photos", **photo, python=contents, client=contents),
        PredictedCase(name="pictures of Pillow", model="photo", expected=Expected(value=shapes, refusal=("bytes",)), python=pictures),
        PredictedCase(name="a folder with litter", **photo, words=littered),
        PredictedCase(name="a table of ids", **photo, words=by_id),
        PredictedCase(name="photos without a suffix", **photo, words=lambda folder: drawn(folder / "shots", "{i}") and [folder / "shots"]),
        PredictedCase(name="photos in the other form", **photo, words=other_form, python=other_form),
        PredictedCase(name="a text for a photo", model="photo", expected=REFUSED, python=lambda _: [TEXTS[0]], client=lambda _: [b"no"],
                      body=lambda _: (b"no photo", "image/jpeg")),
    ]  # fmt: skip


def proven_cases() -> list[ProvenCase]:
    """Labels written in another way than those that the model was fitted on."""

    def table(write: Callable[[str], Any], column: str, n: int = 60) -> Callable[[Path], Path]:
        rows = [(text, write(topic)) for text, topic in messages(n, topics=("delivery", "billing"), seed=4)]
        return lambda folder: write_csv(folder / "later.csv", ["text", column], rows)

    right = Expected(value={"n_items": 60, "is_accurate": True})
    new = messages(60, seed=31)
    return [
        ProvenCase(name="prove: 1.0 for 1", model="code", make=table(lambda t: float(t == "billing"), "code"), expected=right),
        ProvenCase(name="prove: TRUE for True", model="flag", make=table(lambda t: str(t == "billing").upper(), "urgent"), expected=right),
        ProvenCase(name="prove: true for True", model="flag", make=table(lambda t: str(t == "billing").lower(), "urgent"), expected=right),
        ProvenCase(name="prove: 0 and 1 for False and True", model="flag", make=table(lambda t: int(t == "billing"), "urgent"), expected=right),
        ProvenCase(name="prove: True for 1", model="code", make=table(lambda t: t == "billing", "code"), expected=right),
        ProvenCase(name="prove: other letter case", model="text", expected=right,
                   make=lambda folder: write_csv(folder / "later.csv", ["text", "topic"], [(text, topic.title()) for text, topic in new])),
        ProvenCase(name="prove: a label that is new", model="text", expected=Expected(value={"n_items": 60}, says=("legal",)),
                   make=lambda folder: write_csv(folder / "later.csv", ["text", "topic"], [*new[:59], ("see my lawyer", "legal")])),
    ]  # fmt: skip
