"""What every modality promises of its values, whether one alone is an item or they are cells of a table."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.core.errors import DataError, OptionError
from headstart.data.modalities import all_modalities
from headstart.onnx_graph.builder import GraphBuilder
from headstart.packaging.exports.comparing import open_exported
from headstart.sources import find
from headstart.testing.checks import (
    expect,
    expect_equal,
    expect_error,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractContextManager

    from headstart.data.modalities import Modality
    from headstart.testing.examples import ModalityExample

_FOLDERS = ("kiwi", "plum", "plum")
_SEEDS = (1, 2, 1)  # the third file has the content of the first


@dataclass(frozen=True)
class ModalityChecks(ABC):
    """A modality with values of it."""

    name: str
    modality: Modality
    example: ModalityExample

    @abstractmethod
    def values(self) -> AbstractContextManager[list[Any]]:
        """Three values; the third has the content of the first."""

    def check_has_all_its_words(self) -> None:
        """It has a registered name, nouns, names of columns, and code that loads a value."""
        expect_equal(self.modality.name, self.name, "its name")
        for attribute in (
            "singular",
            "plural",
            "file_noun",
            "cell_noun",
            "column_names",
            "python_values",
            "wire_format",
        ):
            expect(getattr(self.modality, attribute), f"Expected its attribute '{attribute}' to say something.")
        compile(self.modality.loading_code, "loading_code", "exec")

    def check_names_and_suffixes_are_no_other_modalitys(self) -> None:
        """No other modality has its suffixes or names of columns."""
        for other in self._others():
            shared = self.modality.suffixes & other.suffixes
            expect(not shared, f"Expected suffixes of its own, got {sorted(shared)} of '{other.name}' too.")
            names = set(self.modality.column_names) & set(other.column_names)
            expect(not names, f"Expected names of columns of its own, got {sorted(names)} of '{other.name}' too.")

    def check_cleaning_keeps_what_is_sound(self) -> None:
        """Sound values are neither wrong nor blank, and stay what they are when they are cleaned and packed."""
        with self.values() as items:
            cleaned = self.modality.clean(items, None)
            expect(not cleaned.wrong, f"Expected sound values, got {dict(cleaned.wrong)}.")
            expect_equal(list(self.modality.blanks(cleaned.items)), [], "the places of blank values")
            expect_equal(self.modality.misfit(items), None, "the place of a value that cannot be of this modality")
            for changed, how in ((cleaned.items, "cleaned"), (self.modality.pack(items), "packed")):
                expect_equal(self._keys(changed), self._keys(items), f"the keys of the values when {how}")

    def check_equal_contents_have_equal_keys(self) -> None:
        """Values of equal content have equal keys of 16 bytes, others have others."""
        with self.values() as items:
            first, other, again = self._keys(items)
            together = self.modality.keys(items)
        expect(first == again, "Expected the same key for the same content in another file, got another.")
        expect(first != other, "Expected another key for another content, got the same.")
        expect_equal(len(first), 16, "the bytes of a key")
        expect_equal(together, [first, other, again], "the keys of the values together")

    def check_batches_are_smaller_for_longer_values(self) -> None:
        """At least one value runs at a time, and of longer ones no more than of its example."""
        short, long = (self.modality.most_together(n) for n in (self.modality.size(self.modality.example), 1 << 30))
        expect(short >= 1, f"Expected 1 or more of its example at a time, got {short}.")
        expect(long <= short, f"Expected no more than {short} of the longest at a time, got {long}.")

    def check_what_is_given_is_received(self) -> None:
        """What `give` makes of a value `receive` turns into the same value; anything else is a DataError."""
        with self.values() as items:
            for item in [self.modality.example, *items]:
                received = self.modality.receive(self.modality.give(item))
                expect_equal(self._keys([received]), self._keys([item]), "the key of the received value")
        expect_error(DataError, f"{self.modality.one} was expected", lambda: self.modality.receive(object()))

    def check_a_received_item_of_reasonable_size_passes(self) -> None:
        """Its own example is not too large to be received."""
        self.modality.check_size(self.modality.receive(self.modality.give(self.modality.example)), max_pixels=10_000)

    def check_a_preview_becomes_an_item_again(self) -> None:
        """What a report shows of a value becomes a value again; what shows none is None."""
        with self.values() as items:
            for item in items:
                shown = self.modality.preview(item)
                again = self.modality.from_preview(shown)
                expect(again is not None, f"Expected a value of the preview {sorted(shown)}, got None.")
                expect_equal(set(self.modality.preview(again)), set(shown), "the fields of its preview")
        expect_equal(self.modality.from_preview({"id": "7"}), None, "the value of a preview without one")

    def check_items_are_made_up_where_there_are_none(self) -> None:
        """Values that are made up are sound."""
        made = self.modality.stand_ins(["kiwi", "plum"])
        expect(made, "Expected values, got none.")
        wrong = self.modality.clean(made, None).wrong
        expect(not wrong, f"Expected sound values, got {dict(wrong)}.")

    def check_fixed_items_are_always_the_same(self) -> None:
        """The fixed test inputs are the same each time, and two are unlike."""
        once, again = (self.modality.fixed_items(self._settings()) for _ in range(2))
        expect_equal(self._keys(once), self._keys(again), "the keys of the fixed items")
        reference, other, _ = self._keys(once)
        expect(reference != other, "Expected two unlike fixed items, got the same twice.")

    def check_the_graph_takes_what_it_is_fed(self) -> None:
        """A graph that declares it takes the values that it is fed, and they are the same inside."""
        with self.values() as items:
            for are_files in (True, False) if self.modality.is_array else (True,):
                self._run_identity(items, are_files=are_files)

    def _run_identity(self, items: Sequence[Any], *, are_files: bool) -> None:
        graph = GraphBuilder()
        axes: list[int | str] = ["batch", "height", "width", 3] if self.modality.is_array else ["batch"]
        declared = self.modality.declare(graph, are_files=are_files)
        graph.output(graph.op("Identity", declared), "same", self._graph_type, axes)
        model = graph.model()
        session = open_exported(model.SerializeToString(), has_extensions=len(model.opset_import) > 1)
        n_fed = 0
        for feeds, same in self.modality.feeds(items, are_files=are_files):
            rows = session.run(None, feeds)[0]
            expected = self._arrays(same) if self.modality.is_array else np.array(same, dtype=rows.dtype)
            expect_equal(rows, expected, "the values inside the graph")
            n_fed += len(same)
        expect_equal(n_fed, len(items), "the number of values that were fed")

    @property
    def _graph_type(self) -> str:
        return "uint8" if self.modality.is_array else "string"

    def _arrays(self, items: Sequence[Any]) -> Any:
        """The values as arrays: those that are files are fed as arrays to a graph that takes no files."""
        fed = [feeds for feeds, _ in self.modality.feeds(items, are_files=False)]
        return np.concatenate([next(iter(feeds.values())) for feeds in fed])

    def _settings(self) -> Any:
        """Settings of the preprocessor of a source that reads it."""
        try:
            return find(self.modality.default_source).input
        except OptionError:  # a plugin's source may be imported later
            return {}

    def _keys(self, items: Sequence[Any]) -> list[bytes]:
        return [self.modality.key(item) for item in items]

    def _others(self) -> list[Modality]:
        return [other for other in all_modalities() if other.name != self.name]
