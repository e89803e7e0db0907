"""Files of the ticket walk in docs/workflows.md, from the table of `headstart demo complaints`.

Run: python examples/workflows/tickets.py complaints/complaints.csv FOLDER

first.csv has 600 labeled complaints. before.jsonl, changed.jsonl, since.jsonl and again.jsonl come as a stream, one complaint every 20 s, and their labels later, in files of their own.
In changed.jsonl and since.jsonl three in four are about a bank, as after an outage; in again.jsonl the mixture is the first one again. That mixture and the times are made; no text comes twice.
"""

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

BANK = "Bank account or service, Savings account"
PARTS = {
    "first": (600, None),
    "before": (1_080, None),
    "changed": (720, 0.75),
    "since": (300, 0.75),
    "again": (1_800, None),
}
START, GAP_S = datetime(2026, 9, 21, 14, 20, tzinfo=UTC), 20


def main() -> None:
    """Write the files."""
    complaints, folder = pd.read_csv(sys.argv[1]), Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    left = complaints[["text", "product"]].drop_duplicates("text").sample(frac=1, random_state=rng)
    n_before = 0
    for name, (n, bank_share) in PARTS.items():
        part = left.head(n)
        if bank_share is not None:
            is_bank = left["product"] == BANK
            n_bank = round(bank_share * n)
            part = pd.concat([left[is_bank].head(n_bank), left[~is_bank].head(n - n_bank)])
            part = part.sample(frac=1, random_state=rng)
        left = left.drop(part.index)
        if name == "first":
            part.to_csv(folder / "first.csv", index=False)
            continue
        times = [(START + timedelta(seconds=GAP_S * (n_before + i))).isoformat() for i in range(n)]
        part = part.assign(id=[f"t{n_before + i:05d}" for i in range(n)], at=times)
        n_before += n
        part[["id", "at", "text"]].to_json(folder / f"{name}.jsonl", orient="records", lines=True)
        labels = part[["id", "product"]].set_axis(["key", "label"], axis="columns")
        labels.to_csv(folder / f"{name}-labels.csv", index=False)


if __name__ == "__main__":
    main()
