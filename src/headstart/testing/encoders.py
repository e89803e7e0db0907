"""What every plain encoder promises: `headstart.features.encoders.Encoder`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.core.dataset import Field
from headstart.core.model import Preprocessor
from headstart.onnx_graph.builder import GraphBuilder
from headstart.onnx_graph.session import open_session
from headstart.testing.checks import copies, example_of, expect, expect_close, expect_equal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headstart.core.arrays import FloatArray
    from headstart.core.model import ScoringNetwork
    from headstart.features.encoders import FittedEncoder
    from headstart.testing.checks import Subject

_N_TRAIN, _N_ALL, _N_SCORES = 24, 36, 3
_TOLERANCE = 1e-4


def cases(subject: Subject) -> dict[str, EncoderChecks]:
    """Values of its modality are the only case."""
    return {"": EncoderChecks(subject.name, subject.part)}


@dataclass(frozen=True)
class EncoderChecks:
    """An encoder with values of the modality that it reads."""

    name: str
    kind: Any

    def check_has_its_registered_name(self) -> None:
        """It has the name under which it is registered, and its block has it too."""
        expect_equal(self.kind.name, self.name, "its name")
        expect_equal(self._fitted.block.name, self.name, "the name of its block")

    def check_owes_nothing_to_pretraining(self) -> None:
        """Its block is not pretrained, and its preprocessor can be packed."""
        expect(not self._fitted.block.is_pretrained, "Expected a block that is not pretrained, got one that is.")
        expect(isinstance(self._fitted.input, Preprocessor), "Expected a `core.model.Preprocessor` as input, got none.")

    def check_encodes_as_its_block_says(self) -> None:
        """It gives finite features, a row a value and a column of its block each."""
        found = _dense(self._fitted.encode(self._values))
        expect_equal(found.shape, (_N_ALL, self._fitted.block.stop), "the shape of the features")
        expect(np.isfinite(found).all(), "Expected finite features, got others.")

    def check_the_same_values_give_the_same_encoder(self) -> None:
        """Fitted again on the same values, it encodes and prepares the same."""
        again = self._fit(copies(self._values[:_N_TRAIN]))
        expected = _dense(self._fitted.encode(self._values))
        expect_equal(_dense(again.encode(self._values)), expected, "the features of a second fit")
        expect_equal(again.input.settings(), self._fitted.input.settings(), "the settings of a second fit")
        expect_equal(dict(again.input.files()), dict(self._fitted.input.files()), "the files of a second fit")

    def check_learns_from_its_values_alone(self) -> None:
        """It learns only from what it was given: encoding other values changes nothing, and no row depends on another."""
        made = self._fit(self._values[:_N_TRAIN])
        made.encode(self._values[_N_TRAIN:])
        found = np.concatenate([_dense(made.encode([value])) for value in self._values])
        expect_close(found, _dense(self._fitted.encode(self._values)), "the features of values alone", atol=_TOLERANCE)

    def check_scores_are_those_of_the_features(self) -> None:
        """Its network scores values by their features times the coefficients."""
        found = self._network.scores(self._values)
        expect_close(found, self._expected(self._values), "the scores of its network", atol=_TOLERANCE)
        expect_equal(self._network.scores([]).shape, (0, _N_SCORES), "the shape of the scores of no values")

    def check_packed_graph_scores_the_same(self) -> None:
        """Its network, packed in a graph, scores several values at once and each alone as their features say."""
        values = self._values[_N_TRAIN - 4 : _N_TRAIN + 4]
        expected = self._expected(values)
        expect_close(self._packed(values), expected, "the scores of the graph", atol=_TOLERANCE, rtol=_TOLERANCE)
        alone = np.concatenate([self._packed([value]) for value in values])
        expect_close(alone, expected, "the scores of the graph for values alone", atol=_TOLERANCE, rtol=_TOLERANCE)

    def check_unusual_values_are_encoded(self) -> None:
        """Values unlike any that it has seen, empty ones too, get finite features, and the graph agrees."""
        values = self._unusual
        found = _dense(self._fitted.encode(values))
        expect_equal(found.shape, (len(values), self._fitted.block.stop), "the shape of the features")
        expect(np.isfinite(found).all(), "Expected finite features, got others.")
        if values:
            expected = self._expected(values)
            expect_close(self._packed(values), expected, "the scores of the graph", atol=_TOLERANCE, rtol=_TOLERANCE)

    def check_fits_one_value(self) -> None:
        """One value, or only unusual ones, are enough to fit it."""
        for values in (self._values[:1], self._unusual or self._values[:1]):
            made = self._fit(values)
            found = _dense(made.encode(self._values))
            expect_equal(found.shape, (_N_ALL, made.block.stop), "the shape of the features")
            expect(made.block.stop > 0 and np.isfinite(found).all(), "Expected finite features, got others or none.")

    def check_leaves_its_values_alone(self) -> None:
        """Fitting and encoding change no value."""
        before = copies(self._values)
        self._fit(self._values).encode(self._values)
        for found, expected in zip(self._values, before, strict=True):
            expect_equal(found, expected, "a value afterwards")

    @property
    def _example(self) -> Any:
        return example_of("modalities", self.kind.modality)

    @cached_property
    def _fields(self) -> tuple[Field, ...]:
        """Two of each modality, where several fields are read together."""
        modalities = sorted(getattr(self.kind, "modalities", ()))
        return tuple(Field(f"{modality} {i}", modality) for modality in modalities for i in range(2))

    @cached_property
    def _values(self) -> list[Any]:
        rng = np.random.default_rng(0)
        return [self._draw(rng, i % 3) for i in range(_N_ALL)]

    @cached_property
    def _unusual(self) -> list[Any]:
        if not self._fields:
            return list(self._example.unusual)
        examples = {one.name: example_of("modalities", one.modality) for one in self._fields}
        columns = {name: example.unusual for name, example in examples.items()}
        return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=False)]

    def _draw(self, rng: np.random.Generator, code: int) -> Any:
        if not self._fields:
            return self._example.draw(rng, code)
        return {one.name: example_of("modalities", one.modality).draw(rng, code) for one in self._fields}

    @cached_property
    def _fitted(self) -> FittedEncoder:
        return self._fit(self._values[:_N_TRAIN])

    @cached_property
    def _coef(self) -> FloatArray:
        n_columns = self._fitted.block.stop
        return np.random.default_rng(1).normal(size=(n_columns, _N_SCORES)) / np.sqrt(n_columns)

    @property
    def _network(self) -> ScoringNetwork:
        return self._fitted.scoring(self._coef)

    def _fit(self, values: Sequence[Any]) -> FittedEncoder:
        kind = self.kind(fields=self._fields) if self._fields else self.kind()
        fitted: FittedEncoder = kind.fit(values)
        return fitted

    def _expected(self, values: Sequence[Any]) -> FloatArray:
        return np.asarray(_dense(self._fitted.encode(values)) @ self._coef)

    def _packed(self, values: Sequence[Any]) -> FloatArray:
        graph = GraphBuilder()
        graph.output(self._network.encode(graph), "scores", "float32", ["batch", _N_SCORES])
        session = open_session(graph.model().SerializeToString(), threads=1)
        scores: FloatArray = session.run(None, self._network.input.transform(values))[0]
        return scores


def _dense(features: Any) -> FloatArray:
    return np.asarray(features if isinstance(features, np.ndarray) else features.toarray(), np.float64)
