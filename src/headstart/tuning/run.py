"""Run: one network tuned on some items and asked about others; long, and remembered."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch

from headstart.adaptation.calibration import fit_calibration
from headstart.engines.files import cache_folder
from headstart.engines.journal import digest
from headstart.engines.progress import Progress
from headstart.engines.threads import limit_torch, n_threads
from headstart.tuning.checkpoint import Checkpoint
from headstart.tuning.loop import train
from headstart.tuning.running_loss import Diverged
from headstart.tuning.search import Pruned
from headstart.tuning.soup import mean
from headstart.tuning.trainee import Trainee
from headstart.tuning.training_set import lesson_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from headstart.adaptation.head import LinearHead
    from headstart.core.dataset import FloatArray, IntArray
    from headstart.engines.journal import Arrays
    from headstart.tuning.examples import Examples
    from headstart.tuning.ground import Ground
    from headstart.tuning.settings import Settings
    from headstart.tuning.strategy import Strategy
    from headstart.tuning.trainee import Weights

ALPHAS = (0.5, 1.0)  # how far from the rung below to the tuned network; nought is the rung below itself
_REVISION = 6  # raised when the same settings and seed would give other weights


class Choice(NamedTuple):
    """How long to train, in points, and how far to go: places in `ALPHAS`."""

    point: int
    alpha: int


@dataclass(frozen=True, kw_only=True)
class Run:
    """What a run is made of; the same run gives the same bits, broken off and begun again or not.

    Attributes
    ----------
    learnt, held_out : positions among the items of the ground
    watch : told each point's number and scores (len(ALPHAS), m, k) while `scores` computes; may raise `Pruned`
    """

    ground: Ground
    strategy: Strategy
    settings: Settings
    learnt: IntArray
    held_out: IntArray = field(default_factory=lambda: np.empty(0, np.int64))
    watch: Callable[[int, FloatArray], None] = lambda _, __: None

    @property
    def identity(self) -> tuple[Any, ...]:
        """All that what comes of it hangs on."""
        source, problem = self.ground.source, self.ground.problem
        return (
            *("tuning", _REVISION, source.digest, self.strategy.name, asdict(self.settings), self.ground.head),
            *(problem.features[self.learnt], problem.targets[self.learnt], problem.groups[self.learnt], problem.task),
            *(problem.features[self.held_out], problem.seed, n_threads()),
        )

    def scores(self) -> FloatArray:
        """Raw scores of the held-out items at each point and for each alpha, (N_POINTS, len(ALPHAS), m, k).

        Runs that are averaged are asked at their end alone: (1, len(ALPHAS), m, k).

        Raises
        ------
        Diverged
            The loss grew beyond all bounds.
        Pruned
            By `watch`.
        """
        return self._recall("scores", lambda checkpoint: {"scores": self._asked(checkpoint)})["scores"]

    def weights(self, choice: Choice) -> Arrays:
        """Arrays of the network that differ from the source's, as `state NAME`, of an adapter, and the head's."""
        return self._recall(choice, lambda checkpoint: self._blend(checkpoint, choice))

    def tuned(self) -> Weights:
        """Everything that learns, at the end of the run, or the mean of several."""
        if self.settings.also:
            return mean([replace(self, settings=one).tuned() for one in self.settings.each])
        arrays = self._recall("tuned", self._whole)
        return {name: torch.from_numpy(array).to(self._trainee.device) for name, array in arrays.items()}

    def loss(self, weights: Weights) -> float:
        """Mean loss of the held-out items by other weights, calibrated on themselves."""
        self._trainee.load(weights)
        scores = self._head().scores(compute(self._trainee, self._examples, self.held_out))
        problem = self.ground.problem
        return fit_calibration(scores, problem.targets[self.held_out], problem.task_spec).loss

    @cached_property
    def _trainee(self) -> Trainee:
        head, problem = self.ground.began(self.learnt), self.ground.problem
        trainee = Trainee(self.ground.source, head, problem.features[self.learnt], problem.task_spec)
        self.strategy.start(trainee, self.settings)
        return trainee

    @cached_property
    def _examples(self) -> Examples:
        return self.ground.examples(self._trainee, self.settings)

    def _recall(self, asked: Any, compute: Any) -> Arrays:
        """Look into the journal, or compute from where a run that was killed left off."""
        key = (*self.identity, asked)
        checkpoint = Checkpoint(cache_folder() / "tuning" / f"{digest(key)}.safetensors")
        try:
            arrays = self.ground.journal.recall(key, lambda: compute(checkpoint))
        except (Diverged, Pruned):
            checkpoint.done()
            raise
        checkpoint.done()
        return arrays

    def _whole(self, checkpoint: Checkpoint) -> Arrays:
        self._train(checkpoint)
        return {name: array.cpu().numpy() for name, array in self._trainee.weights().items()}

    def _asked(self, checkpoint: Checkpoint) -> FloatArray:
        start = self._trainee.weights()
        if self.settings.also:
            self._trainee.load(self.tuned())
            return self._look(1, start)[None]
        return self._train(checkpoint, look=lambda point: self._look(point, start))

    def _train(self, checkpoint: Checkpoint, **settings: Any) -> FloatArray:
        seed, lesson = self.ground.problem.seed, lesson_of(self.ground.problem, self.learnt)
        n_batches = len(self.strategy.batches(self._examples, lesson, self.settings, seed, 0))
        label = f"{self.strategy.name} on {len(self.learnt):,} items"
        with Progress(label, self.settings.n_steps(n_batches), self.ground.progress) as steps:
            return train(
                self._trainee,
                self._examples,
                lesson,
                self.settings,
                strategy=self.strategy,
                seed=seed,
                checkpoint=checkpoint,
                steps=steps,
                **settings,
            )

    def _look(self, point: int, start: Weights) -> FloatArray:
        """Raw scores of the held-out items for each alpha, (len(ALPHAS), m, k)."""
        tuned, scores = self._trainee.weights(), []
        for alpha in ALPHAS:
            self._trainee.load(blended(start, tuned, alpha))
            scores.append(self._head().scores(compute(self._trainee, self._examples, self.held_out)))
        self._trainee.load(tuned)
        self.watch(point, np.stack(scores))
        return np.stack(scores)

    def _head(self) -> LinearHead:
        if not self.strategy.refits_head:
            return self._trainee.head.fitted()
        return self.ground.refit(compute(self._trainee, self._examples, self.learnt), self.learnt)

    def _blend(self, checkpoint: Checkpoint, choice: Choice) -> Arrays:
        start = self._trainee.weights()
        if self.settings.also:
            tuned = self.tuned()
        else:
            self._train(checkpoint, n_points=choice.point + 1)
            tuned = self._trainee.weights()
        self._trainee.load(blended(start, tuned, ALPHAS[choice.alpha]))
        adapter, head = self.strategy.finish(self._trainee), self._trainee.head.fitted()
        return (
            {f"state {name}": array for name, array in self._trainee.changed().items()}
            | {f"adapter {name}": array for name, array in adapter.items()}
            | {"matrix": head.matrix, "offset": head.offset}
        )


def compute(trainee: Trainee, examples: Examples, index: IntArray) -> FloatArray:
    """Features of the items at `index` by the trainee as it stands, shape (m, d)."""
    rows = np.empty((len(index), trainee.source.dimensions), np.float32)
    place = {int(position): row for row, position in enumerate(index)}
    with torch.no_grad(), limit_torch(n_threads()):
        for part in examples.in_order(index):
            rows[[place[int(i)] for i in part]] = trainee.features(*examples.plain(part)).float().cpu().numpy()
    return rows


def blended(start: Weights, tuned: Weights, alpha: float) -> Weights:
    """Interpolate: `alpha` of the way from the start (Wortsman et al., Robust fine-tuning of zero-shot models, CVPR 2022)."""
    return {name: torch.lerp(start[name], tuned[name], alpha) for name in start}
