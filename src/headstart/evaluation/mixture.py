"""Mixture: the model that ships, a weighted mean of frozen, joint, tuned and plain models, with what it says of held-out items."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from headstart.evaluation.baseline import reads_rows
from headstart.evaluation.baseline_model import BaselineModel, fitted_baseline
from headstart.evaluation.in_context import InContextModel
from headstart.evaluation.mixed import Mixed, mix
from headstart.evaluation.mixing import Mix, mix_held_out
from headstart.evaluation.models import HeldOutModel, sources_of
from headstart.evaluation.tuned_model import TunedModel
from headstart.heads.ridge import moments_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headstart.core.dataset import FloatArray
    from headstart.core.model import Predictor
    from headstart.core.report import BaselineResult
    from headstart.evaluation.baseline import Baseline
    from headstart.evaluation.experiment import Experiment, HeldOutPredictions
    from headstart.evaluation.models import FittedModel
    from headstart.sources import FieldSource, InContextSource, Source


@dataclass(frozen=True, kw_only=True)
class Mixture:
    """The models that were tried, and their mix.

    Attributes
    ----------
    held_out : each model, with its outputs for the held-out items
    baselines, predictions : of the evaluation
    """

    experiment: Experiment
    held_out: tuple[HeldOutModel, ...]
    baselines: Sequence[Baseline]
    predictions: Sequence[HeldOutPredictions]

    @cached_property
    def mix(self) -> Mix:
        """The weights of the models, and the outputs of the mix."""
        return self.mix_of(self.held_out)

    @property
    def outputs(self) -> FloatArray:
        """Of the mix for the held-out items, shape (n_test, k)."""
        return self.mix.outputs

    @property
    def kept(self) -> list[tuple[HeldOutModel, float]]:
        """The models that have a weight, and that weight."""
        return [(one, float(w)) for one, w in zip(self.held_out, self.mix.weights, strict=True) if w > 0]

    def weight_of(self, family: str) -> float:
        """The weight of all models of a family."""
        return sum(weight for one, weight in self.kept if one.model.family == family)

    @property
    def has_transfer(self) -> bool:
        """Whether a model that reads a pretrained block has a weight."""
        return any(one.model.family != "plain" for one, _ in self.kept)

    @property
    def is_in_context(self) -> bool:
        """Whether nothing is pretrained in it but networks that read tables as their contexts."""
        pretrained = [one.model for one, _ in self.kept if one.model.family != "plain"]
        return bool(pretrained) and all(isinstance(one, InContextModel) for one in pretrained)

    @property
    def was_transfer_tried(self) -> bool:
        """Whether any model reads a pretrained block."""
        return any(one.model.family != "plain" for one in self.held_out)

    @property
    def tuned_by(self) -> str | None:
        """Name of the tuning method whose network is part of it, if one is."""
        return next((one.model.method for one, _ in self.kept if isinstance(one.model, TunedModel)), None)

    @property
    def name(self) -> str:
        """The models that have a weight."""
        names = [one.model.name for one, _ in self.kept]
        return names[0] if len(names) == 1 else "mean of " + ", ".join(names[:-1]) + " and " + names[-1]

    @property
    def pretrained(self) -> tuple[Source | FieldSource | InContextSource, ...]:
        """What is pretrained in it; where nothing of that has a weight, what was tried."""
        features = self._mixed.network.sources if self.has_transfer else ()
        in_context = [one.model.source for one, _ in self.kept if isinstance(one.model, InContextModel)]
        return (*features, *in_context) or sources_of(self.experiment.source)

    @cached_property
    def plain(self) -> Mixture | None:
        """The mix of the plain models alone, which is what there is without pretrained parts; None unless it is another mean of several."""
        plain = replace(self, held_out=tuple(one for one in self.held_out if one.model.family == "plain"))
        return plain if self.has_transfer and len(plain.held_out) > 1 and len(plain.kept) > 1 else None

    def mix_of(self, models: Sequence[HeldOutModel]) -> Mix:
        """The mix of some of the models."""
        experiment, test = self.experiment, self.experiment.plan.test
        return mix_held_out(
            [one.outputs for one in models],
            [one.model.family for one in models],
            experiment.dataset.targets[test],
            experiment.groups[test],
            task=experiment.dataset.task_spec,
            seed=experiment.seed,
        )

    def rival(self, results: Sequence[BaselineResult]) -> BaselineResult | None:
        """The best of the baselines and the plain mean that could ship; controls never do."""
        controls = {one.name for one in self.controls(results)}
        return min((one for one in results if one.name not in controls), key=lambda one: one.gain.value, default=None)

    def controls(self, results: Sequence[BaselineResult]) -> list[BaselineResult]:
        """The results of baselines that know nothing."""
        names = {baseline.name for baseline in self.baselines if baseline.is_control}
        return [one for one in results if one.name in names]

    def outputs_of(self, baseline: str) -> FloatArray:
        """Of a baseline, or the plain mean, for the held-out items, shape (n_test, k)."""
        if self.plain is not None and baseline == self.plain.name:
            return self.plain.outputs
        return next(one.outputs for one in self.predictions if one.name == baseline)

    def predictor(self) -> Predictor:
        """The mix, fitted on all items that may be trained on."""
        return self._mixed

    def baseline(self, name: str) -> Predictor:
        """A baseline, or the plain mean, fitted on all items that may be trained on."""
        if self.plain is not None and name == self.plain.name:
            return self.plain.predictor()
        baseline = next(one for one in self.baselines if one.name == name)
        predictions = next(one for one in self.predictions if one.name == name)
        return fitted_baseline(baseline, predictions, self.experiment, self.experiment.plan.final)

    def moments(self) -> dict[str, FloatArray] | None:
        """Of the features of its pretrained networks and of the targets, as arrays by name; None where nothing is pretrained."""
        experiment, final = self.experiment, self.experiment.plan.final
        if not experiment.source.parts:
            return None
        blocks = self.feature_blocks()
        features = np.concatenate([*blocks.values()], axis=1) if blocks else experiment.features[final]
        return moments_of(replace(experiment.problem(final), features=features), "identity").arrays()

    def feature_blocks(self) -> dict[str, FloatArray]:
        """The features of each of its pretrained networks, by its name, of the items that may be trained on, shape (n, d)."""
        experiment, final = self.experiment, self.experiment.plan.final
        trained = [one.model.trained for one, _ in self.kept if isinstance(one.model, TunedModel)]
        tuned = {one.source.digest: one.features for one in trained}
        return {
            source.name: tuned[source.digest]
            if source.digest in tuned
            else experiment.features[final][:, experiment.source.parts[source.name]]
            for source in self._mixed.network.sources
        }

    @cached_property
    def fitted(self) -> list[tuple[FittedModel, float]]:
        """The models that have a weight, fitted on all items that may be trained on, and that weight."""
        final, found = self.experiment.plan.final, []
        with self.experiment.context.progress("fitting what ships", len(self.kept)) as step:
            for one, weight in self.kept:
                found.append((one.model.fit(self.experiment, final), weight))
                step.advance()
        return found

    @cached_property
    def _mixed(self) -> Mixed:
        return mix(self.name, [model.predictor() for model, _ in self.fitted], [weight for _, weight in self.fitted])


def mixture_of(
    experiment: Experiment,
    held_out: Sequence[HeldOutModel],
    baselines: Sequence[Baseline],
    predictions: Sequence[HeldOutPredictions],
) -> Mixture:
    """Add the baselines of tables, and of the others the one of the lowest loss on the held-out items, as far as they may be part of a model, and mix."""
    targets, task = experiment.dataset.targets[experiment.plan.test], experiment.dataset.task_spec
    by_name = {baseline.name: baseline for baseline in baselines if not baseline.is_control}
    able = [one for one in predictions if one.name in by_name] if experiment.head == "auto" else []
    able.sort(key=lambda one: float(task.losses(one.outputs, targets).mean()))
    chosen = [one for one in able if reads_rows(type(by_name[one.name]))]
    chosen += [one for one in able if one not in chosen][:1]
    models = [
        *held_out,
        *(
            HeldOutModel(model=BaselineModel(one, by_name[one.name]), outputs=one.outputs, seconds=one.seconds)
            for one in chosen
        ),
    ]
    return Mixture(
        experiment=experiment, held_out=tuple(models), baselines=tuple(baselines), predictions=tuple(predictions)
    )
