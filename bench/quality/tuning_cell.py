"""One task on one split of `bench/quality/tuning.py`: the closed form, each method above it, and the whole selection."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.demos import as_pair
from bench.methods import SELECTION, supported
from bench.quality.evaluate import experiment_of
from bench.tasks import halves
from headstart.data import load
from headstart.engines.threads import n_threads
from headstart.evaluation.tuned_network import Tuned
from headstart.features import embed
from headstart.pipeline.tuning import tuning_problem_of
from headstart.sources import open_source
from headstart.tuning import tune
from headstart.tuning.cross_fitting import cross_fit, refit_on_all
from headstart.tuning.plan import plan
from headstart.tuning.running_loss import Diverged
from headstart.tuning.selection import supported_methods
from headstart.tuning.trial import CLOSED_FORM

if TYPE_CHECKING:
    from bench.results import Row
    from bench.tasks import Task
    from headstart.core.dataset import Dataset, FloatArray
    from headstart.evaluation import Experiment
    from headstart.tuning import TuningProblem, TuningResult
    from headstart.tuning.cross_fitting import CrossFit
    from headstart.tuning.plan import PlannedRun
    from headstart.tuning.tuning_method import TuningMethod


@dataclass(frozen=True)
class Cell:
    """One task on one split; what several rows share is computed once."""

    task: Task
    seed: int
    longest_s: float
    method_names: tuple[str, ...]
    _accuracies: dict[Any, float] = field(default_factory=dict)

    def row(self, title: str) -> Row:
        """What held-out items say of a method, of the selection or of the closed form, and what the test part says."""
        started = time.perf_counter()
        common = {"n": len(self.halves[0]), "n_test": len(self.halves[1]), "threads": n_threads()}
        if title == CLOSED_FORM:
            accuracy = self.accuracy_of_closed_form
            return common | {"seconds": round(time.perf_counter() - started, 1), "accuracy": accuracy}
        (tuning_problem, folds, below), planned = self.prepared, self.planned(title)
        tuning_result = tune(tuning_problem, planned, folds, below=below)
        tried, best = self.described(tuning_result), kept_of(tuning_result)
        accuracy = self.accuracy_of(best) if best else self.accuracy_of_closed_form
        row = common | {
            "seconds": round(sum(one["seconds"] for one in tried), 1),
            "accuracy": accuracy,
            "method": best.method.name if best else CLOSED_FORM,
            "results": tried,
        }
        if title == SELECTION or not planned:
            return row
        if best is None:
            accuracy = self.accuracy_though_not_kept(planned[0].method, tried[-1])
        return row | {"kept": tried[-1]["kept"], "alone": accuracy}

    @cached_property
    def halves(self) -> tuple[Dataset, Dataset]:
        """To train on, and to test on."""
        return halves(self.task, self.seed)

    @cached_property
    def experiment(self) -> Experiment:
        """As `fit` makes it, of a dataset that comes with its test part where the task is a whole demo."""
        source, parts = open_source(self.task.source), [as_pair(half) for half in self.halves]
        if self.task.is_whole:
            splits = np.repeat(["train", "test"], [len(half) for half in self.halves])
            dataset = replace(load(tuple(a + b for a, b in zip(*parts, strict=True))), splits=splits)
        else:
            dataset = load(parts[0])
        return experiment_of(dataset, embed(dataset.items, source).values, source, self.seed)[0]

    @cached_property
    def prepared(self) -> tuple[TuningProblem, list[Any], FloatArray]:
        """What `tune` takes: the problem, the folds of the proof, and what the closed form says of their held-out items."""
        experiment = self.experiment
        folds = list(experiment.plan.folds)
        below = [experiment.adapt(train).head.outputs(experiment.features[test]) for train, test in folds]
        return tuning_problem_of(experiment), folds, np.concatenate(below)

    @cached_property
    def plans(self) -> dict[str, PlannedRun]:
        """Of each method that can be tried, what it starts from and how long it would take."""
        tuning_problem, folds, _ = self.prepared
        named = [name for name in supported(self.task) if name in self.method_names]
        methods = [one for name in named for one in self.methods(name)]
        return {one.name: one for one in plan(tuning_problem, methods, folds, self.experiment.plan.final)}

    def planned(self, title: str) -> list[PlannedRun]:
        """The method of that name, or for the selection all that are worth trying; without those that take too long."""
        names = [one.name for one in self.methods(None)] if title == SELECTION else [title]
        chosen = [self.plans[name] for name in names if name in self.plans]
        return [one for one in chosen if one.seconds <= self.longest_s]

    def methods(self, name: str | None) -> list[TuningMethod]:
        """The method of that name, or all that suit and are worth trying."""
        targets = self.experiment.dataset.targets
        return supported_methods(self.prepared[0].source, self.experiment.dataset.task, *targets.shape, name=name)

    def described(self, tuning_result: TuningResult) -> list[Row]:
        """The methods as the report has them."""
        metric = self.experiment.dataset.task_spec.headline(self.experiment.dataset.targets)
        best, tuned = kept_of(tuning_result), Tuned(results=tuning_result.results, index=tuning_result.index)
        sections = tuned.sections(self.experiment, metric, best.method.name if best else None)
        return [dict(result) for section in sections for result in section.results]

    @cached_property
    def accuracy_of_closed_form(self) -> float:
        """On the test part."""
        source = open_source(self.task.source)
        features = embed(self.halves[1].items, source).values
        return self._accuracy(self.experiment.adapt(self.experiment.plan.final).head.outputs(features))

    def accuracy_though_not_kept(self, method: TuningMethod, tried: Row) -> float:
        """Of the network that the method would have been; of the closed form, where its run diverged."""
        n_seen = tried["metric"]["n"] if tried["metric"] else 0
        if not n_seen:
            return self.accuracy_of_closed_form
        tuning_problem, folds, _ = self.prepared
        return self.accuracy_of(
            cross_fit(
                tuning_problem,
                method,
                folds,
                should_stop=lambda so_far: "futile" if len(so_far.index) >= n_seen else "",
            )
        )

    def accuracy_of(self, cross_fitted: CrossFit) -> float:
        """Of the network tuned on everything as the cross-fit says, on the test part; of the closed form, where that diverges."""
        tuning_problem = self.prepared[0]
        key = cross_fitted.method.name, tuple(cross_fitted.how(tuning_problem.problem).items())
        if key not in self._accuracies:
            try:
                source, head = refit_on_all(
                    tuning_problem, cross_fitted, self.experiment.plan.final, dataset=self.task.name
                )
            except Diverged:
                return self.accuracy_of_closed_form
            features = embed(self.halves[1].items, source, cache=False).values
            self._accuracies[key] = self._accuracy(head.outputs(features))
        return self._accuracies[key]

    def _accuracy(self, outputs: FloatArray) -> float:
        test = self.halves[1]
        aligned = np.zeros(test.targets.shape)
        aligned[:, np.searchsorted(test.labels, self.experiment.dataset.labels)] = outputs
        metric = test.task_spec.metric("balanced accuracy" if self.task.counts_evenly else "accuracy")
        return metric.of(test.targets, aligned)


def kept_of(tuning_result: TuningResult) -> CrossFit | None:
    """The best method, if any was better than the closed form on the held-out items."""
    return tuning_result.best if any(one.kept for one in tuning_result.results[1:]) else None
