"""Files of the fraud walk in docs/workflows.md, from the table of `headstart demo card-fraud`.

Run: python examples/workflows/payments.py card-fraud/card-fraud.csv FOLDER

first.csv has the payments of the first day from 9:00 on, with their labels. morning.csv and changed.csv are of the second day, the next 4,000 from 9:00 on and 4,000 more; they
come as a stream, and their labels later, in files of their own. In changed.csv V14 is ten times too large: a fault that is planted, as after a release of whatever computes it.
"""

import sys
from pathlib import Path

import pandas as pd

HOUR_S = 3600
FAULTY, TIMES = "V14", 10.0
PARTS = {"morning": (0, 4_000), "changed": (4_000, 8_000)}


def main() -> None:
    """Write the files."""
    payments, folder = pd.read_csv(sys.argv[1]), Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    hour = payments["Time"] // HOUR_S
    payments[(hour >= 9) & (hour < 24)].to_csv(folder / "first.csv", index=False)
    second = payments[hour >= 33].rename_axis("id").reset_index()
    for name, (start, stop) in PARTS.items():
        part = second.iloc[start:stop]
        labels = part[["id", "Class"]].set_axis(["key", "label"], axis="columns")
        labels.to_csv(folder / f"{name}-labels.csv", index=False)
        if name == "changed":
            part = part.assign(**{FAULTY: TIMES * part[FAULTY]})
        part.drop(columns="Class").to_csv(folder / f"{name}.csv", index=False)


if __name__ == "__main__":
    main()
