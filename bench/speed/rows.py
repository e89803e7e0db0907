"""How do seconds and memory of a fit grow with the rows of a table, and what do a whole year's payments cost?

Growth: tables of 10,000, 100,000 and 1,000,000 rows, drawn from `card-fraud` with noise of 1 % of each column's deviation, so that no two rows
are alike. Goals: the peak of memory (VmHWM) over ten times the rows at most 1.3 ×, the time at most 12 ×. Beside the peak stand what the numbers
of the table need as doubles, and processor seconds, which other work on the machine changes less than those that passed.
Fraud: all 284,807 payments in order of time, and the first four fifths of them with the last fifth as the test; goals: 5 minutes and 3 GiB on
two cores, the average precision beside boosted trees, and one row predicted in 1.2 × the bare session (median). Each fit is a new process.
Run: .venv/bin/python -m bench.speed.rows [--rows 10000,100000] [--only growth] [--preset fast]
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

import headstart
from bench.demos import demo_folder
from bench.options import names, numbers, parse, parser_of
from bench.processes import last_line_as_json, memory_mib, temporary_cache
from headstart.onnx_graph.session import open_session

if TYPE_CHECKING:
    from argparse import Namespace

N_ROWS = [10_000, 100_000, 1_000_000]
TARGET, TIME = "Class", "Time"
N_ASKED, N_ROUNDS = 300, 5  # rows that are predicted, and how often
FRAUD_WEIGHT = 12.0  # of growth alone: without it 1,000 rows hold no fraud in some quarter of the time


def main() -> None:
    parser = parser_of(__doc__)
    parser.add_argument("--rows", type=numbers, default=N_ROWS, help="of each table")
    parser.add_argument("--payments", type=int, help="the first payments alone; all if absent")
    parser.add_argument("--preset", default="balanced")
    parser.add_argument("--only", type=names, default=["growth", "fraud"])
    parser.add_argument(
        "--fit", nargs=3, help="data, test part or '', and preset of one fit, of which JSON says what it cost"
    )
    options = parse(parser, rows=[1000, 10_000], payments=8000, preset="fast")
    if options.fit:
        print(json.dumps(fit(*options.fit)))
        return
    payments = pd.read_csv(demo_folder("card-fraud") / "card-fraud.csv", nrows=options.payments)
    with tempfile.TemporaryDirectory() as folder:
        if "growth" in options.only:
            growth(Path(folder), payments, options)
        if "fraud" in options.only:
            fraud(Path(folder), payments, options)


def growth(folder: Path, payments: pd.DataFrame, options: Namespace) -> None:
    """Print the costs of each table, and how many times those of the one before they are."""
    before: dict[str, Any] = {}
    for n in options.rows:
        table = drawn(payments, n)
        cost = {**measure(written(folder, "table", table), "", options.preset), "data_mib": table.size * 8 / 2**20}
        print(
            f"{n:,} rows ({cost['data_mib']:.0f} MiB of doubles): peak {cost['peak_mib']:.0f} MiB{times(cost, before, 'peak_mib')}, "
            f"{cost['fit_s']:.1f} s{times(cost, before, 'fit_s')}, {cost['processor_s']:.1f} of processors"
            f"{times(cost, before, 'processor_s')}; {cost['stages']}",
            flush=True,
        )
        before = cost


def times(cost: dict[str, Any], before: dict[str, Any], what: str) -> str:
    return f" ({cost[what] / before[what]:.2f} ×)" if before else ""


def drawn(payments: pd.DataFrame, n: int) -> pd.DataFrame:
    """Draw rows with replacement, in order of time, and shake every column but the target; frauds often enough for the smaller table."""
    generator = np.random.default_rng(0)
    weights = np.where(payments[TARGET] == 1, FRAUD_WEIGHT, 1.0)
    chosen = generator.choice(len(payments), n, p=weights / weights.sum())
    rows = payments.iloc[np.sort(chosen)].reset_index(drop=True)
    for name in rows.columns.drop([TARGET]):
        rows[name] = rows[name] + generator.normal(0, 0.01 * payments[name].std(), n)
    return rows.sort_values(TIME)


def fraud(folder: Path, payments: pd.DataFrame, options: Namespace) -> None:
    """Print what all payments cost, and the average precision on the last fifth."""
    whole = measure(written(folder, "whole", payments), "", options.preset)
    print(
        f"{len(payments):,} payments: {whole['fit_s']:.0f} s, {whole['processor_s']:.0f} of processors, peak {whole['peak_mib']:.0f} MiB; ships {whole['deployed']}; one row "
        f"{whole['row_ms']:.2f} ms, {whole['row_ms'] / whole['session_ms']:.2f} × the bare session",
        flush=True,
    )
    n_train = round(0.8 * len(payments))
    train, test = payments.iloc[:n_train], payments.iloc[n_train:]
    ours = measure(written(folder, "train", train), str(written(folder, "test", test)), options.preset)
    print(
        f"average precision on the last {len(test):,} ({int(test[TARGET].sum())} frauds): Headstart {ours['average_precision']:.3f} "
        f"({ours['fit_s']:.0f} s, {ours['deployed']})",
        flush=True,
    )
    for name, value in boosted(train, test).items():
        print(f"  {name} {value}", flush=True)


def boosted(train: pd.DataFrame, test: pd.DataFrame) -> dict[str, str]:
    """The same of boosted trees at their defaults: scikit-learn's, and CatBoost and LightGBM where they are installed."""
    from bench.quality.tables_score import score
    from bench.quality.tables_worker import Worker, is_installed
    from bench.tables import Table

    found = {}
    with tempfile.TemporaryDirectory() as folder:
        paths = {}
        for name, frame in (("train", train), ("test", test)):
            paths[name] = str(Path(folder) / f"{name}.parquet")
            frame.astype({TARGET: str}).to_parquet(paths[name])
        table = Table(name="card-fraud", frame=test.astype({TARGET: str}), target=TARGET, task="binary")
        for peer in ("histogram boosting", "lightgbm", "catboost"):
            if is_installed(peer):
                worker = Worker(peer, threads=2)
                job = {**paths, "target": TARGET, "task": "binary", "threads": 2, "seed": 0, "peer": peer}
                answer = worker.ask(job, longest_s=900)
                worker.stop()
                found[peer] = answer.get("failed") or (
                    f"{score(table, answer['scores'], answer['classes'])['average_precision']:.3f} ({answer['train_s']:.0f} s)"
                )
    return found


def written(folder: Path, name: str, frame: pd.DataFrame) -> Path:
    path = folder / f"{name}.csv"
    frame.to_csv(path, index=False)
    return path


def measure(data: Path, test: str, preset: str) -> dict[str, Any]:
    """One fit in a process of its own."""
    with temporary_cache() as cache:
        command = [sys.executable, "-m", "bench.speed.rows", "--fit", str(data), test, preset]
        return last_line_as_json(command, cache=cache)


def fit(data: str, test: str, preset: str) -> dict[str, Any]:
    """Fit in this process: seconds, peak, what ships, the average precision on the test part, and one warm row."""
    with tempfile.TemporaryDirectory() as folder:
        started, worked = time.perf_counter(), time.process_time()
        fitted = headstart.fit(
            data, input="all", target=TARGET, time=TIME, preset=preset, out=Path(folder) / "model", progress=None
        )
        found = {
            "fit_s": time.perf_counter() - started,
            "processor_s": time.process_time() - worked,
            "peak_mib": memory_mib("VmHWM"),
            "stages": {name: round(seconds, 1) for name, seconds in fitted.seconds.items()},
            "deployed": fitted.to_dict()["deployed"],
        }
        if test:
            found["average_precision"] = average_precision(fitted, pd.read_csv(test))
        return {**found, **one_row(fitted, pd.read_csv(data, nrows=N_ASKED))}


def average_precision(fitted: Any, test: pd.DataFrame) -> float:
    from sklearn.metrics import average_precision_score

    rows = test[[field.name for field in fitted.model.fields]].to_dict("records")
    column = [str(label) for label in fitted.model.labels].index("1")
    return float(average_precision_score(test[TARGET], fitted.predict_proba(rows)[:, column]))


def one_row(fitted: Any, frame: pd.DataFrame) -> dict[str, float]:
    """Medians of predicting one row, and of one run of a bare session of the same graph on what was prepared, in turn."""
    rows = frame[[field.name for field in fitted.model.fields]].to_dict("records")
    session = open_session(fitted.model.graph)
    seconds: dict[str, list[float]] = {"row_ms": [], "session_ms": []}
    for row in rows * N_ROUNDS:
        prepared = fitted.model.input.transform([row])
        for name, call in (
            ("row_ms", partial(fitted.model.predict, [row])),
            ("session_ms", partial(session.run, ["outputs"], prepared)),
        ):
            started = time.perf_counter()
            call()
            seconds[name].append(1000 * (time.perf_counter() - started))
    return {name: float(np.median(values)) for name, values in seconds.items()}


if __name__ == "__main__":
    main()
