"""What every modality promises: `headstart.data.modalities.Modality`."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.core.errors import DataError, OptionError
from headstart.data import load, read_items
from headstart.data.groups import join_pairs
from headstart.data.modalities import all_modalities
from headstart.data.schema import guess_schema
from headstart.onnx_graph.builder import GraphBuilder
from headstart.packaging.exports.comparing import open_exported
from headstart.sources import find
from headstart.testing.checks import (
    empty_folder,
    example_of,
    expect,
    expect_equal,
    expect_error,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from headstart.data.modalities import Modality
    from headstart.testing.checks import Subject
    from headstart.testing.examples import ModalityExample

_FOLDERS = ("kiwi", "plum", "plum")
_SEEDS = (1, 2, 1)  # the third file has the content of the first


def cases(subject: Subject) -> dict[str, ModalityChecks]:
    """The modality itself is the only case."""
    return {"": ModalityChecks(subject.name, subject.part(), subject.example)}


@dataclass(frozen=True)
class ModalityChecks:
    """A modality with files of it."""

    name: str
    modality: Modality
    example: ModalityExample

    def check_has_all_its_words(self) -> None:
        """It has a registered name, nouns, names of columns, a usual source, and code that loads a value."""
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
        expect(self.modality.default_source, "Expected the name of a source that usually serves well.")
        compile(self.modality.loading_code, "loading_code", "exec")

    def check_names_and_suffixes_are_no_other_modalitys(self) -> None:
        """No other modality has its suffixes or names of columns."""
        for other in self._others():
            shared = self.modality.suffixes & other.suffixes
            expect(not shared, f"Expected suffixes of its own, got {sorted(shared)} of '{other.name}' too.")
            names = set(self.modality.column_names) & set(other.column_names)
            expect(not names, f"Expected names of columns of its own, got {sorted(names)} of '{other.name}' too.")

    def check_recognises_its_own_column_before_others(self) -> None:
        """In a table its own column is taken for the input, and a notice says so."""
        with self._files() as paths:
            column, cells = self.modality.column_names[0], [self.modality.read_file(path) for path in paths] * 4
            sample = {"number": list(range(12)), column: cells, "label": [*_FOLDERS] * 4}
            schema = guess_schema(sample, "the table", None)
        expect_equal(
            (schema.modality, schema.inputs[0].name), (self.name, column), "the modality and the input of the table"
        )
        said = [notice.message for notice in schema.guesses]
        expect(
            any(self.modality.plural in one for one in said), f"Expected a notice on {self.modality.plural}: {said}."
        )

    def check_a_folder_is_loaded(self) -> None:
        """A folder of its files is loaded, with the folders inside as labels."""
        with self._files() as paths:
            root = paths[0].parent.parent
            for seed in range(3, 9):
                self.example.write(root / _FOLDERS[seed % 2] / f"{seed}{self.example.suffix}", seed)
            data = load(root)
        found = data.modality, len(data), data.labels
        expect_equal(found, (self.name, 9, ("kiwi", "plum")), "modality, size and labels of the dataset")

    def check_files_are_read_together_as_alone(self) -> None:
        """Files that are read together give the values that each gives alone."""
        with self._files() as paths:
            root = paths[0].parent.parent
            found = self.modality.read_files(root, [str(path.relative_to(root)) for path in paths])
            expect(not found.wrong, f"Expected three sound files, got {dict(found.wrong)}.")
            alone = [self.modality.read_file(path) for path in paths]
            expect_equal(self._keys(found.items), self._keys(alone), "the keys of the values")

    def check_a_damaged_file_is_named(self) -> None:
        """A damaged file is a DataError whose message begins with its path."""
        with empty_folder() as folder:
            path = folder / f"a{self.example.suffix}"
            path.write_bytes(b"\x00\x01\x02\x00" * 64)
            expect_error(DataError, f"'{path}' ", lambda: self.modality.read_file(path))
            wrong = self.modality.read_files(folder, [path.name]).wrong
            expect_equal(list(wrong), [0], "the places of the damaged files")

    def check_a_named_file_of_another_modality_is_refused(self) -> None:
        """A model of it refuses files of other modalities by their nouns."""
        with empty_folder() as folder:
            for other in self._others():
                example = example_of("modalities", other.name)
                path = folder / f"a{example.suffix}"
                example.write(path, 0)
                words = f"is {other.one}, but this model takes {self.modality.plural}"
                expect_error(DataError, words, lambda path=path: read_items(path, modality=self.name))  # type: ignore[misc]

    def check_cleaning_keeps_what_is_sound(self) -> None:
        """Sound values are neither wrong nor blank, and stay what they are when they are cleaned and packed."""
        with self._files() as paths:
            items = [self.modality.read_file(path) for path in paths]
            cleaned = self.modality.clean(items, None)
            expect(not cleaned.wrong, f"Expected sound values, got {dict(cleaned.wrong)}.")
            expect_equal(list(self.modality.blanks(cleaned.items)), [], "the places of blank values")
            expect_equal(self.modality.misfit(items), None, "the place of a value that cannot be of this modality")
            for changed, how in ((cleaned.items, "cleaned"), (self.modality.pack(items), "packed")):
                expect_equal(self._keys(changed), self._keys(items), f"the keys of the values when {how}")

    def check_equal_contents_have_equal_keys(self) -> None:
        """Values of equal content have equal keys of 16 bytes, others have others."""
        with self._files() as paths:
            first, other, again = self._keys([self.modality.read_file(path) for path in paths])
        expect(first == again, "Expected the same key for the same content in another file, got another.")
        expect(first != other, "Expected another key for another content, got the same.")
        expect_equal(len(first), 16, "the bytes of a key")

    def check_equal_values_are_similar_and_described_alike(self) -> None:
        """A value and its copy are a pair, and the description of values is finite, one row each, the same for copies."""
        with self._files() as paths:
            items = [self.modality.read_file(path) for path in paths]
            groups = join_pairs(len(items), self.modality.similar_pairs(items)).groups
            expect(groups[0] == groups[2], f"Expected equal values in one group, got the groups {groups.tolist()}.")
            described = self.modality.describe(items)
            expect_equal(len(described), len(items), "the rows of the description")
            expect(bool(np.isfinite(described).all()), "Expected a finite description.")
            expect(
                bool(np.allclose(described[0], described[2], atol=1e-6)), "Expected equal values to be described alike."
            )

    def check_batches_are_smaller_for_longer_values(self) -> None:
        """At least one value runs at a time, and of longer ones no more than of its example."""
        short, long = (self.modality.most_together(n) for n in (self.modality.size(self.modality.example), 1 << 30))
        expect(short >= 1, f"Expected 1 or more of its example at a time, got {short}.")
        expect(long <= short, f"Expected no more than {short} of the longest at a time, got {long}.")

    def check_what_is_given_is_received(self) -> None:
        """What `give` makes of a value `receive` turns into the same value; anything else is a DataError."""
        with self._files() as paths:
            for item in [self.modality.example, *(self.modality.read_file(path) for path in paths)]:
                received = self.modality.receive(self.modality.give(item))
                expect_equal(self._keys([received]), self._keys([item]), "the key of the received value")
        expect_error(DataError, f"{self.modality.one} was expected", lambda: self.modality.receive(object()))

    def check_a_received_item_of_reasonable_size_passes(self) -> None:
        """Its own example is not too large to be received."""
        self.modality.check_size(self.modality.receive(self.modality.give(self.modality.example)), max_pixels=10_000)

    def check_a_preview_becomes_an_item_again(self) -> None:
        """What a report shows of a value becomes a value again; what shows none is None."""
        with self._files() as paths:
            for path in paths:
                shown = self.modality.preview(self.modality.read_file(path))
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
        with self._files() as paths:
            items = [self.modality.read_file(path) for path in paths]
            for are_files in (True, False) if self.modality.is_array else (True,):
                self._run_identity(items, are_files=are_files)

    def _run_identity(self, items: Sequence[Any], *, are_files: bool) -> None:
        graph = GraphBuilder()
        axes: list[int | str] = ["batch", "height", "width", 3] if self.modality.is_array else ["batch"]
        declared = self.modality.declare(graph, are_files=are_files)
        graph.output(graph.op("Identity", declared), "same", "uint8" if self.modality.is_array else "string", axes)
        model = graph.model()
        session = open_exported(model.SerializeToString(), has_extensions=len(model.opset_import) > 1)
        n_fed = 0
        for feeds, same in self.modality.feeds(items, are_files=are_files):
            rows = session.run(None, feeds)[0]
            expected = self._arrays(same) if self.modality.is_array else np.array(same, dtype=rows.dtype)
            expect_equal(rows, expected, "the values inside the graph")
            n_fed += len(same)
        expect_equal(n_fed, len(items), "the number of values that were fed")

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

    @contextmanager
    def _files(self) -> Iterator[list[Path]]:
        """Three files in two folders of classes."""
        with empty_folder() as root:
            paths = [root / folder / f"{i}{self.example.suffix}" for i, folder in enumerate(_FOLDERS)]
            for path, seed in zip(paths, _SEEDS, strict=True):
                path.parent.mkdir(exist_ok=True)
                self.example.write(path, seed)
            yield paths
