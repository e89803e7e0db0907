"""What does updating give on real streams that drift, beside a frozen model, a windowed refit, the previous label, and river?

Every record is predicted before its label is known. Labels come in blocks; after each, the windowed refit (scikit-learn's histogram boosting)
learns the last records and `headstart update` gets them; river's learners learn each record at once, from the first one on, and the previous label
is that of the record before, so these have labels sooner. Goal: at least the best of the others - 0.5 points, never below frozen - 0.5.
Needs `make peers-env` for river. Run: .venv/bin/python -m bench.quality.updating [--streams years,health] [--out FILE]
"""

from __future__ import annotations

import json
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bench.options import names, parse, parser_of
from bench.quality.updating_cases import PEERS, STREAMS, TARGET, Stream, as_parquet
from bench.results import Results, Row
from headstart import fit, load_bundle, update
from headstart.core.tasks import get_task
from headstart.updating.opening import create_registry

METHODS = ("frozen", "window", "previous", "arf", "srp", "headstart")
_ORDER = ("no", "yes")


@dataclass(frozen=True)
class Plan:
    """How a stream is run."""

    n_start: int
    n_later: int
    n_blocks: int
    window: int
    challengers: str
    budget_s: float


def main() -> None:
    parser = parser_of(__doc__)
    parser.add_argument("--streams", type=names, default=list(STREAMS))
    parser.add_argument("--methods", type=names, default=list(METHODS))
    parser.add_argument("--orders", type=int, default=1, help="of a stream without times")
    parser.add_argument("--start", type=int, default=600)
    parser.add_argument("--later", type=int, default=2400)
    parser.add_argument("--blocks", type=int, default=4)
    parser.add_argument("--window", type=int, default=1200)
    parser.add_argument("--challengers", default="recalibrate,residual,window,fit")
    parser.add_argument("--budget-s", type=float, default=60.0)
    parser.add_argument("--out", type=Path)
    options = parse(parser, streams=["phishing"] if PEERS.exists() else ["fraud"], methods=["frozen", "window", "previous", "headstart"],
                    orders=2, start=150, later=300, blocks=2, window=200, challengers="recalibrate")  # fmt: skip
    plan = Plan(options.start, options.later, options.blocks, options.window, options.challengers, options.budget_s)
    kept = Results.open(options.out)
    print(f"{'stream':<38}{'metric':<10}" + "".join(f"{one:>16}" for one in options.methods), flush=True)
    for key in options.streams:
        first = STREAMS[key](plan.n_start, plan.n_later)
        table = []
        for order in range(1 if first.has_times else options.orders):
            stream = first.shuffled(order)
            rows = [_kept(kept, stream, method, plan) for method in options.methods]
            table.append([100 * row["score"] for row in rows])
            said = "".join(f"{100 * row['score']:>8.1f} {row['seconds']:>5.0f} s" for row in rows)
            print(f"{stream.name:<38}{stream.metric:<10}{said}", flush=True)
            for row in rows:
                for decision in row.get("decisions", ()):
                    print(f"    {decision}", flush=True)
        if len(table) > 1:
            _say_mean(first.name, np.array(table), options.methods)


def _say_mean(name: str, table: Any, methods: list[str]) -> None:
    """The means over orders, and how far the last method is from each other one, with its standard error."""
    print(f"{name:<38}{'mean of ' + str(len(table)):<10}" + "".join(f"{one:>16.2f}" for one in table.mean(axis=0)))
    for i, method in enumerate(methods[:-1]):
        apart = table[:, -1] - table[:, i]
        print(
            f"    {methods[-1]} - {method}: {apart.mean():+.2f} ± {apart.std(ddof=1) / np.sqrt(len(apart)):.2f}",
            flush=True,
        )


def _kept(kept: Results, stream: Stream, method: str, plan: Plan) -> Row:
    return kept.get_or_compute(lambda: _run(stream, method, plan), stream=stream.name, method=method, plan=str(plan))


def _run(stream: Stream, method: str, plan: Plan) -> Row:
    truth = (stream.later[TARGET] == "yes").to_numpy()
    started = time.process_time()
    with tempfile.TemporaryDirectory() as name:
        found = _predict(stream, method, plan, Path(name))
    seconds = found.pop("seconds", time.process_time() - started)
    score = found.pop("score")
    value = _auc(score, truth) if stream.metric == "AUC" else float(((score > 0.5) == truth).mean())
    return found | {"score": value, "seconds": round(seconds, 1)}


def _predict(stream: Stream, method: str, plan: Plan, folder: Path) -> dict[str, Any]:
    """The probability of 'yes' of each later record, and what else there is to say."""
    if method == "previous":
        whole = pd.concat([stream.start, stream.later])[TARGET].eq("yes").to_numpy(float)
        return {"score": whole[len(stream.start) - 1 : -1]}
    if method in ("arf", "srp"):
        return _river(stream, method, folder)
    blocks = np.array_split(np.arange(len(stream.later)), plan.n_blocks)
    if method == "window":
        start, later = stream.for_others
        return {
            "score": np.concatenate(
                [_boosted(_before(start, later, block, plan), later.iloc[block]) for block in blocks]
            )
        }
    settings: dict[str, Any] = {
        "source": "none",
        "preset": "fast",
        "tune": "none",
        "baselines": "full",
        "progress": None,
    }
    fit(stream.start, target=TARGET, out=folder / "model", **settings)
    if method == "frozen":
        return {"score": _asked(folder / "model", stream.later)}
    create_registry(folder / "registry", folder / "model")
    scores, decisions = [], []
    for block in blocks:
        scores.append(_asked(folder / "registry" / "champion", stream.later.iloc[block]))
        if block[-1] + 1 < len(stream.later):
            recent = _before(stream.start, stream.later, np.array([block[-1] + 1]), plan)
            done = update(
                folder / "registry", recent, target=TARGET, challengers=plan.challengers, budget_s=plan.budget_s
            )
            decisions.append(f"{done.decision}, {done.seconds:.0f} s: {done.sentence}")
    return {"score": np.concatenate(scores), "decisions": decisions}


def _before(start: pd.DataFrame, later: pd.DataFrame, block: Any, plan: Plan) -> pd.DataFrame:
    """The last records whose labels are known when a block begins."""
    return pd.concat([start, later.iloc[: block[0]]]).iloc[-plan.window :].reset_index(drop=True)


def _asked(bundle: Path, rows: pd.DataFrame) -> Any:
    model = load_bundle(bundle.resolve())
    return model.predict_proba(rows.drop(columns=TARGET).reset_index(drop=True))[:, model.labels.index("yes")]


def _boosted(train: pd.DataFrame, test: pd.DataFrame) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier

    both = pd.concat([train, test]).drop(columns=TARGET)
    words = [str(name) for name in both if not pd.api.types.is_numeric_dtype(both[name])]
    both = both.assign(**{name: both[name].astype(str).astype("category").cat.codes for name in words})
    model = HistGradientBoostingClassifier(random_state=0).fit(both.iloc[: len(train)], train[TARGET])
    return model.predict_proba(both.iloc[len(train) :])[:, list(model.classes_).index("yes")]


def _river(stream: Stream, method: str, folder: Path) -> dict[str, Any]:
    frame = as_parquet(pd.concat(stream.for_others), folder / "stream.parquet")
    job = {"peer": method, "frame": str(frame), "target": TARGET, "skip": len(stream.start)}
    done = subprocess.run(
        [PEERS, "-m", "bench.peers.streams"], input=json.dumps(job), check=True, capture_output=True, text=True
    )
    said = json.loads(done.stdout)
    scores = np.array(said["scores"])
    total = np.maximum(scores.sum(axis=1), 1e-9)
    return {"score": scores[:, said["classes"].index("yes")] / total, "seconds": said["seconds"]}


def _auc(score: Any, truth: Any) -> float:
    (metric,) = (one for one in get_task("binary").metrics if one.name == "ROC AUC")
    return float(metric.of(np.column_stack([~truth, truth]).astype(float), np.column_stack([1 - score, score])))


if __name__ == "__main__":
    main()
