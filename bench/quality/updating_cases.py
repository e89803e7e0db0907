"""Real streams that drift, as tables in order: the cases of `bench/quality/updating.py`."""

from __future__ import annotations

import io
import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from bench.quality.own_source_cases import PAIRS

if TYPE_CHECKING:
    from collections.abc import Callable

PEERS = Path(".venv-peers/bin/python")
TARGET = "target"


@dataclass(frozen=True)
class Stream:
    """Records in order.

    Attributes
    ----------
    start : first records, on which the first model is fitted
    later : those that come then
    metric : 'accuracy', or 'AUC' where one class is rare
    """

    name: str
    start: pd.DataFrame
    later: pd.DataFrame
    metric: str = "accuracy"


def _pair(key: str) -> Callable[[int, int], Stream]:
    """A sample of the source's rows, then of the target's: an abrupt change between the two."""

    def make(n_start: int, n_later: int) -> Stream:
        pair, rng = PAIRS[key](), np.random.default_rng(0)
        parts = []
        for rows, y, n in ((pair.source, pair.source_y, n_start), (pair.target, pair.target_y, n_later)):
            chosen = np.sort(rng.choice(len(rows), min(n, len(rows)), replace=False))
            parts.append(rows.iloc[chosen].assign(**{TARGET: np.where(y[chosen] > 0, "yes", "no")}))
        return Stream(pair.name, parts[0], parts[1])

    return make


def _fraud(n_start: int, n_later: int) -> Stream:
    """All frauds and one in forty of the other payments, in order of time."""
    frame = pd.read_csv("demo/card-fraud/card-fraud.csv")
    is_fraud = frame["Class"].astype(str) == "1"
    kept = is_fraud | (np.arange(len(frame)) % 40 == 0)
    frame = frame[kept].drop(columns=["Time", "Class"]).assign(**{TARGET: np.where(is_fraud[kept], "yes", "no")})
    total = 2 * (n_start + n_later)
    frame = frame.iloc[:total] if total < len(frame) else frame
    cut = round(len(frame) * n_start / (n_start + n_later))
    return Stream("card-fraud by time, 1 of 40 others", frame.iloc[:cut], frame.iloc[cut:], "AUC")


def _phishing(n_start: int, n_later: int) -> Stream:
    """The phishing pages that the package river carries."""
    code = "import json; from river import datasets; print(json.dumps([[x, y] for x, y in datasets.Phishing()]))"
    rows = json.loads(subprocess.run([PEERS, "-c", code], check=True, capture_output=True, text=True).stdout)
    frame = pd.DataFrame([x for x, _ in rows]).assign(**{TARGET: ["yes" if y else "no" for _, y in rows]})
    cut = round(len(frame) * n_start / (n_start + n_later))
    return Stream("phishing (river)", frame.iloc[:cut], frame.iloc[cut:])


STREAMS: dict[str, Callable[[int, int], Stream]] = {
    "years": _pair("years"),
    "health": _pair("health"),
    "fraud": _fraud,
    "phishing": _phishing,
}


def as_parquet(frame: pd.DataFrame, path: Path) -> Path:
    """Write a frame; return the path."""
    buffer = io.BytesIO()
    frame.reset_index(drop=True).to_parquet(buffer)
    path.write_bytes(buffer.getvalue())
    return path
