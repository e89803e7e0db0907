"""Modality: all that has to be known of one kind of value, as one object."""

from __future__ import annotations

import hashlib
import sys
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np

from headstart.core.errors import DataError
from headstart.data.column_names import rank
from headstart.data.modalities.cleaned import Cleaned
from headstart.data.similar_pairs import SimilarPairs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from headstart.core.arrays import FloatArray
    from headstart.core.model import Batch
    from headstart.data.column_packers import ColumnPacker

_KEY_BYTES = 16


@dataclass(frozen=True, kw_only=True)
class Expectations:
    """What a source expects of the values that it reads.

    Attributes
    ----------
    name : of the source
    settings : of its preprocessor, as on its card
    languages : of the texts that it was trained on, ISO 639-1; empty where there are none, or none is known
    is_cut : says of each value whether its end is not seen; None where that takes files that are not at hand
    """

    name: str
    settings: Mapping[str, Any]
    languages: tuple[str, ...] = ()
    is_cut: Callable[[Sequence[Any]], list[bool]] | None = None


class FixedItems(NamedTuple):
    """Values of a fixed content, to run a network on.

    Attributes
    ----------
    reference : the test input behind the fingerprints of cards: it may never change
    other : another value, of another length where there are lengths
    largest : a value that costs as much as any
    """

    reference: Any
    other: Any
    largest: Any


class Modality(ABC):
    """One kind of value. All methods work on one value, or on one column of cells.

    Attributes
    ----------
    name : the word on cards, in manifests and reports, and the name of the entry point
    singular, plural : what one value and several are called in sentences
    file_noun, cell_noun : what its files are called, 'images', and what the cells of a column hold, 'image paths'
    order : modalities are asked in this order whether a column is theirs; the last takes what no other claims
    column_names : usual names of its columns and keys, the commonest first
    suffixes : of its files, small letters with the dot
    media_types : of bodies that are one value: 'text/plain', or 'image/*'
    could_be_label : whether labels and names of columns look like its cells
    is_tabular : whether it is a cell of a table that is read together with the others of its row: a number, a category, a date
    is_time : whether its values are moments, in seconds since 1970
    null_value : what a missing cell is beside other fields that are there; None where a row lacks something then
    also_read_as : the modality of sources that may read its values besides, if any: encoders of texts read the names of categories
    strings_name_files : whether a string is always the path of a file
    is_array : whether a value is an array, so that a graph can take it without reading files or cutting words
    python_values, example : what its values are in Python, 'strings', and one of them for documentation
    default_source : name of the source that usually serves well at a small price
    wire_format : how values come over HTTP: 'images in base64 or as files'
    n_compared : of how many values a sample says how a column differs from what a source expects
    mlflow_type : MLflow's word for the column; 'any' where gaps and several types may be in it
    hub_task : the pipeline tag of classifiers on the Hugging Face Hub
    loading_code : Python that makes what the exported graph is fed, for a model card; `np` is numpy
    """

    name: ClassVar[str]
    singular: ClassVar[str]
    plural: ClassVar[str]
    file_noun: ClassVar[str]
    cell_noun: ClassVar[str]
    order: ClassVar[int] = 50
    column_names: ClassVar[tuple[str, ...]]
    suffixes: ClassVar[frozenset[str]] = frozenset()
    media_types: ClassVar[tuple[str, ...]] = ()
    could_be_label: ClassVar[bool] = False
    is_tabular: ClassVar[bool] = False
    is_time: ClassVar[bool] = False
    null_value: ClassVar[str | float | None] = None
    also_read_as: ClassVar[str | None] = None
    strings_name_files: ClassVar[bool] = False
    is_array: ClassVar[bool] = False
    python_values: str
    default_source: ClassVar[str]
    wire_format: str
    example: Any
    n_compared: ClassVar[int] = 200
    mlflow_type: ClassVar[str]
    hub_task: ClassVar[str]
    loading_code: str

    @property
    def one(self) -> str:
        """The singular with its article: 'an image'."""
        return f"{'an' if self.singular[0] in 'aeiou' else 'a'} {self.singular}"

    # recognise

    @abstractmethod
    def is_value(self, value: Any) -> bool:
        """Whether a single cell, or a value given in Python, is of this modality by its looks."""

    @abstractmethod
    def recognises(self, cells: Sequence[Any], folder: Path | None = None) -> bool:
        """Whether a column is of this modality; `folder` is where relative paths in it start, if files may be looked at."""

    def choose(self, columns: Mapping[str, Sequence[Any]]) -> str:
        """Choose the likeliest input among columns that were recognised: the one with the best known name."""
        return min(columns, key=lambda name: rank(name, self.column_names))

    # read

    def recognises_file(self, path: Path | str) -> bool:  # noqa: ARG002
        """Whether a file whose suffix is no modality's is of this one, by its content."""
        return False

    @abstractmethod
    def read_file(self, path: Path) -> Any:
        """Make a value of a whole file.

        Raises
        ------
        DataError
            It cannot be used; the message begins with the path in quotation marks.
        """

    def read_files(self, root: Path, names: Sequence[str]) -> Cleaned:
        """Read files below a folder; those that cannot be used are wrong."""
        items: list[Any] = []
        wrong: dict[int, str] = {}
        for place, name in enumerate(names):
            try:
                items.append(self.read_file(root / name))
            except DataError as error:
                items.append(None)
                wrong[place] = str(error).removeprefix(f"'{root / name}' ")
        return Cleaned(items=items, wrong=wrong)

    # clean

    @abstractmethod
    def clean(self, cells: Sequence[Any], folder: Path | None) -> Cleaned:
        """Turn the cells of a column into values; relative paths in it start at `folder`."""

    def blanks(self, items: Sequence[Any]) -> list[int]:  # noqa: ARG002
        """Give the places of values that hold nothing to learn from."""
        return []

    def misfit(self, values: Sequence[Any]) -> int | None:  # noqa: ARG002
        """Give the place of the first of some values given in Python that cannot be of this modality; None if all can."""
        return None

    def pack(self, items: Iterable[Any]) -> Sequence[Any]:
        """Keep values in as little memory as may be."""
        return list(items)

    def written_as(self, written: str) -> Modality:  # noqa: ARG002
        """Give the modality of cells that are written so (`Field.written`); most are written in one way alone."""
        return self

    def packer(self) -> ColumnPacker | None:
        """Give what packs the cells of a column as a table is read; None where they stay as they are."""
        return None

    # hash and measure

    @abstractmethod
    def content(self, item: Any) -> bytes:
        """The content of a value that is no array: equal values give equal bytes, wherever they lie.

        Raises
        ------
        DataError
            A file cannot be read; the message names it.
        """

    def key(self, item: Any) -> bytes:
        """Hash the content of a value to 16 bytes; raises what `content` does."""
        if isinstance(item, np.ndarray):
            content = f"{item.dtype} {item.shape}".encode() + np.ascontiguousarray(item).tobytes()
        else:
            content = self.content(item)
        return hashlib.blake2b(content, digest_size=_KEY_BYTES).digest()

    def keys(self, items: Sequence[Any]) -> list[bytes]:
        """Hash the contents of values, as `key` does."""
        return [self.key(item) for item in items]

    def size(self, item: Any) -> int:  # noqa: ARG002
        """Say how long a value is, where that decides its cost; 0 where all cost the same."""
        return 0

    def most_together(self, size: int) -> int:  # noqa: ARG002
        """Say how many values of that size one thread runs at a time fastest, at most."""
        return sys.maxsize

    def similar_pairs(self, items: Sequence[Any]) -> SimilarPairs:
        """Pair values that are nearly the same: here, equal ones, numbers as far as six digits."""
        return SimilarPairs.of_equal([f"{item:.6g}" if isinstance(item, float) else self.key(item) for item in items])

    def is_distinctive(self, item: Any) -> bool:  # noqa: ARG002
        """Whether rows that share such a value are of one origin, whatever else they hold."""
        return False

    def describe(self, items: Sequence[Any]) -> FloatArray:
        """Describe values by a few numbers each, shape (n, d), for clusters of like ones; here only equal ones are alike."""
        return np.array([np.frombuffer(self.key(item), np.int8) for item in items], dtype=float).reshape(len(items), -1)

    @abstractmethod
    def fixed_items(self, settings: Mapping[str, Any]) -> FixedItems:
        """Make the fixed test inputs of a network whose preprocessor has these settings."""

    def differences(self, items: Sequence[Any], expected: Expectations) -> list[str]:  # noqa: ARG002
        """Say in sentences how a sample of values differs from what a source expects; nothing where it does not."""
        return []

    # send and receive

    @abstractmethod
    def receive(self, value: Any) -> Any:
        """Make a value of what came over a wire; never a path, for nobody may name files of this machine.

        Raises `DataError` if it is something else.
        """

    @abstractmethod
    def give(self, item: Any) -> Any:
        """Make what `receive` takes, as a JSON value.

        Raises
        ------
        DataError
            A file cannot be read.
        """

    def wire_schema(self) -> dict[str, Any]:
        """Give the JSON Schema of what `receive` takes."""
        return {"type": "string"}

    def check_size(self, item: Any, *, max_pixels: int) -> None:  # noqa: B027  most have nothing to refuse
        """Raise a `DataError` of a received value that would cost too much to read, before it is read."""

    # show

    @abstractmethod
    def preview(self, item: Any) -> dict[str, Any]:
        """Show a value in a report: `{"thumbnail": data URI}` or `{"text": words}`; of a row `{"fields": [{"name", …}]}`."""

    @abstractmethod
    def from_preview(self, shown: Mapping[str, Any]) -> Any | None:
        """Make a value of a preview again, smaller than it was; None where it does not show one."""

    @abstractmethod
    def stand_ins(self, words: Sequence[str]) -> list[Any]:
        """Make up one or more values where no real one is at hand; `words` may serve as content."""

    # a graph that takes values as they are

    @abstractmethod
    def declare(self, graph: Any, *, are_files: bool, name: str | None = None) -> Any:
        """Declare the values as an input of a graph (`onnx_graph.builder`) and give the value that preprocessors' nodes take.

        `are_files` is False where the graph is to take arrays, which only modalities with `is_array` have. `name` is what the input
        is called, if not as is usual for the modality.
        """

    @abstractmethod
    def feeds(
        self, items: Sequence[Any], *, are_files: bool, name: str | None = None
    ) -> Iterator[tuple[Batch, Sequence[Any]]]:
        """Give what a graph with the input of `declare` is fed, batch by batch, and the same values as a bundle takes them.

        Raises
        ------
        DataError
            A value cannot be read.
        """
