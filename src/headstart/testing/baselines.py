"""What every baseline promises: `headstart.evaluation.baseline.Baseline`."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.core.registry import names
from headstart.core.tasks import get_task, task_names
from headstart.core.tasks.single_label import single_label_task
from headstart.data.modalities import get_modality
from headstart.engines.context import RunContext
from headstart.evaluation.baseline import COSTS, is_installed, reads
from headstart.onnx_graph.builder import GraphBuilder
from headstart.onnx_graph.session import open_session
from headstart.sources.preprocessors import build
from headstart.storage.result_cache import ResultCache
from headstart.testing.checks import (
    copies,
    empty_folder,
    example_of,
    expect,
    expect_close,
    expect_equal,
    source_of,
)
from headstart.testing.small_data import dataset

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from headstart.core.arrays import FloatArray, IntArray
    from headstart.core.dataset import Dataset
    from headstart.core.model import Predictor
    from headstart.core.tasks import TaskSpec
    from headstart.testing.checks import Subject
    from headstart.testing.examples import ModalityExample

_N_TRAIN = 61  # so that the classes are not equally frequent
_AT_LEAST_RIGHT = {"looks at nothing": 0.3, "has random weights": 0.6, "is made for values": 0.8, "learns": 0.9}


def cases(subject: Subject) -> dict[str, TaskChecks | LearningChecks]:
    """For each modality that it reads, one case for each task and one of its own; none where its library is not installed."""
    kind = subject.part
    if not is_installed(kind):
        return {}
    found: dict[str, TaskChecks | LearningChecks] = {}
    for modality in names("examples.modalities"):
        given = Given(subject.name, kind, modality)
        if reads(kind, modality) and not (given.needs_source and get_modality(modality).is_tabular):
            found[modality] = LearningChecks(given)
            found |= {f"{modality} {task}": TaskChecks(given, get_task(task)) for task in task_names()}
    return found


@dataclass(frozen=True)
class Given:
    """A baseline and a modality that it reads."""

    name: str
    kind: Any
    modality: str

    @property
    def needs_source(self) -> bool:
        """Whether it is given the pretrained network that it competes with."""
        return any(field.name == "source" for field in fields(self.kind))

    def data(self, task: TaskSpec) -> Dataset:
        """Items whose content tells their targets."""
        return dataset(task, self.modality, self._example.draw)

    def fit(self, data: Dataset, index: IntArray, *, seed: int = 0, results: Path | None = None) -> Predictor:
        """Fit it on the items at `index`."""
        made = self.kind(source=source_of(self._example.network)) if self.needs_source else self.kind()
        predictor: Predictor = made.fit(data, index, context=RunContext(seed=seed, cache=ResultCache(results)))
        return predictor

    @property
    def _example(self) -> ModalityExample:
        example: ModalityExample = example_of("modalities", self.modality)
        return example


@dataclass(frozen=True)
class TaskChecks:
    """A baseline on items of one modality with targets of one task."""

    given: Given
    task: TaskSpec

    def check_outputs_are_sound(self) -> None:
        """Outputs are finite and of the shape of the targets; probabilities lie between 0 and 1, those of one class an item sum to 1."""
        outputs = self._fitted.predict(self._data.items)
        expect_equal(outputs.shape, self._data.targets.shape, "the shape of the outputs")
        expect(np.isfinite(outputs).all(), "Expected finite outputs, got others.")
        if self.task.has_probabilities:
            low, high = outputs.min(), outputs.max()
            expect(low >= 0 and high <= 1, f"Expected outputs from 0 to 1, got {low:.3g} to {high:.3g}.")
        if self.task.is_single_label:
            expect_close(outputs.sum(axis=1), np.ones(len(outputs)), "the sums of an item's outputs", atol=1e-5)

    def check_packed_graph_predicts_the_same(self) -> None:
        """Its graph predicts what it predicts in Python, several items at once and one alone."""
        items = self._data.items[_N_TRAIN - 5 : _N_TRAIN + 10]
        expected = self._fitted.predict(items)
        for n in (len(items), 1):
            found = run_graph(self._fitted, items[:n])
            expect_close(found, expected[:n], "the outputs of the graph", atol=1e-4, rtol=1e-4)

    @cached_property
    def _data(self) -> Dataset:
        return self.given.data(self.task)

    @cached_property
    def _fitted(self) -> Predictor:
        return self.given.fit(self._data, np.arange(_N_TRAIN))


@dataclass(frozen=True)
class LearningChecks:
    """A baseline on items of one modality in three classes."""

    given: Given

    def check_has_its_registered_name(self) -> None:
        """It has the name under which it is registered, a title, a known cost, and says whether it is a control."""
        expect_equal(self.given.kind.name, self.given.name, "its name")
        expect(self.given.kind.title, "Expected a title for sentences, got none.")
        expect(isinstance(self.given.kind.is_control, bool), "Expected is_control to be True or False, got neither.")
        expect(self.given.kind.cost in COSTS, f"Expected a cost among {COSTS}, got '{self.given.kind.cost}'.")

    def check_learns_what_can_be_separated(self) -> None:
        """It learns classes that can be told apart, unless it looks at nothing or has random weights; fewer if it is made for values."""
        right = self._fitted.predict(self._data.items[_N_TRAIN:]).argmax(axis=1) == self._data.codes[_N_TRAIN:]
        looks_at_nothing = self._fitted.network.input.kind == "nothing"
        what = "looks at nothing" if looks_at_nothing else "has random weights" if self.given.needs_source else "learns"
        if getattr(self.given.kind, "is_for_values", False):
            what = "is made for values"
        expect(
            right.mean() > _AT_LEAST_RIGHT[what],
            f"Expected more than {_AT_LEAST_RIGHT[what]:.0%} right of a baseline that {what}, got {right.mean():.0%}.",
        )

    def check_learns_from_the_index_alone(self) -> None:
        """It learns from the items at `index` alone."""
        index = np.arange(_N_TRAIN)
        part = self.given.fit(self._data.take(index), index)
        expected = self._fitted.predict(self._data.items)
        expect_equal(part.predict(self._data.items), expected, "the outputs of a fit that never had the other items")

    def check_leaves_its_inputs_alone(self) -> None:
        """Fitting and predicting change neither items nor targets."""
        data = self._data
        items, targets = copies(data.items), data.targets.copy()
        self._fitted.predict(data.items)
        expect_equal(data.targets, targets, "the targets afterwards")
        for found, expected in zip(data.items, items, strict=True):
            expect_equal(found, expected, "an item afterwards")

    def check_is_deterministic_and_survives_the_result_cache(self) -> None:
        """The same data and seed give the same predictor, whether it comes from the result cache or not."""
        expected = self.given.fit(self._data, np.arange(50), seed=3).predict(self._data.items)
        with empty_folder() as folder:
            for moment in ("written to", "read from"):
                found = self.given.fit(self._data, np.arange(50), seed=3, results=folder).predict(self._data.items)
                expect_equal(found, expected, f"the outputs of a fit that was {moment} the result cache")

    def check_copes_with_a_class_without_items(self) -> None:
        """A class of which no item is shown gets finite probabilities and is hardly ever the likeliest."""
        outputs = self.given.fit(self._data, np.flatnonzero(self._data.codes != 1)).predict(self._data.items)
        expect(np.isfinite(outputs).all(), "Expected finite outputs, got others.")
        share = float((outputs.argmax(axis=1) == 1).mean())
        expect(share < 0.1, f"Expected the class for less than 10 % of the items, got {share:.0%}.")

    def check_predicts_no_items(self) -> None:
        """No items give an empty array, unless it needs a network to embed them."""
        if not self.given.needs_source:
            expect_equal(self._fitted.predict([]).shape, (0, 3), "the shape of the outputs of no items")

    @cached_property
    def _data(self) -> Dataset:
        return self.given.data(single_label_task(3))

    @cached_property
    def _fitted(self) -> Predictor:
        return self.given.fit(self._data, np.arange(_N_TRAIN))


def run_graph(predictor: Predictor, items: Sequence[Any]) -> FloatArray:
    """Predict as a bundle would, with a preprocessor that was built again from its settings and files."""
    graph = GraphBuilder()
    outputs = predictor.head.extend(graph, predictor.network.encode(graph))
    graph.output(outputs, "outputs", "float32", ["batch", "k"])
    given = predictor.network.input
    travelled = build(given.kind, given.settings(), dict(given.files()))
    session = open_session(graph.model().SerializeToString(), threads=1)
    found: FloatArray = session.run(["outputs"], travelled.transform(items))[0]
    return found
