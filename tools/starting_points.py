"""From which settings should tuning begin? Tries a grid on small tasks and writes those that serve them best between them.

Each run is asked about items of the task's pool that neither it nor any other bench tests on. What a run loses there, at the best
of its points and blends, is compared with the closed form's loss. The first point of the table is the settings that lose least in
the mean over the tasks (of those that lose as little to a hundredth, the shallowest: it is the quickest), and is where the method
begins; each further one is what helps most beside those before it where each task takes its best (a greedy portfolio, as in Feurer
et al., Auto-sklearn 2.0, JMLR 2022), and is what a search tries first.
Rows are kept, so that a bench that was killed goes on. Runs of one source can go beside those of another, in two processes.
Run: PYTHONPATH=bench/quality .venv/bin/python tools/starting_points.py [--tasks questions-8,digits-10] [--methods lora] [--report] [--write]
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.demos import as_pair
from bench.options import names, parse, parser_of
from bench.results import Results, Row
from bench.tasks import SHORT_REVIEWS, Task, halves
from headstart.core import registry
from headstart.data import load
from headstart.engines.context import RunContext
from headstart.engines.heap import keeping_freed_memory
from headstart.features import embed
from headstart.heads.calibration import fit_calibration
from headstart.heads.problem import Problem
from headstart.sources import open_source
from headstart.sources.defaults import default_source
from headstart.storage.files import cache_folder, write_file
from headstart.tuning import TuningProblem
from headstart.tuning.run import Run
from headstart.tuning.running_loss import Diverged
from headstart.tuning.starting_points import has_batch_norms

if TYPE_CHECKING:
    from headstart.core.dataset import Dataset
    from headstart.sources import Source
    from headstart.tuning.settings import TuningSettings

TABLE = Path("src/headstart/tuning/starting_points.toml")
HEADER = "# Made by tools/starting_points.py, which says how: settings from which methods and searches begin, the best first.\n"
SEED = 1000  # no other bench draws with it
MOST_ASKED = 150
MOST_POINTS = 3  # a method and kind of input
AS_GOOD = 0.01  # of the closed form's loss
TASKS = (
    Task(demo="questions", per_class=8, n_test=800),
    Task(demo="questions", per_class=40, n_test=800),
    Task(demo="movie-reviews", per_class=40, n_test=800, keep=SHORT_REVIEWS),
    Task(demo="cifar10", per_class=20, n_test=800),
    Task(demo="digits", per_class=10, n_test=800),
)
GRID: dict[str, list[dict[str, Any]]] = {
    "contrastive": [
        *({"trainable_fraction": 0.5, "learning_rate": rate} for rate in (3e-4, 1e-3)),
        {"trainable_fraction": 1.0, "learning_rate": 3e-4},
    ],
    "bitfit": [
        *({"trainable_fraction": 0.25, "learning_rate": rate} for rate in (3e-3, 1e-2)),
        *({"trainable_fraction": 0.5, "learning_rate": rate} for rate in (3e-3, 1e-2)),
        {"trainable_fraction": 1.0, "learning_rate": 3e-3},
    ],
    "lora": [
        *({"trainable_fraction": 0.25, "learning_rate": rate} for rate in (1e-3, 3e-3, 1e-2)),
        *({"trainable_fraction": 0.5, "learning_rate": rate} for rate in (1e-3, 3e-3)),
        {"trainable_fraction": 1.0, "learning_rate": 1e-3},
    ],
    "fine-tune": [
        *({"trainable_fraction": 0.25, "learning_rate": rate} for rate in (1e-4, 3e-4, 1e-3)),
        {"trainable_fraction": 0.25, "learning_rate": 3e-4, "head_learning_rate": 1e-3},
        *({"trainable_fraction": 0.5, "learning_rate": rate} for rate in (1e-4, 3e-4, 1e-3)),
        {"trainable_fraction": 1.0, "learning_rate": 3e-4},
    ],
}


_PHOTOS = {"augmentation": "crop", "resolution": 0.58, "epochs": 8, "min_batch_size": 16, "head_learning_rate": 1e-3}
PHOTO_GRID: dict[str, list[dict[str, Any]]] = {
    method: [
        {"trainable_fraction": share, "learning_rate": rate, "learn_statistics": learn, "layer_decay": 1.0, **_PHOTOS}
        for share in (0.5, 1.0)
        for rate in rates
        for learn in (False, True)
    ]
    for method, rates in {"bitfit": (3e-3, 1e-2), "lora": (1e-3, 3e-3), "fine-tune": (1e-4, 3e-4, 1e-3)}.items()
}


def parts(task: Task) -> tuple[Dataset, int]:
    """Items to train on and then others of the same pool, joined; the number of the former."""
    train = halves(task, SEED)[0]
    pool = halves(replace(task, per_class=(task.per_class or 0) + MOST_ASKED // len(train.labels)), SEED)[0]
    keys = {_key(item) for item in train.items}
    others = np.array([i for i, item in enumerate(pool.items) if _key(item) not in keys])
    (items, labels), (asked, answers) = as_pair(train), as_pair(pool.take(others[:MOST_ASKED]))
    return load((items + asked, labels + answers)), len(items)


def _key(item: Any) -> Any:
    return item.tobytes() if isinstance(item, np.ndarray) else item


def problem_of(task: Task) -> tuple[TuningProblem, int]:
    """The items, embedded; each is a group of its own, since nothing is held out here but what `parts` did."""
    dataset, n_train = parts(task)
    source = open_source(default_source(dataset.modality))
    features = embed(dataset.items, source).values
    groups = np.arange(len(dataset))
    tuning_problem = TuningProblem(
        source=source,
        items=dataset.items,
        problem=Problem(features=features, targets=dataset.targets, task=dataset.task, groups=groups, seed=SEED),
        fold_groups=groups,
        head="auto",
        context=RunContext.default(seed=SEED),
    )
    return tuning_problem, n_train


def grid(method: str, source: Source) -> list[dict[str, Any]]:
    """The settings to try, those of the shallowest networks first."""
    points = PHOTO_GRID if has_batch_norms(source) else GRID
    return sorted(points.get(method, ()), key=lambda point: point["trainable_fraction"])


def train_once(tuning_problem: TuningProblem, n_train: int, method_name: str, settings: TuningSettings) -> Row:
    """Train once; the losses of the items that are asked about, calibrated on themselves."""
    everything = np.arange(len(tuning_problem.items))
    train, asked = everything[:n_train], everything[n_train:]
    targets, task = tuning_problem.problem.targets[asked], tuning_problem.problem.task_spec
    method = registry.get("tuning_methods", method_name)()
    closed = fit_calibration(
        tuning_problem.adapt(train).leading_head.heads[0].scores(tuning_problem.problem.features[asked]), targets, task
    )
    try:
        scores = Run(tuning_problem=tuning_problem, method=method, settings=settings, train=train, test=asked).scores()
    except Diverged:
        return {"n": n_train, "closed": closed.loss, "losses": None}
    losses = [[fit_calibration(blend, targets, task).loss for blend in point] for point in scores]
    right = [[float((blend.argmax(1) == targets.argmax(1)).mean()) for blend in point] for point in scores]
    return {"n": n_train, "closed": closed.loss, "losses": losses, "accuracies": right}


def measure(results: Results, tasks: list[Task], methods: list[str], n_points: int | None) -> None:
    """All runs, those that share frozen blocks one after the other."""
    for task in tasks:
        tuning_problem, n_train = problem_of(task)
        for name in methods:
            method = registry.get("tuning_methods", name)()
            if method.supports(tuning_problem.source, tuning_problem.problem.task_spec):
                for point in grid(name, tuning_problem.source)[:n_points]:
                    row = results.get_or_compute(
                        lambda: train_once(tuning_problem, n_train, name, replace(method.settings, **point)),  # noqa: B023  (called at once)
                        task=task.name,
                        input=tuning_problem.source.input.kind,
                        batch_norms=has_batch_norms(tuning_problem.source),
                        method=name,
                        point=point,
                    )
                    print(f"{task.name:<18} {name:<12} {point}  {row['closed']:.4f} -> {best(row):.4f}", flush=True)


def best(row: Row) -> float:
    """The loss at the best point and blend; the closed form's where nothing was better, since a method need not be kept."""
    return float(row["closed"] if row["losses"] is None else min(row["closed"], np.min(row["losses"])))


def portfolio(rows: list[Row]) -> list[tuple[dict[str, Any], float]]:
    """Settings by how much they help beside those before them, with the mean share of the closed form's loss that is left."""
    tasks = sorted({row["task"] for row in rows})
    found: dict[str, dict[str, float]] = {}
    for row in rows:
        found.setdefault(json.dumps(row["point"]), {})[row["task"]] = best(row) / row["closed"]
    points = [point for point, shares in found.items() if len(shares) == len(tasks)]
    left = np.array([[found[point][task] for task in tasks] for point in points])
    made, reached = [], np.ones(len(tasks))
    for _ in range(min(MOST_POINTS, len(points))):
        means = np.minimum(left, reached).mean(axis=1)
        as_good = np.flatnonzero(means <= means.min() + AS_GOOD)
        chosen = min(as_good, key=lambda place: (json.loads(points[place])["trainable_fraction"], means[place]))
        if means[chosen] > reached.mean() - 1e-3:
            break
        reached = np.minimum(reached, left[chosen])
        made.append((json.loads(points[chosen]), float(reached.mean())))
    return made


def table(results: Results) -> str:
    """The lines of the table."""
    lines = [HEADER.strip()]
    for kind, batch_norms in (("pixels", True), ("tokens", False)):
        for name in registry.names("tuning_methods"):
            for point, left in portfolio(results.find(input=kind, batch_norms=batch_norms, method=name)):
                settings = ", ".join(f"{key} = {json.dumps(value)}" for key, value in point.items())  # valid TOML, too
                lines += ["", "[[points]]", f'input = "{kind}"', f"batch_norms = {json.dumps(batch_norms)}"]
                lines += [f'method = "{name}"']
                lines += [
                    f"left = {left:.3f}  # of the closed form's loss, with those above",
                    f"settings = {{ {settings} }}",
                ]
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = parser_of(__doc__)
    parser.add_argument("--tasks", type=names, default=[task.name for task in TASKS])
    parser.add_argument("--methods", type=names, default=list(GRID))
    parser.add_argument("--points", type=int, help="of each method's grid; all if absent")
    parser.add_argument("--results", type=Path, default=cache_folder() / "bench" / "starting_points.jsonl")
    parser.add_argument("--report", action="store_true", help="only print what is there")
    parser.add_argument("--write", action="store_true", help="write the table")
    options = parse(parser, tasks=["questions-8"], methods=["bitfit"], points=1, results=None)
    if options.write and options.quick:
        parser.error("a quick run is not written")
    results = Results.open(options.results)
    if not options.report:
        with keeping_freed_memory():
            chosen = [task for task in TASKS if task.name in options.tasks]
            measure(results, chosen, options.methods, options.points)
    print(table(results))
    if options.write:
        write_file(TABLE, table(results).encode())


if __name__ == "__main__":
    main()
