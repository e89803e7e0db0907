"""What every preprocessor promises: `headstart.core.model.Preprocessor`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from headstart.core.errors import SourceError
from headstart.core.model import Preprocessor
from headstart.testing.checks import copies, expect, expect_equal, expect_same_arrays

if TYPE_CHECKING:
    from headstart.testing.checks import Subject
    from headstart.testing.examples import PreprocessorExample


def cases(subject: Subject) -> dict[str, PreprocessorChecks]:
    """The preprocessor of the example is the only case."""
    return {"": PreprocessorChecks(subject.name, subject.part, subject.example)}


@dataclass(frozen=True)
class PreprocessorChecks:
    """A preprocessor with items that it takes."""

    name: str
    kind: Any
    example: PreprocessorExample

    def check_has_its_registered_name(self) -> None:
        """Its kind is the name under which it is registered, and it says which modality it reads."""
        made = self.example.preprocessor
        expect(isinstance(made, Preprocessor), "Expected the methods of `core.model.Preprocessor`, got fewer.")
        expect_equal(made.kind, self.name, "its kind")
        reads = self.kind.modality or self.example.modality
        expect_equal(reads, self.example.modality, "the modality that it reads")

    def check_settings_and_files_make_it_again(self) -> None:
        """Made again from its settings, as JSON, and its files, it prepares the same arrays."""
        made = self.example.preprocessor
        again = self.kind.build(json.loads(json.dumps(made.settings())), dict(made.files()))
        expect_equal(again.kind, made.kind, "its kind when made again")
        found, expected = again.transform(self.example.items), made.transform(self.example.items)
        expect_same_arrays(found, expected, "what it prepares when made again")

    def check_missing_settings_are_named(self) -> None:
        """A setting or a file that is missing is a SourceError."""
        made = self.example.preprocessor
        for given in [*({"settings": name} for name in made.settings()), *({"files": name} for name in made.files())]:
            settings = {name: value for name, value in made.settings().items() if name != given.get("settings")}
            files = {name: content for name, content in made.files().items() if name != given.get("files")}
            try:
                self.kind.build(settings, files)
            except SourceError:
                continue
            except Exception as error:
                what = next(iter(given.values()))
                raise AssertionError(f"Expected a SourceError without '{what}', got {type(error).__name__}.") from error

    def check_an_item_does_not_depend_on_the_others(self) -> None:
        """An item is prepared alone as it is beside others, but for padding."""
        made, items = self.example.preprocessor, self.example.items
        alone = made.transform(items[:1])
        for name, array in made.transform(items).items():
            width = alone[name].shape[1] if alone[name].ndim == 2 else None
            first = array[:1] if width is None else array[:1, :width]
            expect_equal(first, alone[name], f"'{name}' of the first item among others")

    def check_no_items_give_an_empty_batch(self) -> None:
        """No items give arrays without rows."""
        for name, array in self.example.preprocessor.transform([]).items():
            expect_equal(len(array), 0, f"the rows of '{name}'")

    def check_leaves_its_items_alone(self) -> None:
        """Preparing changes no item."""
        items = list(self.example.items)
        before = copies(items)
        self.example.preprocessor.transform(items)
        for found, expected in zip(items, before, strict=True):
            expect_equal(found, expected, "an item afterwards")
