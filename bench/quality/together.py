"""Is what `fit` ships the best that could be had? Beside simple models, on test parts that no report sees; and is the proof honest?

Texts at 100, 400 and 2,000 labels, photos at 20 and 50 a class. Columns: what the preset ships; what ships where only a significant gain
does (`prefer="small"`), from the same fit; the fit's best frozen source alone; TF-IDF (of photos: histograms) with a linear SVM; the mean
of logistic regression on those and on the usual source; one logistic regression on both side by side; of photos a plain torch loop.
Each fit starts in a process of its own with nothing but weights in its cache. Scores are of the report's headline metric.
Rows are kept, so that a bench that was killed goes on. The default is one draw and no case is begun after `--minutes` 30: the smallest size of
every task first. `--draws 2 --minutes 600` measures every case there is, in hours.
Run: .venv/bin/python -m bench.quality.together [--tasks questions,cifar10] [--sizes 100,400] [--draws 2] [--minutes 600] [--report]
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.options import names, parse, parser_of
from bench.quality.together_cases import PHOTO_SIZES, TASKS, TEXT_SIZES, Case, cases_of
from bench.quality.together_report import report, results_of
from bench.results import Results, Row
from headstart.evaluation.shipping import WORTH
from headstart.storage.files import cache_folder

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Sequence

RESULTS = cache_folder() / "bench" / "together"


def main() -> None:
    parser = parser_of(__doc__)
    parser.add_argument("--tasks", type=names, default=[task.demo for task in TASKS])
    parser.add_argument("--sizes", type=numbers, default=list(TEXT_SIZES), help="labels of texts in all")
    parser.add_argument("--photo-sizes", type=numbers, default=list(PHOTO_SIZES), help="labels a class of photos")
    parser.add_argument("--draws", type=int, default=1)
    parser.add_argument("--test", type=int, help="test items, at most")
    parser.add_argument("--minutes", type=float, default=30.0, help="after which no further case is begun")
    parser.add_argument("--preset", default="balanced")
    parser.add_argument("--budget", type=float, help="seconds of each fit, instead of the preset's")
    parser.add_argument("--worth", type=float, default=WORTH, help="of the decision; it needs no new fits")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder; remove its fits.jsonl to fit anew")
    parser.add_argument("--report", action="store_true", help="only print what is there")
    parser.add_argument("--work", action="store_true", help="do the one job that comes on stdin")
    small = {"tasks": ["questions"], "sizes": [48], "photo_sizes": [2], "test": 40, "budget": 10.0}
    options = parse(parser, **small, preset="fast", results=None)
    if options.work:
        print(json.dumps(work(**json.load(sys.stdin))))
        return
    fits, others = (_open(options.results, name) for name in ("fits.jsonl", "others.jsonl"))
    cases = list(cases_of(options.tasks, options.sizes, options.photo_sizes, options.draws, options.test))
    failed = [] if options.report else measure_all(cases, fits, others, options)
    report(results_of(_rows(fits, cases, **_settings(options)), _rows(others, cases), options.worth))
    sys.exit(bool(failed))


def numbers(text: str) -> list[int]:
    """Take numbers with commas between them apart."""
    return [int(name) for name in names(text)]


def measure_all(cases: Sequence[Case], fits: Results, others: Results, options: Namespace) -> list[str]:
    """Measure case by case until the time is over, and say which were left out; gives the names of those that failed."""
    end, failed, late = time.monotonic() + 60 * options.minutes, [], []
    for case in cases:
        if time.monotonic() > end:
            late.append(f"{case.title} ({case.draw})")
            continue
        try:
            measure(case, fits, others, options)
        except subprocess.CalledProcessError as error:
            failed.append(case.title)
            print(f"{case.title:<20} draw {case.draw}  failed:\n{error.stderr[-2000:]}", flush=True)
    if late:
        print(f"not measured, as {options.minutes:g} minutes were over (run it again to go on): {', '.join(late)}\n")
    return failed


def measure(case: Case, fits: Results, others: Results, options: Namespace) -> None:
    """The two rows of a case, and a line."""
    job: dict[str, Any] = {"case": case.to_dict()}
    settings = _settings(options)
    fit = fits.get_or_compute(lambda: run({**job, **settings}), **case.key, **settings)
    other = others.get_or_compute(lambda: run(job), **case.key)
    columns = "  ".join(f"{name} {one['value']:.3f}" for name, one in other["columns"].items())
    rival = f"  best plain {fit['rival']['value']:.3f}" if "rival" in fit else ""
    print(
        f"{case.title:<20} draw {case.draw}  model {fit['model']['value']:.3f} ({fit['seconds']['fit_s']:.0f} s){rival}"
        f"  frozen {fit['frozen']['value']:.3f}  {columns}  {fit['verdict']}",
        flush=True,
    )


def run(job: dict[str, Any]) -> Row:
    """One job in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.quality.together", "--work"],
        input=json.dumps(job),
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONWARNINGS": "ignore"},
    )
    return dict(json.loads(done.stdout.splitlines()[-1]))


def work(case: dict[str, Any], preset: str | None = None, budget: float | None = None) -> Row:
    """A fit by a preset, or without one the columns of others."""
    from bench.quality.together_fit import fit_row
    from bench.quality.together_others import other_columns

    with tempfile.TemporaryDirectory() as folder:
        chosen = Case.from_dict(case)
        return other_columns(chosen, folder) if preset is None else fit_row(chosen, folder, preset, budget)


def _settings(options: Namespace) -> dict[str, Any]:
    return {"preset": options.preset, "budget": options.budget}


def _open(folder: Path | None, name: str) -> Results:
    return Results.open(None if folder is None else folder / name)


def _rows(results: Results, cases: Sequence[Case], **settings: Any) -> list[Row]:
    """Those of the cases; the last one of each."""
    found = (results.find(**case.key, **settings) for case in cases)
    return [rows[-1] for rows in found if rows]


if __name__ == "__main__":
    main()
