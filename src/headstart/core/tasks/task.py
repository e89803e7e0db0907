"""TaskSpec: what is predicted about an item, and everything that follows from it."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from headstart.core import registry
from headstart.core.errors import unknown_name
from headstart.core.tasks.link import Link, apply_link

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch

    from headstart.core.arrays import FloatArray, IntArray
    from headstart.core.metrics import Metric
    from headstart.core.prediction import Prediction

MIN_PROBABILITY = 1e-9


@dataclass(frozen=True)
class TaskSpec(ABC):
    """One kind of prediction: its link, loss, metrics, strata, decision and answer.

    Everywhere, `targets`, `scores` and `outputs` have shape (n, k): targets are indicators or values, scores are what a head
    computes, and outputs are the scores after the link: probabilities or values.

    Attributes
    ----------
    name : its name in datasets, bundles and commands
    gives : what an answer is, in words: 'any number of labels'
    link : how scores become outputs
    metrics : all that apply, in the order of the report
    has_probabilities : whether outputs are probabilities of named labels, rather than values in the target's unit
    is_single_label : whether every item has exactly one of the labels
    is_multi_label : whether an item may have any number of the labels
    output_name : name of the outputs where a model is served
    balanced_metric : the metric for which labels count alike, however frequent they are; '' if there is none
    answer_fields : fields of a `Prediction` that may be set, in order
    """

    name: str
    gives: str
    link: ClassVar[Link]
    metrics: ClassVar[tuple[Metric, ...]]
    has_probabilities: ClassVar[bool] = True
    is_single_label: ClassVar[bool] = False
    is_multi_label: ClassVar[bool] = False
    output_name: ClassVar[str] = "probabilities"
    balanced_metric: ClassVar[str] = ""
    answer_fields: ClassVar[tuple[str, ...]]

    def outputs(self, scores: FloatArray) -> FloatArray:
        """Turn scores into probabilities or values."""
        return apply_link(scores, self.link)

    @abstractmethod
    def loss_terms(
        self, outputs: FloatArray, targets: FloatArray, *, min_probability: float = MIN_PROBABILITY
    ) -> FloatArray:
        """Contribution of each output to its item's loss, shape (n, k): nats, or squared units of the target.

        Parameters
        ----------
        min_probability : probabilities are clipped to at least this, so that no loss is infinite
        """

    def losses(
        self, outputs: FloatArray, targets: FloatArray, *, min_probability: float = MIN_PROBABILITY
    ) -> FloatArray:
        """Loss of each item, shape (n,): log loss in nats, or squared error, summed over the outputs."""
        return np.asarray(self.loss_terms(outputs, targets, min_probability=min_probability).sum(axis=1))

    @abstractmethod
    def torch_losses(
        self, scores: torch.Tensor, targets: torch.Tensor, *, label_smoothing: float = 0.0, is_robust: bool = False
    ) -> torch.Tensor:
        """`losses` of scores, shape (n,), for training.

        Parameters
        ----------
        label_smoothing : share of each target spread over all labels; ignored for values
        is_robust : for values, use Huber's loss: linear for errors above 1, half the squared error below
        """

    @abstractmethod
    def gradient(self, outputs: FloatArray, targets: FloatArray) -> FloatArray:
        """Derivative of `losses` with respect to the scores, shape (n, k)."""

    @abstractmethod
    def curvature(self, outputs: FloatArray, direction: FloatArray) -> FloatArray:
        """Second derivatives of the summed loss along one direction of the scores and in k offsets, shape (1 + k, 1 + k).

        Parameters
        ----------
        direction : shape (n, k); scores move to scores + t * direction + offsets, and the derivatives are in (t, offsets)
        """

    def n_decisions(self, n_outputs: int) -> int:
        """Number of separate decisions made from the outputs of one item."""
        return n_outputs

    @abstractmethod
    def n_right(self, outputs: FloatArray, targets: FloatArray) -> int:
        """Number of correct decisions; 0 if decisions are not simply right or wrong."""

    def regression_targets(self, targets: FloatArray) -> FloatArray:
        """What least squares fits: +1 and -1 for the indicators of a classification."""
        return 2.0 * targets - 1.0

    @abstractmethod
    def headline(self, targets: FloatArray) -> Metric:
        """Choose the metric of the verdict, given the targets; higher is always better."""

    def metric(self, name: str) -> Metric:
        """Find one of the metrics.

        Raises
        ------
        OptionError
            There is no such name; the message gives the nearest.
        """
        known = {metric.name: metric for metric in self.metrics}
        if name not in known:
            raise unknown_name("metric", name, known)
        return known[name]

    def headline_name(self, asked: str) -> str:
        """The name, as the report spells it, of a metric that is asked for as the headline; '' for the task's choice.

        Raises
        ------
        OptionError
            There is no such metric, or less of it is better.

        >>> get_task("binary").headline_name("balanced_accuracy")
        'balanced accuracy'
        """
        if not asked:
            return ""
        able = [metric.name for metric in self.metrics if metric.higher_is_better]
        name = next((name for name in able if _words_of(name) == _words_of(asked)), None)
        if name is None:
            raise unknown_name("metric of which more is better", asked, able)
        return name

    @abstractmethod
    def strata(self, targets: FloatArray) -> IntArray:
        """Stratum of each item by its target, shape (n,), for stratified samples and clusters."""

    def weigh(self, outputs: FloatArray, weights: Sequence[float] | None) -> FloatArray:  # noqa: ARG002
        """Probabilities as if items of each label were `weights` times as frequent, shape (n, k); as they are for None, and values too."""
        return outputs

    def indicators(self, outputs: FloatArray) -> FloatArray:
        """What is decided on, as targets are written, shape (n, k)."""
        return outputs

    @abstractmethod
    def decide(self, outputs: FloatArray, labels: Sequence[str]) -> list[str] | list[tuple[str, ...]] | FloatArray:
        """Decide for each item: a label, several labels, or a value, shape (n,)."""

    @abstractmethod
    def answer(
        self,
        item: str,
        row: FloatArray,
        labels: Sequence[str],
        *,
        top: int = 3,
        weights: Sequence[float] | None = None,
        set_threshold: float | None = None,
    ) -> Prediction:
        """Describe one row of outputs, shape (k,), as a prediction.

        Parameters
        ----------
        item : its name, for people
        top : how many of the most likely labels to include
        weights : how much the probability of each label counts in the decision; None for all the same
        set_threshold : labels with at least this probability, and those at least as probable as the predicted one, are
            in the prediction set; None for no set
        """


def _words_of(name: str) -> frozenset[str]:
    """The words of a metric's name, whatever their order, case and signs between: `f1_macro` is macro-F1."""
    return frozenset(re.split(r"[\s_-]+", name.casefold().replace("²", "2")))


@cache
def get_task(name: str) -> TaskSpec:
    """Find a task by name.

    Raises
    ------
    OptionError
        There is no such name; the message gives the nearest.

    >>> get_task("multiclass").link
    'softmax'
    """
    task: TaskSpec = registry.get("tasks", name)
    return task


def task_names() -> tuple[str, ...]:
    """All task names, sorted.

    >>> task_names()
    ('binary', 'multiclass', 'multilabel', 'regression')
    """
    return registry.names("tasks")
