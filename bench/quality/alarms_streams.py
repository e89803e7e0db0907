"""Streams of real tables for `bench.quality.alarms`: stable ones, and ones with a planted change."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from bench.tables import Table, load_table
from headstart.core.dataset import Field
from headstart.core.tasks import get_task
from headstart.data.packed_columns import Categories, Numbers
from headstart.data.rows import Rows
from headstart.monitoring.referring import make_reference

if TYPE_CHECKING:
    from headstart.core.dataset import FloatArray, IntArray
    from headstart.monitoring.reference import Reference

TABLES = ["credit-default", "churn", "employment", "flchain", "hotels", "card-fraud"]
SHIFTS = ("abrupt", "gradual", "seasonal", "labels", "concept")
N_TRAIN = 1000
_SIZE_SD = 0.5
_PERIOD = 250
_RAMP = 1000
_FLIPPED = 0.15
_MAX_POOL = 20_000


@cache
def _table(name: str) -> Table:
    return load_table(name)


@dataclass(frozen=True)
class Stream:
    """Rows in their order: `frame` of the columns, `codes` the true labels, 0 or 1."""

    frame: pd.DataFrame
    codes: IntArray


@dataclass(frozen=True)
class Watched:
    """A table with a model of 1,000 of its rows, and the rows that are left."""

    name: str
    model: Any
    train: Stream
    pool: Stream
    column: str

    @classmethod
    def load(cls, name: str, seed: int) -> Watched:
        """Fit a logistic regression; the column that is to move is its strongest number."""
        table = _table(name)
        codes = pd.factorize(table.frame[table.target], sort=True)[0]
        frame = table.frame.drop(columns=table.target)
        order = np.random.default_rng(seed).permutation(len(frame))[: N_TRAIN + _MAX_POOL]
        train, pool = (
            Stream(frame.iloc[part].reset_index(drop=True), codes[part]) for part in (order[:N_TRAIN], order[N_TRAIN:])
        )
        numbers = list(frame.select_dtypes("number").columns)
        others = [column for column in frame.columns if column not in numbers]
        model = make_pipeline(
            make_column_transformer(
                (make_pipeline(SimpleImputer(), StandardScaler()), numbers),
                (OneHotEncoder(handle_unknown="ignore", min_frequency=10), others),
            ),
            LogisticRegression(max_iter=2000),
        ).fit(train.frame, train.codes)
        strongest = int(np.abs(model[-1].coef_[0][: len(numbers)]).argmax())
        return cls(name, model, train, pool, numbers[strongest])

    def outputs(self, frame: pd.DataFrame) -> FloatArray:
        """Probabilities, shape (n, 2)."""
        return np.asarray(self.model.predict_proba(frame))

    def draw(self, rng: np.random.Generator, *sizes: int) -> list[Stream]:
        """Parts of the rows that the model did not learn from, none of them in two."""
        order = rng.permutation(len(self.pool.codes))
        ends = np.cumsum(sizes)
        parts = [order[end - size : end] for size, end in zip(sizes, ends, strict=True)]
        return [Stream(self.pool.frame.iloc[part].reset_index(drop=True), self.pool.codes[part]) for part in parts]

    def reference(self, held_out: Stream) -> Reference:
        """Of rows that the model did not learn from."""
        return self._reference(held_out, self.outputs(held_out.frame))

    def cross_fitted(self) -> Reference:
        """Of the rows that it learned from, and of out-of-fold answers, as `headstart fit` makes it."""
        outputs = cross_val_predict(self.model, self.train.frame, self.train.codes, cv=5, method="predict_proba")
        return self._reference(self.train, outputs, is_cross_fitted=True)

    def _reference(self, stream: Stream, outputs: FloatArray, *, is_cross_fitted: bool = False) -> Reference:
        return make_reference(
            task=get_task("binary"),
            labels=("0", "1"),
            fields=self.fields,
            items=rows_of(stream.frame),
            outputs=outputs,
            targets=np.eye(2)[stream.codes],
            is_cross_fitted=is_cross_fitted,
        )

    @property
    def fields(self) -> tuple[Field, ...]:
        """Numbers and categories."""
        numbers = set(self.train.frame.select_dtypes("number").columns)
        return tuple(Field(one, "number" if one in numbers else "category") for one in self.train.frame.columns)


def rows_of(frame: pd.DataFrame) -> Rows:
    """Rows as a bundle takes them."""
    return Rows(
        {
            str(name): Numbers(column.to_numpy(float, na_value=np.nan))
            if pd.api.types.is_numeric_dtype(column)
            else Categories.of(["" if pd.isna(cell) else str(cell) for cell in column])
            for name, column in frame.items()
        }
    )


def planted(watched: Watched, stream: Stream, shift: str, start: int, rng: np.random.Generator) -> Stream:
    """The stream with a change from its row `start` on."""
    frame, codes = stream.frame.copy(), stream.codes.copy()
    after = np.arange(len(codes)) - start
    if shift == "labels":
        share = float(codes.mean())
        rarer = int(share < 0.5)
        wanted = min(2 * min(share, 1 - share), 0.6)
        chosen = rng.random(len(codes)) < wanted
        pool = [np.flatnonzero(watched.pool.codes == code) for code in (0, 1)]
        drawn = np.array([rng.choice(pool[rarer if one else 1 - rarer]) for one in chosen])
        late = after >= 0
        frame.loc[late] = watched.pool.frame.iloc[drawn[late]].to_numpy()
        return Stream(
            frame.astype(watched.pool.frame.dtypes.to_dict()), np.where(late, watched.pool.codes[drawn], codes)
        )
    if shift == "concept":
        flips = (after >= 0) & (rng.random(len(codes)) < _FLIPPED)
        return Stream(frame, np.where(flips, 1 - codes, codes))
    strength = {
        "abrupt": (after >= 0) * 1.0,
        "gradual": np.clip(after / _RAMP, 0, 1),
        "seasonal": np.where(after >= 0, 2 * np.sin(2 * np.pi * after / _PERIOD), 0),
    }[shift]
    spread = float(watched.train.frame[watched.column].std())
    frame[watched.column] = frame[watched.column].astype(float) + _SIZE_SD * spread * strength
    return Stream(frame, codes)
