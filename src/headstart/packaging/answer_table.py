"""AnswerTable: predictions as rows of a file, beside the user's own columns."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

from headstart.core.errors import OptionError
from headstart.core.prediction import Prediction

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from headstart.core.tasks import TaskSpec

SUFFIXES = (".csv", ".jsonl")
ITEM, PREDICTION, PROBABILITY, PREDICTION_SET, ERROR = "item", "prediction", "probability", "prediction_set", "error"
N_TOP = 3
PROBABILITIES = "probabilities"
_SEPARATOR = ";"
_FIELDS = tuple(one.name for one in fields(Prediction))


@dataclass(frozen=True, kw_only=True)
class AnswerTable:
    """Answers and what is written beside them.

    Attributes
    ----------
    answers : n predictions; with `has_probabilities` their `top` holds every label
    labels : of the model, in its order
    top : how many of the likeliest labels to write; None for 3, but for none in a CSV, where the prediction stands alone
    has_probabilities : whether the probability of every label is written
    own : the user's columns, or those of ids alone, each with n cells
    """

    answers: Sequence[Prediction]
    labels: Sequence[str]
    task: TaskSpec
    top: int | None = None
    has_probabilities: bool = False
    own: Mapping[str, Sequence[Any]] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """Our own columns, in their order; those of the user come after the first."""
        answered = self.task.answer_fields
        likeliest = (name for i in range(1, (self.top or 0) + 1) for name in (f"top_{i}", f"top_{i}_probability"))
        return (
            ITEM,
            PREDICTION,
            *(name for name in (PROBABILITY, PREDICTION_SET) if name in answered),
            *likeliest,
            *(f"{PROBABILITY}_{label}" for label in self.labels if self.has_probabilities),
            ERROR,
        )

    def names_in(self, path: Path) -> tuple[str, ...]:
        """Our own names in a file of that suffix: the columns, or the keys of its objects."""
        return self.names if path.suffix.lower() == ".csv" else (*_FIELDS, PROBABILITIES)

    def to_csv(self) -> str:
        """A header, and a row for each item."""
        text = io.StringIO()
        writer = csv.writer(text)
        first, *others = self.names
        writer.writerow([first, *self.own, *others])
        for answer, own in zip(self.answers, self._own_rows(), strict=True):
            row = self._cells(answer)
            writer.writerow([row[first], *own.values(), *(row.get(name, "") for name in others)])
        return text.getvalue()

    def to_lines(self) -> str:
        """JSON Lines, an object for each item."""
        return "".join(json.dumps(record, ensure_ascii=False, default=str) + "\n" for record in self.records())

    def records(self) -> Iterator[dict[str, Any]]:
        """Values for JSON: the user's columns, the fields of a prediction, and `probabilities` by label."""
        for answer, own in zip(self.answers, self._own_rows(), strict=True):
            record = {**own, **answer.to_dict()}
            if "top" in record:
                record["top"] = record["top"][: self.top or N_TOP]
            if self.has_probabilities and answer.top:
                record[PROBABILITIES] = dict(answer.top)
            yield record

    def _own_rows(self) -> Iterator[dict[str, Any]]:
        for i in range(len(self.answers)):
            yield {name: cells[i] for name, cells in self.own.items()}

    def _cells(self, answer: Prediction) -> dict[str, Any]:
        """What stands in each of our columns; the cells of an item that cannot be read are empty but for its name and the reason."""
        predicted = answer.label if answer.labels is None else _SEPARATOR.join(answer.labels)
        likeliest = answer.top[: self.top or 0]
        return {
            ITEM: answer.item,
            PREDICTION: predicted if answer.value is None else answer.value,
            PROBABILITY: answer.probability,
            PREDICTION_SET: _SEPARATOR.join(answer.prediction_set),
            **{f"top_{i}": label for i, (label, _) in enumerate(likeliest, start=1)},
            **{f"top_{i}_probability": probability for i, (_, probability) in enumerate(likeliest, start=1)},
            **{f"{PROBABILITY}_{label}": probability for label, probability in answer.top},
            ERROR: answer.error,
        }


def check_output(path: Path) -> None:
    """Refuse a file that could not be written, before anything is computed.

    Raises
    ------
    OptionError
        The suffix is none of the known ones.
    StorageError
        Nothing can be written there.
    """
    from headstart.storage.files import check_writable

    if path.suffix.lower() not in SUFFIXES:
        raise OptionError(
            f"--out writes .csv or .jsonl, but '{path}' was given. Name a file that ends in one of these."
        )
    check_writable(path)


def write_answers(path: Path, table: AnswerTable) -> None:
    """Write the file, whole or not at all.

    Raises
    ------
    StorageError
        The disk is full or read-only, or permission is denied.
    """
    from headstart.storage.files import write_file

    write_file(path, (table.to_csv() if path.suffix.lower() == ".csv" else table.to_lines()).encode())
