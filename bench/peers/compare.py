"""Headstart beside its peers: the same weights, splits and threads; accuracy on the test part, seconds to train and to predict.

Texts: SetFit, and a full fine-tune with transformers' Trainer, both in an environment of their own (`make peers-env`).
Photos: a plain torch loop. Each run is a process of its own, offline, and its clocks start when the libraries are imported;
Headstart starts with an empty cache but for the weights.
Rows are kept in the cache, so that a bench that was killed goes on; a machine with other work on it shows in their load.
`--beside-setfit` makes the comparison with SetFit alone, in 15 minutes: questions and reviews at 8 and 64 a class, one draw, the preset `balanced` on the
same weights with its proof; SetFit's pairs are bounded to `num_iterations` 5 where it would make more than 10,000, which its rows say.
Run: .venv/bin/python -m bench.peers.compare [--tasks questions,cifar10-50] [--peers headstart,setfit] [--seeds 5] [--report]
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.demos import as_pair
from bench.methods import SELECTION, supported
from bench.options import names, parse, parser_of
from bench.peers.hub_folder import hub_folder
from bench.processes import new_cache
from bench.results import Results, Row
from bench.stopwatch import Stopwatch
from bench.tasks import TASKS, Task, halves, smaller, tasks_named
from headstart.core import registry
from headstart.engines.threads import n_threads
from headstart.storage.files import cache_folder
from headstart.tuning.trial import CLOSED_FORM

if TYPE_CHECKING:
    from argparse import Namespace

    from headstart.core.dataset import Dataset
    from headstart.pipeline.fitted import Fitted

ENVIRONMENT = Path(".venv-peers/bin/python")
TEXT_PEERS, PHOTO_PEERS = ("setfit", "trainer"), ("torch",)
N_ITERATIONS = 20  # of SetFit: its own default before it drew every pair, and that of its paper (arXiv:2209.11055)
FEW = 64  # labels a class up to which SetFit is asked
PRESET = "balanced"
BESIDE_SETFIT = {
    "tasks": ["questions-8", "movie-reviews-8", "questions-64", "movie-reviews-64"],
    "peers": [f"headstart {PRESET}", "setfit"],
    "iterations": 5,
    "minutes": 15.0,
}


def main() -> None:
    parser = parser_of(__doc__)
    parser.add_argument("--tasks", type=names, default=[task.name for task in TASKS])
    parser.add_argument("--peers", type=names, default=all_peers())
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--results", type=Path, default=cache_folder() / "bench" / "peers.jsonl")
    parser.add_argument(
        "--longest", type=float, default=3600, help="seconds after which a peer is stopped, which its row says"
    )
    parser.add_argument("--per-class", type=int, help="labels a class, instead of those of the tasks")
    parser.add_argument("--test", type=int, help="test items, likewise")
    parser.add_argument("--beside-setfit", action="store_true", help="the tasks and options of that comparison alone")
    parser.add_argument(
        "--iterations", type=int, default=N_ITERATIONS, help="`num_iterations` of SetFit where its pairs are too many"
    )
    parser.add_argument("--budget", type=float, help=f"seconds of 'headstart {PRESET}', instead of the preset's")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="after which no further run is begun")
    parser.add_argument("--report", action="store_true", help="only print what is there")
    parser.add_argument("--work", action="store_true", help="do the one job that comes on stdin")
    if "--beside-setfit" in sys.argv:
        parser.set_defaults(**BESIDE_SETFIT)
    small = {"tasks": ["questions-8", "cifar10-10"], "peers": ["headstart", "trainer", "torch"], "results": None}
    options = parse(parser, **small, per_class=2, test=10)
    if options.work:
        print(json.dumps(work(**json.load(sys.stdin))))
        return
    results = Results.open(options.results)
    tasks = smaller(tasks_named(options.tasks), per_class=options.per_class, n_test=options.test)
    end, late = time.monotonic() + 60 * options.minutes, []
    for seed in range(0 if options.report else options.seeds):
        for task in tasks:
            for peer in (peer for peer in options.peers if is_asked(peer, task)):
                if time.monotonic() > end:
                    late.append(f"{peer} on {task.name} ({seed})")
                else:
                    measure(results, task, peer, seed, options)
    if late:
        print(f"not measured, as {options.minutes:g} minutes were over (run it again to go on): {', '.join(late)}")
    report(results, tasks)


def all_peers() -> list[str]:
    """Headstart's methods are peers as well: its usual fit, each method, and all of them ('best')."""
    ours = (f"headstart {name}" for name in (*registry.names("tuning_methods"), SELECTION))
    return ["headstart", f"headstart {PRESET}", *ours, *TEXT_PEERS, *PHOTO_PEERS]


def is_asked(peer: str, task: Task) -> bool:
    if peer in TEXT_PEERS:
        few = task.per_class is None or task.per_class <= FEW
        return task.modality == "text" and (few or peer != "setfit")
    if peer in PHOTO_PEERS:
        return task.modality == "image"
    return method_of(peer) in (CLOSED_FORM, PRESET, SELECTION, *supported(task))


def method_of(peer: str) -> str:
    return peer.removeprefix("headstart").strip() or CLOSED_FORM


def measure(results: Results, task: Task, peer: str, seed: int, options: Namespace) -> None:
    """A row, and its line."""
    key: dict[str, Any] = {"task": task.name, "peer": peer, "seed": seed}
    key |= {"budget": options.budget} if method_of(peer) == PRESET else {}
    key |= {"iterations": options.iterations} if peer == "setfit" else {}
    row = results.get_or_compute(lambda: run(peer, task, seed, options), **key)
    print(f"{task.name:<20} seed {seed}  {peer:<24}" + shown([row]), flush=True)


def run(peer: str, task: Task, seed: int, options: Namespace) -> Row:
    """One peer on one split, in a process of its own."""
    train, test = halves(task, seed)
    longest_s = options.longest
    with tempfile.TemporaryDirectory() as folder:
        if peer in TEXT_PEERS:
            model = hub_folder(task.source, Path(folder) / "model")
            command = [str(ENVIRONMENT), "-m", "bench.peers.texts"]
            job = {"model": str(model), "texts": list(train.items), "codes": train.codes.tolist(), "peer": peer}
            job |= {"test": list(test.items), "seed": seed, "threads": n_threads()}
            job["iterations"] = options.iterations
        else:
            command = [sys.executable, "-m", "bench.peers.compare", "--work"]
            job = {"peer": peer, "task": asdict(task), "seed": seed, "folder": folder, "budget": options.budget}
        started = time.perf_counter()
        answer = finish(command, job, longest_s)
    if answer is None:
        return {"accuracy": None, "settings": f"stopped after {longest_s:.0f} s", "process_s": longest_s}
    correct = np.array(answer.pop("predicted")) == test.codes
    return {
        "n": len(train),
        "n_test": len(test),
        "accuracy": float(correct.mean()),
        "threads": n_threads(),
        "process_s": time.perf_counter() - started,
        **answer,
    }


def finish(command: list[str], job: dict[str, Any], longest_s: float) -> dict[str, Any] | None:
    """Run a job to its end; None where it takes too long."""
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "HEADSTART_THREADS"), str(n_threads()))
    offline = dict.fromkeys(("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_DATASETS_OFFLINE"), "1")
    try:
        done = subprocess.run(
            command,
            input=json.dumps(job),
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, **threads, **offline},
            timeout=longest_s,
        )
    except subprocess.TimeoutExpired:
        return None
    except FileNotFoundError:
        sys.exit(f"{command[0]} is missing. Make it with: make peers-env")
    if done.returncode:
        sys.exit(f"{job['peer']} failed:\n{done.stderr[-2000:]}")
    return dict(json.loads(done.stdout.splitlines()[-1]))


def work(peer: str, task: dict[str, Any], seed: int, folder: str, budget: float | None = None) -> dict[str, Any]:
    """A job of this environment: the torch loop or Headstart."""
    chosen = Task(**{**task, "keep": tuple(task["keep"]) if task["keep"] else None})
    train, test = halves(chosen, seed)
    if peer in PHOTO_PEERS:
        import torch

        from bench.peers.photos import fine_tune

        torch.set_num_threads(n_threads())
        return fine_tune(train, test, chosen.source, seed)
    os.environ["HEADSTART_CACHE"] = str(new_cache(Path(folder)))
    watch = Stopwatch()
    fitted = fit(method_of(peer), train, chosen.source, seed, budget)
    watch.lap("train")
    predicted = fitted.predict_proba(test.items).argmax(axis=1).tolist()
    watch.lap("predict")
    shipped = fitted.report.evaluation.deployed
    return {"predicted": predicted, **watch.seconds, "settings": f"{fitted.report.heads.head}; ships {shipped}"}


def fit(method: str, train: Dataset, source: str, seed: int, budget: float | None = None) -> Fitted:
    """Fit the closed form, with one method above it, or with all of them, without baselines; or as a preset does, with them."""
    import headstart

    pair, common = as_pair(train), dict[str, Any](source=source, seed=seed, progress=None)
    if method == PRESET:
        return headstart.fit(pair, preset=PRESET, budget_s=budget, **common)
    options: dict[str, Any] = {"tune": "none" if method == CLOSED_FORM else method}
    if method == SELECTION:
        options = {"preset": SELECTION, "max_sources": 1}
    return headstart.fit(pair, baselines="none", **common, **options)


def report(results: Results, tasks: list[Task]) -> None:
    """The table: mean over the seeds that are there, and how many times longer than Headstart's usual fit."""
    for task in tasks:
        rows = results.find(task=task.name)
        ours = [row for row in rows if row["peer"] == "headstart"] or [
            row for row in rows if row["peer"] == f"headstart {PRESET}"
        ]
        for peer in dict.fromkeys(row["peer"] for row in rows):
            mine = [row for row in rows if row["peer"] == peer]
            times = ""
            if ours and peer != ours[0]["peer"]:
                times = f"  {mean(mine, 'train_cpu_s') / mean(ours, 'train_cpu_s'):6.1f} × headstart's"
            print(f"{task.name:<20} {len(mine)} seeds  {peer:<24}{shown(mine)}{times}")


def shown(rows: list[Row]) -> str:
    loads = [load for row in rows for load in row["load"]]
    return (
        f"accuracy {mean(rows, 'accuracy'):.3f}  training {mean(rows, 'train_s'):7.1f} s ({mean(rows, 'train_cpu_s'):7.1f} s of "
        f"the processor)  test {mean(rows, 'predict_s'):6.1f} s ({mean(rows, 'predict_cpu_s'):6.1f} s)"
        f"  load {min(loads):.1f} to {max(loads):.1f}  {rows[-1]['settings']}"
    )


def mean(rows: list[Row], name: str) -> float:
    return float(np.mean([np.nan if row.get(name) is None else row[name] for row in rows]))


if __name__ == "__main__":
    main()
