"""How near are the shares of the labels, estimated without labels, to the true ones where these alone changed?

Real tables, three models of 1,000 rows each; a reference of other rows; 1,000 live records each time, drawn by shares that are
planted: from a flat Dirichlet distribution, or two fifths of the records moved to one label. Mean absolute error of the shares in
points, most likely beside black-box, beside the shares of the reference; how often the 95 % intervals held the true share.
Run: .venv/bin/python -m bench.quality.label_shift
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from bench.options import names, parse, parser_of
from bench.tables import load_table
from headstart.core.tasks import get_task
from headstart.monitoring import FalseAlarms, Monitor
from headstart.monitoring.referring import make_reference

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headstart.core.dataset import IntArray

TABLES = ["churn", "employment", "segment", "nursery"]
N_TRAIN = N_LIVE = 1000
MAX_ROWS = 20_000
MODELS = {
    "logistic": lambda: LogisticRegression(max_iter=500),
    "forest": lambda: RandomForestClassifier(100, min_samples_leaf=2, random_state=0),
    "naive Bayes": lambda: GaussianNB(var_smoothing=1e-2),  # far from calibrated
}
ESTIMATES = ("most likely", "black box")


def main() -> None:
    parser = parser_of(__doc__)
    parser.add_argument("--tables", type=names, default=TABLES)
    parser.add_argument("--references", type=int, default=3, help="draws of the model and the reference")
    parser.add_argument("--shifts", type=int, default=8, help="planted with each")
    parser.add_argument("--reference-rows", type=names, default=["1000", "300"])
    options = parse(parser, tables=["churn"], references=1, shifts=2, reference_rows=["300"])
    print("| table | model | reference rows | reference's shares | most likely | black box | intervals held |")
    print("|---|---|---|---|---|---|---|")
    totals: dict[str, list[float]] = defaultdict(list)
    for table in options.tables:
        for model in MODELS:
            for n_reference in map(int, options.reference_rows):
                found: dict[str, list[float]] = defaultdict(list)
                for draw in range(options.references):
                    for name, value in shifted(table, model, n_reference, options.shifts, draw):
                        found[name].append(value)
                        totals[name].append(value)
                print(f"| {table} | {model} | {n_reference} | {_row(found)} |", flush=True)
    print(f"| all | | | {_row(totals)} |")


def shifted(table: str, model: str, n_reference: int, n_shifts: int, draw: int) -> Iterator[tuple[str, float]]:
    """Errors of the estimates, in points, and whether their intervals held, by name."""
    rng = np.random.default_rng(draw)
    fitted, frame, codes = _fitted(table, model, rng)
    k = int(codes.max()) + 1
    n_reference = min(n_reference, len(codes) // 2)
    outputs = fitted.predict_proba(frame)
    known, pool = slice(0, n_reference), slice(n_reference, None)
    targets = np.eye(k)[codes[known]]
    reference = make_reference(
        task=get_task("binary" if k == 2 else "multiclass"),
        labels=[str(i) for i in range(k)],
        fields=(),
        outputs=outputs[known],
        targets=targets,
    )
    reference = replace(reference, statistics=(), members=())  # nothing to raise alarms of
    of_label = [np.flatnonzero(codes[pool] == code) for code in range(k)]
    for i in range(n_shifts):
        planted = rng.dirichlet(np.ones(k)) if i % 2 else 0.6 * targets.mean(axis=0) + 0.4 * np.eye(k)[rng.integers(k)]
        live = rng.choice(k, N_LIVE, p=planted / planted.sum())
        true = np.bincount(live, minlength=k) / N_LIVE
        monitor = Monitor(reference, FalseAlarms.parse("1/1000000"))
        monitor.observe(None, None, outputs[pool][[rng.choice(of_label[code]) for code in live]])
        verdict = monitor.verdict()
        yield "reference's shares", 100 * float(np.abs(reference.shares - true).mean())
        for name, one in zip(ESTIMATES, (verdict.label_shares, verdict.black_box_shares), strict=True):
            values = list(one.values())
            yield name, 100 * float(np.abs([e.value - t for e, t in zip(values, true, strict=True)]).mean())
            held = [e.low <= t <= e.high for e, t in zip(values, true, strict=True)]
            yield f"{name} held", float(np.mean(held))


def _fitted(table: str, model: str, rng: np.random.Generator) -> tuple[Any, pd.DataFrame, IntArray]:
    """A model, and rows that it did not learn from."""
    loaded = load_table(table)
    codes = pd.factorize(loaded.frame[loaded.target], sort=True)[0]
    frame = loaded.frame.drop(columns=loaded.target).select_dtypes(exclude="datetime")
    order = rng.permutation(len(frame))[:MAX_ROWS]
    train, rest = order[:N_TRAIN], order[N_TRAIN:]
    numbers = list(frame.select_dtypes("number").columns)
    others = [column for column in frame.columns if column not in numbers]
    pipeline = make_pipeline(
        make_column_transformer(
            (make_pipeline(SimpleImputer(), StandardScaler()), numbers),
            (OneHotEncoder(handle_unknown="ignore", min_frequency=10, sparse_output=False), others),
        ),
        MODELS[model](),
    )
    return pipeline.fit(frame.iloc[train], codes[train]), frame.iloc[rest], codes[rest]


def _row(found: dict[str, list[float]]) -> str:
    means = {name: float(np.mean(values)) for name, values in found.items()}
    figures = [f"{means[name]:.2f}" for name in ("reference's shares", *ESTIMATES)]
    return " | ".join([*figures, ", ".join(f"{means[f'{name} held']:.2f}" for name in ESTIMATES)])


if __name__ == "__main__":
    main()
