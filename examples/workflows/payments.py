"""Files of the fraud walk in docs/workflows.md, from the table of `headstart demo card-fraud`.

Run: python examples/workflows/payments.py card-fraud/card-fraud.csv FOLDER

first.csv has the payments of the first day from 9:00 on, with their labels. morning.csv, changed.csv and repaired.csv are of the second day; they come as a stream, and their labels
later, in files of their own. In changed.csv four columns have the other sign. That fault is planted: V1 to V28 are principal components, whose signs are arbitrary, so that a release
that computes them anew may turn some around. In repaired.csv they are as before.
"""

import sys
from pathlib import Path

import pandas as pd

HOUR_S = 3600
TURNED = ["V10", "V12", "V14", "V17"]
HOURS = {"morning": (33, 35), "changed": (35, 43), "repaired": (43, 48)}


def main() -> None:
    """Write the files."""
    payments, folder = pd.read_csv(sys.argv[1]), Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    payments = payments.rename_axis("id").reset_index()
    hour = payments["Time"] // HOUR_S
    payments[(hour >= 9) & (hour < 24)].drop(columns="id").to_csv(folder / "first.csv", index=False)
    for name, (start, stop) in HOURS.items():
        part = payments[(hour >= start) & (hour < stop)]
        labels = part[["id", "Class"]].set_axis(["key", "label"], axis="columns")
        labels.to_csv(folder / f"{name}-labels.csv", index=False)
        if name == "changed":
            part = part.assign(**{column: -part[column] for column in TURNED})
        part.drop(columns="Class").to_csv(folder / f"{name}.csv", index=False)


if __name__ == "__main__":
    main()
