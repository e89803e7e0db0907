"""Run: one network tuned on some items and evaluated on others; slow, so its results are cached."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch

from headstart.engines.threads import limit_torch, n_threads
from headstart.heads.calibration import fit_calibration
from headstart.storage.files import work_folder
from headstart.storage.result_cache import digest
from headstart.tuning.batch_norms import estimate_statistics
from headstart.tuning.checkpoint import Checkpoint
from headstart.tuning.loop import train
from headstart.tuning.running_loss import Diverged
from headstart.tuning.search import Pruned
from headstart.tuning.soup import mean
from headstart.tuning.trainable_model import TrainableModel
from headstart.tuning.training_set import training_set_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from headstart.core.dataset import FloatArray, IntArray
    from headstart.heads.head import LinearHead
    from headstart.storage.result_cache import Arrays
    from headstart.tuning.frozen_feature_loader import FrozenFeatureLoader
    from headstart.tuning.settings import TuningSettings
    from headstart.tuning.trainable_model import Weights
    from headstart.tuning.tuning_method import TuningMethod
    from headstart.tuning.tuning_problem import TuningProblem

ALPHAS = (0.5, 1.0)  # interpolation between the initial (0) and the tuned weights (1)
_REVISION = 9  # increased when the same settings and seed would give other weights


class Choice(NamedTuple):
    """How long to train (index of the evaluation point) and how far to interpolate (index in `ALPHAS`)."""

    point: int
    alpha: int


@dataclass(frozen=True, kw_only=True)
class Run:
    """The inputs of a run; the same run gives the same bits, interrupted and restarted or not.

    Attributes
    ----------
    train, test : positions among the items of the tuning problem
    on_point : called by `scores` with the number and scores (len(ALPHAS), m, k) of each point; may raise `Pruned`
    """

    tuning_problem: TuningProblem
    method: TuningMethod
    settings: TuningSettings
    train: IntArray
    test: IntArray = field(default_factory=lambda: np.empty(0, np.int64))
    on_point: Callable[[int, FloatArray], None] = lambda _, __: None

    @property
    def identity(self) -> tuple[Any, ...]:
        """Everything the result depends on (the cache key)."""
        source, problem = self.tuning_problem.source, self.tuning_problem.problem
        return (
            *("tuning", _REVISION, source.digest, self.method.name, asdict(self.settings), self.tuning_problem.head),
            *(problem.features[self.train], problem.targets[self.train], problem.groups[self.train], problem.task),
            *(problem.features[self.test], problem.seed, n_threads()),
        )

    def scores(self) -> FloatArray:
        """Raw scores of the held-out items at each point and for each alpha, (N_POINTS, len(ALPHAS), m, k).

        Averaged runs are evaluated at their end only: (1, len(ALPHAS), m, k).

        Raises
        ------
        Diverged
            The loss grew without bound.
        Pruned
            Raised by `on_point`.
        """
        return self._get_or_compute("scores", lambda checkpoint: {"scores": self._computed_scores(checkpoint)})[
            "scores"
        ]

    def weights(self, choice: Choice) -> Arrays:
        """Arrays of the network that differ from the source's (`state NAME`), of the adapter (`adapter NAME`) and of the head."""
        return self._get_or_compute(choice, lambda checkpoint: self._blend(checkpoint, choice))

    def tuned(self) -> Weights:
        """The trained parameters at the end of the run, or the average over several runs."""
        if self.settings.soup_members:
            return mean([replace(self, settings=one).tuned() for one in self.settings.all_settings])
        arrays = self._get_or_compute("tuned", self._trained)
        return {name: torch.from_numpy(array).to(self._model.device) for name, array in arrays.items()}

    def loss(self, weights: Weights) -> float:
        """Mean loss of the held-out items with other weights, calibrated on the same items."""
        self._load(weights)
        scores = self._head().scores(compute(self._model, self._loader, self.test))
        problem = self.tuning_problem.problem
        return fit_calibration(scores, problem.targets[self.test], problem.task_spec).loss

    @cached_property
    def _model(self) -> TrainableModel:
        head, problem = self.tuning_problem.initial_head(self.train), self.tuning_problem.problem
        model = TrainableModel(self.tuning_problem.source, head, problem.features[self.train], problem.task_spec)
        self.method.start(model, self.settings, len(self.train))
        return model

    @cached_property
    def _loader(self) -> FrozenFeatureLoader:
        return self.tuning_problem.loader(self._model, self.settings)

    def _get_or_compute(self, what: Any, compute: Any) -> Arrays:
        """Read from the result cache, or compute, resuming a killed run."""
        key = (*self.identity, what)
        checkpoint = Checkpoint(work_folder("tuning") / f"{digest(key)}.safetensors")
        try:
            arrays = self.tuning_problem.context.cache.get_or_compute(key, lambda: compute(checkpoint))
        except (Diverged, Pruned):
            checkpoint.done()
            raise
        checkpoint.done()
        return arrays

    def _trained(self, checkpoint: Checkpoint) -> Arrays:
        self._train(checkpoint)
        return {name: array.cpu().numpy() for name, array in self._model.weights().items()}

    def _computed_scores(self, checkpoint: Checkpoint) -> FloatArray:
        start = self._model.weights()
        if self.settings.soup_members:
            self._model.load(self.tuned())
            return self._evaluate(1, start)[None]
        return self._train(checkpoint, evaluate=lambda point: self._evaluate(point, start))

    def _train(self, checkpoint: Checkpoint, **settings: Any) -> FloatArray:
        seed, training_set = self.tuning_problem.problem.seed, training_set_of(self.tuning_problem.problem, self.train)
        n_batches = len(self.method.batches(self._loader, training_set, self.settings, seed, 0))
        label = f"{self.method.name} on {len(self.train):,} items"
        with self.tuning_problem.context.progress(label, self.settings.n_steps(n_batches)) as steps:
            return train(
                self._model,
                self._loader,
                training_set,
                self.settings,
                method=self.method,
                seed=seed,
                checkpoint=checkpoint,
                steps=steps,
                **settings,
            )

    def _evaluate(self, point: int, start: Weights) -> FloatArray:
        """Raw scores of the held-out items for each alpha, (len(ALPHAS), m, k)."""
        tuned, scores = self._model.weights(), []
        for alpha in ALPHAS:
            self._load(blended(start, tuned, alpha), is_changed=alpha > 0)
            scores.append(self._head().scores(compute(self._model, self._loader, self.test)))
        self._model.load(tuned)
        self.on_point(point, np.stack(scores))
        return np.stack(scores)

    def _load(self, weights: Weights, *, is_changed: bool = True) -> None:
        """Set weights; what batch norms learned while weights, crops and sizes differed is estimated anew for them."""
        self._model.load(weights)
        if is_changed and self._model.norms:
            estimate_statistics(self._model, self._loader, self.train, self.tuning_problem.problem.seed)

    def _head(self) -> LinearHead:
        if not self.method.refits_head:
            return self._model.head.fitted()
        return self.tuning_problem.refit(compute(self._model, self._loader, self.train), self.train)

    def _blend(self, checkpoint: Checkpoint, choice: Choice) -> Arrays:
        start = self._model.weights()
        if self.settings.soup_members:
            tuned = self.tuned()
        else:
            self._train(checkpoint, n_points=choice.point + 1)
            tuned = self._model.weights()
        self._load(blended(start, tuned, ALPHAS[choice.alpha]), is_changed=ALPHAS[choice.alpha] > 0)
        adapter, head = self.method.finish(self._model), self._model.head.fitted()
        return (
            {f"state {name}": array for name, array in self._model.changed().items()}
            | {f"adapter {name}": array for name, array in adapter.items()}
            | {"coef": head.coef, "intercept": head.intercept}
        )


def compute(model: TrainableModel, loader: FrozenFeatureLoader, index: IntArray) -> FloatArray:
    """Features of the items at `index` by the model with its current weights, shape (m, d)."""
    rows = np.empty((len(index), model.source.dimensions), np.float32)
    row_of = {int(position): row for row, position in enumerate(index)}
    with torch.no_grad(), limit_torch(n_threads()):
        for part in loader.in_order(index):
            rows[[row_of[int(i)] for i in part]] = model.features(*loader.plain(part)).float().cpu().numpy()
    return rows


def blended(start: Weights, tuned: Weights, alpha: float) -> Weights:
    """Interpolate between the start (0) and the tuned weights (1) (Wortsman et al., Robust fine-tuning of zero-shot models, CVPR 2022)."""
    return {name: torch.lerp(start[name], tuned[name], alpha) for name in start}
