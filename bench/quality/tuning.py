"""What does each method gain, and is it kept where it should be? Every tuning task, five seeds, on a test part nobody saw.

Accuracy counts classes evenly where as many of each were drawn from a demo that has them unevenly (`bench.tasks.Task.is_uneven`).
For each task: the closed form; each method as the only method above it; and the whole selection, as `--preset best` makes it. Of a
method that was not kept, the network that it would have been is finished too, so that keeping can be judged on the test. The selection
finds the single methods' networks again, so its seconds are at most the sum of theirs.
A method that would take longer than `--longest`, as the plan predicts, is left out, as a budget of that size would, and named.
Rows are kept, so that a bench that was killed goes on; the first seed of all tasks comes first.
Two processes on one thread each, with other tasks and results, take half the time of one on two threads; the report joins files.
Run: .venv/bin/python -m bench.quality.tuning [--tasks groceries,questions] [--seeds 5] [--longest 600] [--results FILE ...] [--report]
"""

from __future__ import annotations

import sys
from pathlib import Path

from bench.methods import SELECTION, supported
from bench.options import names, parse, parser_of
from bench.quality.tuning_cell import Cell
from bench.quality.tuning_report import is_worse_than_a_method, report
from bench.results import Results
from bench.tasks import TASKS, smaller, tasks_named
from headstart.core import registry
from headstart.engines.heap import keeping_freed_memory
from headstart.storage.files import cache_folder
from headstart.tuning.trial import CLOSED_FORM


def main() -> None:
    parser = parser_of(__doc__)
    parser.add_argument("--tasks", type=names, default=[task.name for task in TASKS])
    parser.add_argument("--methods", type=names, default=list(registry.names("tuning_methods")))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--results", type=Path, nargs="+", default=[cache_folder() / "bench" / "tuning.jsonl"])
    parser.add_argument(
        "--longest", type=float, default=600, help="seconds that a method may take, as the plan predicts"
    )
    parser.add_argument("--per-class", type=int, help="labels a class, instead of those of the tasks")
    parser.add_argument("--test", type=int, help="test items, likewise")
    parser.add_argument("--report", action="store_true", help="only print what is there")
    options = parse(
        parser, tasks=["questions-8"], methods=["bitfit"], seeds=1, results=[None], per_class=4, test=40, longest=1e9
    )
    tasks = smaller(tasks_named(options.tasks), per_class=options.per_class, n_test=options.test)
    results = [Results.open(path) for path in options.results]
    if not options.report:
        with keeping_freed_memory():
            for seed in range(options.seeds):
                for task in tasks:
                    measure(Cell(task, seed, options.longest, tuple(options.methods)), results[0])
    joined = Results(None, [row for one in results for row in one.rows])
    report(joined, tasks)
    sys.exit(not options.quick and is_worse_than_a_method(joined, tasks))


def measure(cell: Cell, results: Results) -> None:
    """A row for the closed form, for each method alone, and for the selection."""
    for title in (CLOSED_FORM, *(name for name in supported(cell.task) if name in cell.method_names), SELECTION):
        row = results.get_or_compute(lambda: cell.row(title), task=cell.task.name, result=title, seed=cell.seed)  # noqa: B023  (called at once)
        print(
            f"{cell.task.name:<20} seed {cell.seed}  {title:<14} {row['accuracy']:.3f}  {row['seconds']:.0f} s",
            flush=True,
        )


if __name__ == "__main__":
    main()
