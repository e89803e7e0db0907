"""What every export promises: `headstart.packaging.exports`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

from headstart.core.errors import InternalError
from headstart.core.strict_json import to_json
from headstart.packaging import load_bundle
from headstart.packaging.exports import ExportOptions, comparing
from headstart.testing.checks import empty_folder, expect, expect_equal, lasting_folder
from headstart.testing.small_bundles import make_bundle, make_items

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from headstart.packaging import Bundle
    from headstart.testing.checks import Subject

_FIELDS = ("format", "path", "n_items", "max_difference", "sentence")
_TOLERANCE = 1e-4
_N_ITEMS = 4


def cases(subject: Subject) -> dict[str, ExportChecks]:
    """A small bundle that reads photos is the only case."""
    return {"": ExportChecks(subject.name, subject.part)}


@cache
def _bundle() -> Bundle:
    return load_bundle(make_bundle("convolutions", lasting_folder() / "fruit"))


@dataclass(frozen=True)
class ExportChecks:
    """An export of a small bundle."""

    name: str
    export: Callable[[Bundle, Path, ExportOptions], Mapping[str, Any]]

    def check_writes_what_its_record_says(self) -> None:
        """It writes where it was asked to, and gives a record of it as JSON values, with a sentence that names the place."""
        with empty_folder() as folder:
            record = self._export(folder)
            missing = [name for name in _FIELDS if name not in record]
            expect(not missing, f"Expected the fields {_FIELDS} in the record, got none of {missing}.")
            expect_equal(record["format"], self.name, "the format in the record")
            expect(Path(str(record["path"])).exists(), f"Expected a file or folder at {record['path']}, got nothing.")
            expect(
                str(folder) in record["sentence"], f"Expected the place in the sentence, got '{record['sentence']}'."
            )
            expect(to_json(dict(record)), "Expected a record of JSON values, got another.")

    def check_answers_as_the_bundle(self) -> None:
        """What it writes answers as the bundle does on the items that are given, to 1e-4, if it can be compared at all."""
        with empty_folder() as folder:
            record = self._export(folder)
        difference = record["max_difference"]
        if difference is not None:
            expect_equal(record["n_items"], _N_ITEMS, "the number of items that were compared")
            expect(0 <= difference <= _TOLERANCE, f"Expected a difference of at most {_TOLERANCE}, got {difference}.")

    def check_compares_without_items_too(self) -> None:
        """Without items it is compared on what needs no data, if it can be compared at all."""
        with empty_folder() as folder:
            record = self._export(folder, ExportOptions())
        if record["max_difference"] is not None:
            expect(record["n_items"] >= 1, f"Expected 1 or more items, got {record['n_items']}.")

    def check_leaves_nothing_where_it_answers_otherwise(self) -> None:
        """Where what was to be written answers otherwise, nothing is left of it, if it can be compared at all."""
        with empty_folder() as folder:
            if self._export(folder)["max_difference"] is None:
                return
        with empty_folder() as folder, mock.patch.object(comparing, "TOLERANCE", -1.0):
            try:
                self._export(folder)
            except InternalError:
                left = [path.name for path in folder.rglob("*") if path.is_file()]
                expect(not left, f"Expected an empty folder, got {left}.")
                return
        expect(holds=False, message="Expected an InternalError where the graph answers otherwise, got none.")

    def _export(self, folder: Path, options: ExportOptions | None = None) -> Mapping[str, Any]:
        items = list(make_items("convolutions")[0][:_N_ITEMS])
        return self.export(_bundle(), folder / self.name, options or ExportOptions(items=items))
