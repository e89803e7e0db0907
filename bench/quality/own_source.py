"""What another labelled table is worth as a source: target at 30 to 1,000 rows against target-only, source-only and pooled.

Six pairs of real tables. The source's model is gradient-boosted trees on up to 10,000 of its rows; ways to take from it read its scores (and, for
`shrunk`, its Moments), never its rows; `pooled` does, and is what sharing them would give. ROC AUC on target rows that nothing learned from.
`offset` is the default of `headstart.heads.offset`, `continued` of `headstart.evaluation.continued_trees`; `mixture, own first` is their mean with
plain models by `headstart.evaluation.mixing`, as a fit ships it; `pooled, weighted` is what `fit --source-data` adds.
Run: .venv/bin/python -m bench.quality.own_source
"""

from __future__ import annotations

import time
import warnings
from collections import defaultdict
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.options import names, parse, parser_of
from bench.quality.own_source_cases import PAIRS, PlainEncoding, codes
from bench.results import Results
from headstart.core.moments import Moments
from headstart.core.paired import PairedDifference
from headstart.core.tasks import get_task
from headstart.evaluation.continued_trees import fit_continued
from headstart.evaluation.mixing import mixing_weights
from headstart.evaluation.pooled_trees import Labeled, fit_pooled
from headstart.heads.offset import PRIOR, fit_offset, fold_numbers
from headstart.heads.shrunk import fit_shrunk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from bench.quality.own_source_cases import Pair
    from bench.results import Row
    from headstart.core.dataset import FloatArray, IntArray

TASK = get_task("binary")
N_SOURCE, N_TEST = 10_000, 5_000
ALL_MAX, MARGIN = 1_000, 0.005
PRIORS = {
    "mixture": (0.125, 0.125, 0.25, 0.25, 0.25),
    "mixture, offset first": (0.85, 0.0, 0.05, 0.05, 0.05),
    "mixture, own first": (0.425, 0.425, 0.05, 0.05, 0.05),
}
"""Of offset, continued, ridge, shrunk and trees: even families; without the continued trees; and as `evaluation.mixing` starts."""
SIMPLE = ("ridge", "trees", "as it is")
"""What needs no method of ours; harm is measured against the better of target-only and source-as-is."""


def main() -> None:
    parser = parser_of(__doc__)
    parser.add_argument("--pairs", type=names, default=list(PAIRS), help=", ".join(PAIRS))
    parser.add_argument("--sizes", type=names, default=["30", "100", "300", "1000"], help="rows of the target")
    parser.add_argument("--draws", type=int, default=2)
    parser.add_argument("--source-rows", type=int, default=N_SOURCE)
    parser.add_argument("--results", type=Path, default=None, help="JSON lines that are kept, and gone on with")
    options = parse(parser, pairs=["credit"], sizes=["30"], draws=1, source_rows=2000)
    results = Results.open(options.results)
    warnings.simplefilter("ignore")
    for name in options.pairs:
        wanted = [(int(size), draw) for size in options.sizes for draw in range(options.draws)]
        if all(results.find(pair=name, size=size, draw=draw) for size, draw in wanted):
            continue
        case = Case.of(PAIRS[name](), options.source_rows)
        for size, draw in wanted:
            results.get_or_compute(partial(case.run, size, draw), pair=name, size=size, draw=draw)
    print("\n".join(tables(results.rows)))


@dataclass(frozen=True)
class Case:
    """A pair in a shared plain encoding, and the scores of the source's model.

    Attributes
    ----------
    x, cells : of the target: for linear models and for trees
    score : of the source's model for the target, logits
    """

    name: str
    x: FloatArray
    cells: FloatArray
    y: IntArray
    score: FloatArray
    moments: Moments
    source_cells: FloatArray
    source_y: IntArray

    @classmethod
    def of(cls, pair: Pair, n_source: int) -> Case:
        """Fit the source's model."""
        rng = np.random.default_rng(0)
        own = np.sort(rng.permutation(len(pair.source))[:n_source])
        kept = rng.permutation(len(pair.target))[: ALL_MAX + N_TEST]
        source, target = pair.source.iloc[own], pair.target.iloc[kept]
        encoding = PlainEncoding.of(source)
        cells, y = codes(source, source), pair.source_y[own]
        signs = TASK.regression_targets(np.eye(2)[y])
        return cls(
            name=pair.name,
            x=encoding.encode(target),
            cells=codes(source, target),
            y=pair.target_y[kept],
            score=boosted(cells, y)(codes(source, target)),
            moments=Moments.of(encoding.encode(source), signs),
            source_cells=cells,
            source_y=y,
        )

    def run(self, size: int, draw: int) -> Row:
        """AUC of everything with `size` rows of the target; None where a class is missing."""
        order = np.random.default_rng([size, draw]).permutation(ALL_MAX)
        train, test = order[:size], np.arange(ALL_MAX, len(self.y))
        if len(np.unique(self.y[train])) < 2:
            return {"auc": None}
        found = dict(self._margins(train, test))
        seconds = {key: round(spent, 2) for key, (_, spent) in found.items()}
        auc = {key: round(_auc(self.y[test], margin), 5) for key, (margin, _) in found.items()}
        loss = {
            key: round(float(np.mean(np.logaddexp(0, np.where(self.y[test] > 0, -margin, margin)))), 5)
            for key, (margin, _) in found.items()
        }
        return {"auc": auc, "loss": loss, "seconds": seconds}

    def _margins(self, train: IntArray, test: IntArray) -> Iterator[tuple[str, tuple[FloatArray, float]]]:
        groups, targets = np.arange(len(train)), np.eye(2)[self.y[train]]
        base = _two(self.score)

        def offset(kinds: Sequence[Any]) -> Any:
            return fit_offset(base[train], self.x[train], targets, groups, task=TASK, kinds=kinds)

        def of(fit: Any) -> FloatArray:
            return _margin(fit.scores(base[test], self.x[test]))

        yield "as it is", (self.score[test], 0.0)
        yield "ridge", _timed(lambda: of(offset(("no transfer",))))
        yield "trees", _timed(lambda: boosted(self.cells[train], self.y[train])(self.cells[test]))
        yield "recalibrated", _timed(lambda: of(offset(("recalibrated",))))
        yield "offset", _timed(lambda: of(offset(tuple(PRIOR))))
        yield "continued", _timed(lambda: _margin(self._continued(train, test)))
        yield "shrunk", _timed(lambda: self._shrunk(train, test))
        started = time.perf_counter()
        mixed = self._mixtures(train, test)
        seconds = time.perf_counter() - started
        yield from ((name, (margin, seconds)) for name, margin in mixed.items())
        yield "pooled", _timed(lambda: self._pooled(train, test))
        yield "pooled, weighted", _timed(lambda: self._pooled_weighted(train, test))

    def _continued(self, rows: IntArray, asked: IntArray) -> FloatArray:
        """Scores of the source, recalibrated, and of trees that go on from it."""
        targets, groups, base = np.eye(2)[self.y[rows]], np.arange(len(rows)), _two(self.score)
        start = fit_offset(base[rows], self.x[rows, :0], targets, groups, task=TASK, kinds=("as it is", "recalibrated"))
        cells = self.cells.astype(np.float32)
        trees = fit_continued(cells[rows], start.held_out, targets, groups, task=TASK)
        return start.scores(base[asked], self.x[asked, :0]) + trees.added(cells[asked])

    def _shrunk(self, train: IntArray, test: IntArray) -> FloatArray:
        targets, groups = np.eye(2)[self.y[train]], np.arange(len(train))
        fit = fit_shrunk(self.x[train], targets, groups, [self.moments], task=TASK)
        return _margin(fit.scores(self.x[test]))

    def _mixtures(self, train: IntArray, test: IntArray) -> dict[str, FloatArray]:
        """Means of all models, weighted by held-out outputs, from each prior; a model of no weight at first is left out."""
        targets, base = np.eye(2)[self.y[train]], _two(self.score)
        folds = fold_numbers(np.arange(len(train)), targets, 1)

        def outputs(rows: IntArray, asked: IntArray) -> list[FloatArray]:
            known, free = np.eye(2)[self.y[rows]], np.arange(len(rows))
            fits = [
                fit_offset(base[rows], self.x[rows], known, free, task=TASK, kinds=kinds)
                for kinds in (tuple(PRIOR), ("no transfer",))
            ]
            shrunk = fit_shrunk(self.x[rows], known, free, [self.moments], task=TASK)
            trees = boosted(self.cells[rows], self.y[rows])(self.cells[asked])
            offset, ridge = (one.scores(base[asked], self.x[asked]) for one in fits)
            continued = self._continued(rows, asked)
            return [TASK.outputs(one) for one in (offset, continued, ridge, shrunk.scores(self.x[asked]), _two(trees))]

        held_out = np.zeros((len(PRIORS["mixture"]), len(train), 2))
        for fold in range(min(len(train), 5)):
            inside = folds % 5 == fold
            held_out[:, inside] = outputs(train[~inside], train[inside])
        final = np.stack(outputs(train, test))
        found = {}
        for name, prior in PRIORS.items():
            able = np.flatnonzero(prior)
            weights = mixing_weights(held_out[able], targets, np.array(prior)[able], TASK)
            mean = np.tensordot(weights, final[able], axes=1)
            found[name] = np.log(np.maximum(mean[:, 1], 1e-9)) - np.log(np.maximum(mean[:, 0], 1e-9))
        return found

    def _pooled(self, train: IntArray, test: IntArray) -> FloatArray:
        cells = np.vstack([_marked(self.source_cells, 0), _marked(self.cells[train], 1)])
        return boosted(cells, np.concatenate([self.source_y, self.y[train]]))(_marked(self.cells[test], 1))

    def _pooled_weighted(self, train: IntArray, test: IntArray) -> FloatArray:
        """As `fit --source-data` does."""
        cells = self.cells.astype(np.float32)
        own = Labeled(rows=cells[train], targets=np.eye(2)[self.y[train]])
        other = Labeled(rows=self.source_cells.astype(np.float32), targets=np.eye(2)[self.source_y])
        return _margin(fit_pooled(own, other, np.arange(len(train)), task=TASK).scores(cells[test]))


def boosted(cells: FloatArray, y: IntArray) -> Callable[[FloatArray], FloatArray]:
    """Histogram-boosted trees; smaller leaves for few rows. Gives logits."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    columns = [i for i, column in enumerate(cells.T) if len(np.unique(column[~np.isnan(column)])) > 1]
    if len(np.unique(y)) < 2 or not columns:
        return lambda asked: np.full(len(asked), 10.0 * (2 * y.mean() - 1))
    model = HistGradientBoostingClassifier(
        max_iter=100,
        learning_rate=0.07,
        min_samples_leaf=int(np.clip(len(y) // 10, 3, 20)),
        early_stopping=len(y) > 5000,
        random_state=0,
    ).fit(cells[:, columns], y)
    return lambda asked: np.asarray(model.decision_function(asked[:, columns]))


def tables(rows: Sequence[Row]) -> Iterator[str]:
    """Means by size, gains with intervals, and how often a way loses to what needs none."""
    done = [row for row in rows if row["auc"]]
    sizes, ways = sorted({row["size"] for row in done}), list(done[0]["auc"])
    yield "| | " + " | ".join(f"{size:,}" for size in sizes) + " | log loss | seconds | loses > 0.5 points |"
    yield "|---|" + "---|" * (len(sizes) + 3)
    for way in ways:
        means = [f"{_mean(row['auc'][way] for row in done if row['size'] == size):.4f}" for size in sizes]
        loss, seconds = (_mean(row[key].get(way, 0.0) for row in done) for key in ("loss", "seconds"))
        lost = _mean(max(row["auc"][one] for one in SIMPLE) - row["auc"][way] > MARGIN for row in done)
        yield f"| {way} | " + " | ".join(means) + f" | {loss:.4f} | {seconds:.1f} | {lost:.1%} |"
    for way in ("offset", "continued", *PRIORS):
        for against in ("ridge", "trees", "as it is", "shrunk", "pooled"):
            gain = _gain(done, way, against)
            yield f"{way} against {against}: {100 * gain.mean:+.2f} points (± {100 * gain.margin:.2f}) over {gain.n_groups} pairs"
    for pair, own in _by(done, "pair").items():
        cells = [f"{way} {_mean(row['auc'][way] for row in own):.3f}" for way in ways]
        yield f"{pair}: " + ", ".join(cells)


def _gain(rows: Sequence[Row], way: str, against: str) -> PairedDifference:
    differences = np.array([row["auc"][way] - row["auc"][against] for row in rows])
    return PairedDifference.of(differences, np.unique([row["pair"] for row in rows], return_inverse=True)[1])


def _by(rows: Sequence[Row], key: str) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        found[row[key]].append(row)
    return found


def _mean(values: Iterator[Any]) -> float:
    return float(np.mean(list(values)))


def _timed(compute: Callable[[], FloatArray]) -> tuple[FloatArray, float]:
    started = time.perf_counter()
    return compute(), time.perf_counter() - started


def _two(margin: FloatArray) -> FloatArray:
    return np.column_stack([-margin / 2, margin / 2])


def _margin(scores: FloatArray) -> FloatArray:
    return np.asarray(scores[:, 1] - scores[:, 0])


def _marked(cells: FloatArray, flag: int) -> FloatArray:
    """Cells with a column that says which table they are of."""
    return np.column_stack([cells, np.full(len(cells), float(flag))])


def _auc(y: IntArray, margin: FloatArray) -> float:
    return float(TASK.metric("ROC AUC").of(np.eye(2)[y], TASK.outputs(_two(margin))))


if __name__ == "__main__":
    main()
