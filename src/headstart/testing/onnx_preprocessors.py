"""What every preprocessor in a graph promises: `headstart.sources.onnx_preprocessors`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from headstart.core.errors import OptionError
from headstart.data.modalities import get_modality
from headstart.data.modalities.of_fields import modality_of_fields
from headstart.onnx_graph.builder import GraphBuilder
from headstart.packaging.exports.comparing import open_exported
from headstart.testing.checks import example_of, expect, expect_close, expect_equal

if TYPE_CHECKING:
    from collections.abc import Callable

    from headstart.core.model import Batch
    from headstart.data.modalities.modality import Modality
    from headstart.testing.checks import Subject
    from headstart.testing.examples import PreprocessorExample


def cases(subject: Subject) -> dict[str, OnnxPreprocessorChecks]:
    """The example of the preprocessor of that name is the only case."""
    example = subject.given_example or example_of("preprocessors", subject.name)
    return {"": OnnxPreprocessorChecks(subject.part, example)}


@dataclass(frozen=True)
class OnnxPreprocessorChecks:
    """The nodes of a preprocessor, which is given items that it takes."""

    add_nodes: Callable[..., dict[str, str]]
    example: PreprocessorExample

    def check_graph_prepares_the_same(self) -> None:
        """The graph prepares items as Python does, to the last bit, or what cannot be written is an OptionError."""
        modality = self._modality
        are_files = not modality.is_array
        batch = self.example.preprocessor.transform(self.example.items)
        try:
            graph = self._graph(batch, are_files=are_files)
        except OptionError as refusal:
            expect(str(refusal), "Expected a sentence that says why it cannot be written, got none.")
            return
        session = open_exported(graph.SerializeToString(), has_extensions=len(graph.opset_import) > 1)
        for feeds, same in modality.feeds(self.example.items, are_files=are_files):
            found = dict(zip(batch, session.run(list(_outputs_of(batch)), feeds), strict=True))
            self._compare(found, self.example.preprocessor.transform(same))

    def check_gives_every_array(self) -> None:
        """It gives a value for every array that is prepared in Python, and no other."""
        modality, graph = self._modality, GraphBuilder()
        are_files = not modality.is_array
        declared = modality.declare(graph, are_files=are_files)
        try:
            values = self.add_nodes(graph, self.example.preprocessor, declared, are_files=are_files)
        except OptionError:
            return
        names = sorted(self.example.preprocessor.transform(self.example.items))
        expect_equal(sorted(values), names, "the names of the values")

    @property
    def _modality(self) -> Modality:
        fields = self.example.fields
        return modality_of_fields(fields) if fields else get_modality(self.example.modality)

    def _graph(self, batch: Batch, *, are_files: bool) -> Any:
        graph = GraphBuilder()
        declared = self._modality.declare(graph, are_files=are_files)
        values = self.add_nodes(graph, self.example.preprocessor, declared, are_files=are_files)
        for (name, array), output in zip(batch.items(), _outputs_of(batch), strict=True):
            axes: list[str | int] = [f"{name}.{axis}" for axis in range(array.ndim)]
            graph.output(values[name], output, array.dtype.name, axes)
        return graph.model()

    def _compare(self, found: Batch, expected: Batch) -> None:
        found, expected = self.example.compared(found), self.example.compared(expected)
        for name, array in expected.items():
            expect_close(found[name], array, f"'{name}' in the graph", atol=0.0)


def _outputs_of(batch: Batch) -> tuple[str, ...]:
    """What the outputs of the graph are called: a value and an output may not share a name."""
    return tuple(f"{name}.out" for name in batch)
