"""Headstart on tables beside what people use: 27 real tables at 50, 200 and 1,000 training rows, two draws each.

Headstart's whole fit (its preset after its name, `headstart balanced`) and its baselines alone, TabPFN alone, logistic or ridge regression, scikit-learn's histogram booster, CatBoost and LightGBM, all at
their defaults on the same rows and threads; AutoGluon with two minutes a fit on a third of the tables where it is asked for. One score a task,
higher is better: ROC AUC of two classes, accuracy of several, R² of numbers; the test part is what was not drawn, at most 2,000 rows.
Each method is a process that stays (`make peers-env` for those that need an environment); rows are kept in the cache, so a bench that was
killed goes on.
Run: .venv/bin/python -m bench.quality.tables [--tables adult,heart] [--methods headstart,catboost] [--sizes 50] [--minutes 35] [--report]
"""

from __future__ import annotations

import os
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.options import names, parse, parser_of
from bench.quality.tables_report import report
from bench.quality.tables_score import score
from bench.quality.tables_worker import Worker, is_installed
from bench.results import Results, Row
from bench.tables import Table, load_table, sizes_of, table_names
from headstart.storage.files import cache_folder

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterator

METHODS = ("headstart fast", "headstart baselines", "tabpfn", "linear", "histogram boosting", "catboost", "lightgbm")
RARE_METHODS = ("autogluon",)
"""Methods that take minutes a fit: every third table, one draw, where they are asked for."""
SIZES = (50, 200, 1000)


def main() -> None:
    parser = parser_of(__doc__)
    parser.add_argument("--tables", type=names, default=table_names())
    parser.add_argument("--methods", type=names, default=list(METHODS))
    parser.add_argument("--sizes", type=lambda text: [int(size) for size in names(text)], default=list(SIZES))
    parser.add_argument("--draws", type=int, default=2)
    parser.add_argument("--threads", type=int, default=min(2, os.cpu_count() or 1))
    parser.add_argument("--budget", type=float, help="seconds of each of Headstart's fits, instead of the preset's")
    parser.add_argument("--longest", type=float, default=180, help="seconds after which a method is stopped")
    parser.add_argument("--minutes", type=float, default=35, help="after which no further case is begun")
    parser.add_argument("--results", type=Path, default=cache_folder() / "bench" / "tables.jsonl")
    parser.add_argument("--report", action="store_true", help="only print what is there")
    small = {"tables": ["heart", "diabetes"], "sizes": [50], "draws": 1, "results": None, "longest": 20}
    options = parse(parser, **small, methods=["linear", "histogram boosting"])
    results = Results.open(options.results)
    if not options.report:
        run(results, options)
    report(results)


def run(results: Results, options: Namespace) -> None:
    """Measure case after case; the first draw of every table and size comes before the second."""
    workers = {name: Worker(name, options.threads) for name in options.methods if is_installed(name)}
    for name in set(options.methods) - set(workers):
        made_by = "autogluon-env" if name == "autogluon" else "peers-env"
        print(f"{name} is left out: its environment is missing. Make it with: make {made_by}")
    end, n_late = time.monotonic() + 60 * options.minutes, 0
    try:
        for table, size, draw in cases(options):
            if time.monotonic() > end:
                n_late += 1
            else:
                measure(results, table, size, draw, workers, options)
    finally:
        for worker in workers.values():
            worker.stop()
    if n_late:
        print(f"{n_late} cases were not begun, as {options.minutes:g} minutes were over; run it again to go on")


def cases(options: Namespace) -> Iterator[tuple[Table, int, int]]:
    for draw in range(options.draws):
        for name in options.tables:
            table = load_table(name)
            for size in sizes_of(table, tuple(options.sizes)):
                yield table, size, draw


def measure(
    results: Results, table: Table, size: int, draw: int, workers: dict[str, Worker], options: Namespace
) -> None:
    """A row of each method that has none yet, and its line."""
    wanted = {name: worker for name, worker in workers.items() if is_asked(name, table, draw)}
    keys = {name: {"table": table.name, "size": size, "draw": draw, "method": name} for name in wanted}
    missing = [name for name in wanted if not results.find(**keys[name])]
    if not missing:
        return
    train, test = table.drawn(size, draw)
    with tempfile.TemporaryDirectory() as folder:
        paths = {part: str(Path(folder) / f"{part}.parquet") for part in ("train", "test")}
        train.frame.to_parquet(paths["train"], index=False)
        test.frame.to_parquet(paths["test"], index=False)
        common = {**paths, "target": table.target, "task": table.task, "threads": options.threads, "seed": draw}
        common |= {"seconds": 120, "budget_s": options.budget}
        for name in missing:
            job = {**common, "peer": name}
            row = results.get_or_compute(partial(answer, wanted[name], job, test, options), **keys[name])
            print(f"{table.name:<15} {size:>5} rows, draw {draw}  {name:<20} {shown(row)}", flush=True)


def is_asked(method: str, table: Table, draw: int) -> bool:
    return method not in RARE_METHODS or (draw == 0 and table_names().index(table.name) % 3 == 0)


def answer(worker: Worker, job: dict[str, Any], test: Table, options: Namespace) -> Row:
    found = worker.ask(job, options.longest)
    facts: Row = {"task": test.task, "n_test": len(test), "threads": options.threads}
    if "failed" in found:
        return {**facts, "score": None, "failed": found["failed"]}
    scores, classes = found.pop("scores"), found.pop("classes")
    return {**facts, **score(test, scores, classes), **found}


def shown(row: Row) -> str:
    if row["score"] is None:
        return f"failed: {row['failed']}"
    return f"{row['score']:7.3f}  {row['train_s']:6.1f} s + {row['predict_s']:5.2f} s"


if __name__ == "__main__":
    main()
