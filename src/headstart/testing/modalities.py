"""What every modality promises: `headstart.data.modalities.Modality`."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.core.errors import DataError
from headstart.data import load, read_items
from headstart.data.groups import join_pairs
from headstart.data.modalities import item_modalities
from headstart.data.packed_sequence import PackedSequence
from headstart.data.schema import guess_schema
from headstart.testing.checks import (
    empty_folder,
    example_of,
    expect,
    expect_equal,
    expect_error,
)
from headstart.testing.modality_values import ModalityChecks

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from headstart.testing.checks import Subject

_FOLDERS = ("kiwi", "plum", "plum")
_SEEDS = (1, 2, 1)  # the third file has the content of the first


def cases(subject: Subject) -> dict[str, ModalityChecks]:
    """The modality itself is the only case."""
    kind = TabularChecks if subject.part().is_tabular else ItemChecks
    return {"": kind(subject.name, subject.part(), subject.example)}


class ItemChecks(ModalityChecks):
    """A modality of which one value is an item, with files of it."""

    def check_has_a_usual_source(self) -> None:
        """A source is named that usually serves well."""
        expect(self.modality.default_source, "Expected the name of a source that usually serves well.")

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
                self._write(root / _FOLDERS[seed % 2] / f"{seed}{self.example.suffix}", seed)
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
            for other in item_modalities():
                if other.name == self.name:
                    continue
                example = example_of("modalities", other.name)
                path = folder / f"a{example.suffix}"
                example.write(path, 0)
                words = f"is {other.one}, but this model takes {self.modality.plural}"
                expect_error(DataError, words, lambda path=path: read_items(path, modality=self.name))  # type: ignore[misc]

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

    @contextmanager
    def values(self) -> Iterator[list[Any]]:
        """The values of three files."""
        with self._files() as paths:
            yield [self.modality.read_file(path) for path in paths]

    def _write(self, path: Path, seed: int) -> None:
        assert self.example.write is not None
        self.example.write(path, seed)

    @contextmanager
    def _files(self) -> Iterator[list[Path]]:
        """Three files in two folders of classes."""
        with empty_folder() as root:
            paths = [root / folder / f"{i}{self.example.suffix}" for i, folder in enumerate(_FOLDERS)]
            for path, seed in zip(paths, _SEEDS, strict=True):
                path.parent.mkdir(exist_ok=True)
                self._write(path, seed)
            yield paths


class TabularChecks(ModalityChecks):
    """A modality of cells of a table."""

    @contextmanager
    def values(self) -> Iterator[list[Any]]:
        """Drawn values."""
        yield self._drawn(0, 1, 0)

    def check_a_table_has_it_beside_others(self) -> None:
        """A table of it and numbers is loaded as rows, packed in columns, and a notice says so."""
        cells = [self.modality.give(value) for value in self._drawn(*range(3)) * 8]
        rows = {"width": [0.5 * i for i in range(24)], "cell": cells, "label": ["kiwi", "plum"] * 12}
        data = load(rows, target="label")
        expect_equal([field.modality for field in data.fields], ["number", self.name], "the modalities of the fields")
        expect_equal(len(data), 24, "the number of rows")
        expect(isinstance(data.items.column("cell"), PackedSequence), "Expected a packed column.")  # type: ignore[attr-defined]
        expect(any("'cell'" in notice.message for notice in data.notices), "Expected a notice on the column.")

    def check_what_is_missing_stays_missing(self) -> None:
        """Null is the missing value, which is blank, hashed and described; it comes back as null."""
        missing = self.modality.receive(None)
        items = self.modality.pack([*self._drawn(0, 1), missing, missing])
        expect_equal(list(self.modality.blanks(items)), [2, 3], "the places of blank values")
        expect_equal(self.modality.give(items[2]), None, "what is given of a missing value")
        keys = self.modality.keys(items)
        expect(keys[2] == keys[3] != keys[0], "Expected one key for all missing values, and another than a value's.")
        described = self.modality.describe(items)
        expect(bool(np.isfinite(described).all()), "Expected a finite description.")
        expect(bool((described[2] != described[0]).any()), "Expected a missing value to be described unlike others.")

    def check_unusual_values_survive(self) -> None:
        """What is given of unusual values is received as the same."""
        for value in self.example.unusual:
            received = self.modality.receive(self.modality.give(value))
            expect_equal(self._keys([received]), self._keys([value]), f"the key of {value!r} when it is received")

    def check_cells_of_another_kind_are_named(self) -> None:
        """A cell that is no single value is wrong, and its place is known."""
        items = [*self._drawn(0), ["a list"], *self._drawn(1)]
        expect_equal(list(self.modality.clean(items, None).wrong), [1], "the places of wrong cells")
        expect_equal(self.modality.misfit(items), 1, "the place of a value that cannot be of this modality")

    @property
    def _graph_type(self) -> str:
        return str(getattr(self.modality, "graph_type"))  # noqa: B009  of `Tabular`

    def _drawn(self, *codes: int) -> list[Any]:
        """A value of each class, the same each time."""
        return [self.example.draw(np.random.default_rng(code), code) for code in codes]
