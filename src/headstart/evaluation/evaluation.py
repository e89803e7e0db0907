"""Evaluation: the models and baselines of one run on the same folds, the quick ones first, so that a proof is there in any time."""

from __future__ import annotations

import math
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

from headstart.core.errors import DataError, OptionError
from headstart.evaluation.baseline import baselines_for
from headstart.evaluation.baseline_runner import BaselineRunner
from headstart.evaluation.mixture import Mixture, mixture_of
from headstart.evaluation.models import JointModel, hold_out, hold_out_within

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from headstart.evaluation.baseline import Cost
    from headstart.evaluation.experiment import Experiment
    from headstart.evaluation.models import FrozenModel, HeldOutModel, Model

_PACKING_S = 5.0  # charts, graph and files
_REFIT_SHARE = 0.6  # of the time of the held-out fits, for the final fits, the learning curve and the ablation


class Evaluation:
    """Context of one evaluation.

    Parameters
    ----------
    frozen : heads on each frozen source, the best first
    others : further models that are quickly fitted, such as those that take from a source of the user's own
    baselines : 'none', 'simple', 'full' or 'all'
    tries_joint : whether the joint model of all blocks is among the models, where it suits

    Attributes
    ----------
    held_out : the models with closed forms and what they say of the held-out items, after `run_closed_forms`
    skipped : notices on baselines that did not fit in the budget, after `finish`

    Raises
    ------
    OptionError
        Unknown choice of baselines.
    """

    def __init__(
        self,
        experiment: Experiment,
        frozen: Sequence[FrozenModel],
        *,
        others: Sequence[Model] = (),
        baselines: Cost = "full",
        tries_joint: bool = True,
    ) -> None:
        self._tries_joint = tries_joint
        self.experiment, self.frozen, self.others = experiment, tuple(frozen), tuple(others)
        modalities = [field.modality for field in experiment.dataset.fields]
        of_values = not experiment.dataset.task_spec.has_probabilities
        self.baselines = baselines_for(modalities, experiment.source, baselines, of_values=of_values)
        if not (self.frozen or self.others or self.baselines):
            raise OptionError(
                "there is no model to fit: no source reads the data, and baselines are 'none'. Write --baselines simple."
            )
        self.held_out: tuple[HeldOutModel, ...] = ()
        self.skipped: list[dict[str, Any]] = []
        self._runner = BaselineRunner(self.baselines, experiment)
        self._seconds = 0.0

    def __enter__(self) -> Self:
        self._runner.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._runner.__exit__(kind, error, trace)

    def run_closed_forms(self) -> None:
        """Hold out what takes seconds: the models with closed forms and the simple baselines; the joint model if there is time.

        Raises
        ------
        DataError
            The headline metric is undefined on the held-out items.
        """
        self._check_defined()
        started = time.perf_counter()
        self.held_out = tuple(hold_out(model, self.experiment) for model in (*self.frozen, *self.others))
        self._runner.run_simple()
        self._seconds = time.perf_counter() - started
        joint, left_s = JointModel(self.experiment), self.experiment.context.clock.left_s
        if self._tries_joint and joint.suits():
            spare_s = math.inf if left_s is None else (left_s - self.reserved_s) / (1 + _REFIT_SHARE)
            found = hold_out_within(joint, self.experiment, spare_s)
            self.held_out += () if found is None else (found,)
            self._seconds = time.perf_counter() - started

    @property
    def reserved_s(self) -> float:
        """About how long everything takes that must still follow: final fits, intervals, packing."""
        return _PACKING_S + _REFIT_SHARE * self._seconds

    def finish(self) -> None:
        """Run the other baselines as far as there is time for them."""
        _, self.skipped = self._runner.finish(reserved_s=self.reserved_s)

    def mixture(self, tuned: HeldOutModel | None = None) -> Mixture:
        """Mix what has been held out so far.

        Parameters
        ----------
        tuned : a tuned model, perhaps asked about the first folds alone: then the others are cut to these
        """
        experiment, held_out, predictions = self.experiment, list(self.held_out), self._runner.predictions()
        if tuned is not None:
            n_folds = _n_folds(experiment, len(tuned.outputs))
            if n_folds < len(experiment.plan.folds):
                experiment = replace(experiment, plan=experiment.plan.first(n_folds))
                held_out = [replace(one, outputs=one.outputs[: len(tuned.outputs)]) for one in held_out]
                predictions = [replace(one, outputs=one.outputs[: len(tuned.outputs)]) for one in predictions]
            held_out.append(tuned)
        return mixture_of(experiment, held_out, self.baselines, predictions)

    def _check_defined(self) -> None:
        """Refuse held-out items on which the headline metric is undefined, before anything is fitted."""
        dataset, plan = self.experiment.dataset, self.experiment.plan
        targets, metric = dataset.targets[plan.test], dataset.headline(dataset.targets[plan.final])
        if not metric.is_defined(targets):
            raise DataError(
                f"{metric.name} is undefined on the {len(targets)} held-out items of '{dataset.name}': their target does "
                "not vary. Hold out items of every class, or use no test part and no --time."
            )


def _n_folds(experiment: Experiment, n_items: int) -> int:
    """How many of the first folds have that many held-out items."""
    n_folds = seen = 0
    while seen < n_items:
        seen += len(experiment.plan.folds[n_folds][1])
        n_folds += 1
    return n_folds
