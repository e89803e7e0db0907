"""Label desk: answers of a log that wait for a true label, the most useful first, and the labels that they were given."""

from __future__ import annotations

import csv
import io
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.core.errors import BundleError, DataError
from headstart.monitoring.answer_log import log_files, read_log
from headstart.monitoring.label_store import read_label_rows
from headstart.monitoring.model_reference import gives_features, reference_of_bundle
from headstart.monitoring.usefulness import usefulness
from headstart.storage.files import write_file

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from headstart.core.arrays import FloatArray
    from headstart.monitoring.label_store import LabelStore
    from headstart.packaging import Bundle

MAX_POOL = 5_000
_SEPARATOR = ";"


@dataclass(frozen=True, kw_only=True, eq=False)
class LoggedAnswer:
    """An answer that was logged: its key, time (seconds since 1970), outputs (k,), and the item where the log holds it."""

    key: str
    time: float
    outputs: FloatArray
    item: Any = None


class LabelDesk:
    """Joins a log of answers with labels, by key.

    Parameters
    ----------
    log : a folder of prediction logs of this model
    """

    def __init__(self, model: Bundle, log: Path, store: LabelStore) -> None:
        self.model, self.log, self.store = model, log, store

    def waiting(self) -> list[LoggedAnswer]:
        """The last 5,000 answers without a label, the most useful first; records that came twice are one."""
        labelled = self.store.current()
        pool: OrderedDict[str, LoggedAnswer] = OrderedDict()
        for one in self._answers():
            if one.key not in labelled:
                pool[one.key] = one
                if len(pool) > MAX_POOL:
                    pool.popitem(last=False)
        found = list(pool.values())
        if not found:
            return []
        order = np.argsort(-self._usefulness(found), kind="stable")
        return [found[i] for i in order]

    def read(self, label: Any) -> Any:
        """Read what a person gave as a label of this model.

        Raises
        ------
        DataError
            It is none: a number is needed, or one of the labels that the model knows.
        """
        task, rule = self.model.task_spec, self.model.label_rule
        if not task.has_probabilities:
            try:
                value = float(label)
            except (TypeError, ValueError):
                value = float("nan")
            if not np.isfinite(value):
                raise DataError(f"a label of this model is a number, got '{str(label)[:60]}'.")
            return value
        names = {rule.key(name): name for name in self.model.labels}
        given = label if isinstance(label, list) else str(label).split(_SEPARATOR) if task.is_multi_label else [label]
        known = [names.get(rule.key(str(one).strip())) for one in given if str(one).strip()]
        if None in known or (not task.is_multi_label and len(known) != 1):
            raise DataError(f"'{str(label)[:60]}' is no label of this model, which knows {_listed(self.model.labels)}.")
        return known if task.is_multi_label else known[0]

    def take_csv(self, path: Path) -> int:
        """Take the labels of a CSV file, all or none; give their number.

        Raises
        ------
        DataError
            A row is no key and label of this model.
        """
        found = []
        for line, key, label in read_label_rows(path):
            if not key:
                raise DataError(f"'{path}' line {line} has no key.")
            try:
                found.append((key, self.read(label)))
            except DataError as error:
                header = " If it is a header, write key,label." if line == 1 else ""
                raise DataError(
                    f"'{path}' line {line}: {error} Correct the row, or leave its label empty.{header}"
                ) from None
        return self.store.give(found, by=path.name)

    def n_without_answer(self, path: Path) -> int:
        """How many labels of a CSV file belong to no answer that the log holds: it may come yet, or the keys are others."""
        keys = {key for _, key, _ in read_label_rows(path)}
        return len(keys - {one.key for one in self._answers()}) if log_files(self.log) else len(keys)

    def write_next(self, path: Path, n: int) -> int:
        """Write the n most useful answers as a CSV file whose column `label` is to be filled in."""
        rows = [{"key": one.key, "label": "", **self._columns(one)} for one in self.waiting()[:n]]
        _write_csv(path, rows, ["key", "label", "answer"])
        return len(rows)

    def write_labelled(self, path: Path) -> int:
        """Write every answer that has a label, with its item, as a CSV file that can be fitted on or proven with."""
        labels, rows = self.store.current(), {}
        for one in self._answers():
            if one.key in labels:
                label = labels[one.key]
                said = _SEPARATOR.join(label) if isinstance(label, list) else label
                rows[one.key] = {"key": one.key, "label": said, **self._columns(one)}
        _write_csv(path, list(rows.values()), ["key", "label", "answer"])
        return len(rows)

    def answer_words(self, one: LoggedAnswer) -> list[dict[str, Any]]:
        """The labels of an answer with their probabilities, the likeliest first; of a regression its value alone."""
        if not self.model.task_spec.has_probabilities:
            return [{"label": f"{float(one.outputs[0]):.6g}", "probability": None}]
        order = np.argsort(-one.outputs, kind="stable")
        return [{"label": self.model.labels[i], "probability": float(one.outputs[i])} for i in order]

    def _columns(self, one: LoggedAnswer) -> dict[str, Any]:
        answer = self.model.answer("", np.asarray(one.outputs, np.float32), top=1)
        said = answer.label if answer.labels is None else _SEPARATOR.join(answer.labels)
        if said is None:
            said = self.answer_words(one)[0]["label"]
        column = self.model.input_column or "item"
        item = one.item if isinstance(one.item, dict) else {} if one.item is None else {column: one.item}
        mine = {"key", "label", "answer"}
        return {
            "answer": said,
            **{f"{name}_" if name in mine else name: _cell(cell) for name, cell in item.items()},
        }

    def _answers(self) -> Iterator[LoggedAnswer]:
        for records, outputs in read_log(self.log, len(self.model.labels) or 1):
            for record, row in zip(records, outputs, strict=True):
                yield LoggedAnswer(key=record.key, time=record.time or 0.0, outputs=row, item=record.content)

    def _usefulness(self, found: list[LoggedAnswer]) -> FloatArray:
        outputs = np.stack([one.outputs for one in found])
        has_items = all(one.item is not None for one in found)
        items = [one.item for one in found] if has_items else None
        features = self.model.features(items) if items is not None and gives_features(self.model) else None
        try:
            reference = reference_of_bundle(self.model)
        except BundleError:  # of an older version: drift is then no factor
            reference = None
        return usefulness(self.model.task_spec, outputs, features=features, reference=reference, items=items)


def _cell(value: Any) -> Any:
    return f"{len(value):,} bytes" if isinstance(value, bytes) else value


def _listed(names: Any) -> str:
    return ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")


def _write_csv(path: Path, rows: list[dict[str, Any]], first: list[str]) -> None:
    names = list(dict.fromkeys([*first, *(name for row in rows for name in row)]))
    text = io.StringIO()
    writer = csv.DictWriter(text, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_file(path, text.getvalue().encode("utf-8", "replace"))
