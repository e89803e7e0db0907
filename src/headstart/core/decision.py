"""DecisionRule: how probabilities become a decision where not every mistake costs the same."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from headstart.core.errors import OptionError, unknown_name
from headstart.core.label_rule import LabelRule

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headstart.core.arrays import FloatArray
    from headstart.core.tasks import TaskSpec

ClassWeights = Mapping[str, float] | Literal["balanced"]
BALANCED = "balanced"
_N_SAID = 6


@dataclass(frozen=True, kw_only=True)
class DecisionRule:
    """How much the probability of each label counts in a decision.

    If missing an item costs the weight of its label, then the label with the largest product of weight and probability has the
    least expected cost. A threshold t on the probability of one of two labels is the weight 1 - t for it and t for the other; of
    labels that may occur together, each has a weight of 1 / t - 1.

    Attributes
    ----------
    weights : one for each label, in their order, above 0

    References
    ----------
    Elkan, The Foundations of Cost-Sensitive Learning, IJCAI 2001.
    """

    weights: tuple[float, ...]

    def thresholds(self, task: TaskSpec) -> tuple[float, ...] | None:
        """The probability from which on each label is predicted; None where it depends on the other labels, of which there are several."""
        if task.is_multi_label:
            return tuple(1 / (1 + weight) for weight in self.weights)
        if len(self.weights) != 2:
            return None
        first, second = self.weights
        return second / (first + second), first / (first + second)

    def sentence(self, task: TaskSpec, labels: Sequence[str]) -> str:
        """Say the rule to people.

        >>> from headstart.core.tasks import get_task
        >>> DecisionRule(weights=(0.3, 0.7)).sentence(get_task("binary"), ["ham", "spam"])
        "'spam' is predicted from a probability of 0.3 on."
        """
        thresholds = self.thresholds(task)
        if thresholds is None:
            said = _listed([f"{label} {weight:.3g}" for label, weight in _by_weight(labels, self.weights)])
            return f"The label with the largest product of weight and probability is predicted; the weights are {said}."
        named = list(zip(labels, thresholds, strict=True))[0 if task.is_multi_label else 1 :]
        if len({threshold for _, threshold in named}) == 1 < len(named):
            return f"A label is predicted from a probability of {thresholds[0]:.3g} on."
        if len(named) == 1:
            return f"'{named[0][0]}' is predicted from a probability of {named[0][1]:.3g} on."
        said = _listed([f"'{label}' from {value:.3g} on" for label, value in _by_weight(labels, thresholds)])
        return f"Each label is predicted from a probability of its own on: {said}."


def _by_weight(labels: Sequence[str], numbers: Sequence[float]) -> list[tuple[str, float]]:
    """Labels with their numbers; the largest first where there are so many that not all are said."""
    pairs = list(zip(labels, numbers, strict=True))
    return pairs if len(pairs) <= _N_SAID else sorted(pairs, key=lambda pair: -pair[1])


def _listed(said: Sequence[str]) -> str:
    """All of them, or the first and the last few."""
    if len(said) <= _N_SAID:
        return ", ".join(said)
    return f"{', '.join(said[:3])}, … {said[-1]} ({len(said)} in all)"


def make_decision_rule(
    task: TaskSpec,
    labels: Sequence[str],
    targets: FloatArray,
    *,
    threshold: float | Mapping[str, float] | None = None,
    class_weights: ClassWeights | None = None,
    label_rule: LabelRule | None = None,
) -> DecisionRule | None:
    """Make the rule that the user asked for; None where nothing was asked.

    Parameters
    ----------
    targets : indicators, shape (n, k), from which balanced weights follow
    threshold : of two labels that of the second or of the named one; of labels that may occur together that of all or of the named
    class_weights : by label, 1 for those left out; 'balanced' for the inverse of each label's frequency
    label_rule : by which labels are found, however they are written

    Raises
    ------
    OptionError
        Both are given, a label is unknown, a number is out of range, or the task has no such decisions.
    """
    if threshold is None and class_weights is None:
        return None
    threshold, class_weights = (
        _named(given, labels, label_rule or LabelRule()) for given in (threshold, class_weights)
    )
    if not task.has_probabilities:
        raise OptionError("a threshold or class weights are for labels, but a number is predicted. Leave them out.")
    if threshold is not None and class_weights is not None:
        raise OptionError(
            "a threshold and class weights were given, and each of them decides alone. Leave one of them out."
        )
    if isinstance(threshold, str):
        raise OptionError(
            f"a threshold is a number between 0 and 1, such as 0.2, or one for each label, got {threshold!r}. Correct it."
        )
    if threshold is not None:
        return DecisionRule(weights=_from_threshold(task, labels, threshold))
    if class_weights == BALANCED:
        return DecisionRule(weights=_balanced(task, targets))
    if not isinstance(class_weights, Mapping):
        raise OptionError(f"class weights are 'balanced' or a number for each label, got {class_weights!r}.")
    return DecisionRule(weights=_by_label(class_weights, labels, 1.0, "class weight", math.inf))


def _named(given: Any, labels: Sequence[str], rule: LabelRule) -> Any:
    """What is given by label, by the labels' own names."""
    if not isinstance(given, Mapping):
        return given
    known = {rule.key(label): label for label in labels}
    return {known.get(rule.key(str(label)), str(label)): value for label, value in given.items()}


def _from_threshold(task: TaskSpec, labels: Sequence[str], threshold: float | Mapping[str, float]) -> tuple[float, ...]:
    if task.is_multi_label:
        given = threshold if isinstance(threshold, Mapping) else dict.fromkeys(labels, threshold)
        return tuple(1 / value - 1 for value in _by_label(given, labels, 0.5, "threshold", 1.0))
    if len(labels) != 2:
        raise OptionError(
            f"a threshold is for two labels, and there are {len(labels)}. Say what each of them counts with class weights."
        )
    given = threshold if isinstance(threshold, Mapping) else {labels[1]: threshold}
    if len(given) != 1:
        raise OptionError(f"one threshold decides between '{labels[0]}' and '{labels[1]}', got {len(given)}. Give one.")
    values = dict(zip(labels, _by_label(given, labels, 0.5, "threshold", 1.0), strict=True))
    named = str(next(iter(given)))
    return tuple(1 - values[named] if label == named else values[named] for label in labels)


def _balanced(task: TaskSpec, targets: FloatArray) -> tuple[float, ...]:
    """The inverse of each label's frequency: relative to the mean where there is one label an item, else its odds against."""
    counts = np.maximum(targets.sum(axis=0), 1.0)
    n, k = targets.shape
    weights = np.maximum(n - counts, 1.0) / counts if task.is_multi_label else n / (k * counts)
    return tuple(map(float, weights))


def _by_label(
    given: Mapping[Any, float], labels: Sequence[str], default: float, noun: str, below: float
) -> tuple[float, ...]:
    """The number of each label, in their order."""
    named = {str(label): value for label, value in given.items()}
    for label, value in named.items():
        if label not in labels:
            raise unknown_name("label", label, labels)
        if not isinstance(value, int | float) or not 0 < value < below:
            expected = "above 0" if math.isinf(below) else f"between 0 and {below:g}"
            raise OptionError(f"the {noun} of '{label}' must be {expected}, got {value!r}.")
    return tuple(float(named.get(label, default)) for label in labels)
