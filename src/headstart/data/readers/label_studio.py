"""Exports of Label Studio: tasks whose data and annotations lie in objects of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headstart.core.dataset import Notice

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_ANNOTATIONS = ("annotations", "completions")  # as they are called, and were


def is_task(record: Mapping[str, Any]) -> bool:
    """Whether a record is a task with its data and annotations, as the export `JSON` has them; `JSON-MIN` is flat already.

    >>> is_task({"data": {"text": "late again"}, "annotations": []}), is_task({"data": "late again"})
    (True, False)
    """
    return isinstance(record.get("data"), dict) and any(isinstance(record.get(name), list) for name in _ANNOTATIONS)


def flat_task(record: Mapping[str, Any]) -> dict[str, Any]:
    """Make one row of a task: its data, and of the first annotation what each control of the interface holds.

    >>> choice = {"from_name": "topic", "type": "choices", "value": {"choices": ["delivery"]}}
    >>> flat_task({"id": 7, "data": {"text": "late again"}, "annotations": [{"result": [choice]}]})
    {'id': 7, 'text': 'late again', 'topic': ['delivery']}
    """
    row = {"id": record["id"]} if "id" in record else {}
    row |= record["data"]
    for result in next(iter(_annotations(record)), {}).get("result") or ():
        if not isinstance(result, dict) or not isinstance(result.get("value"), dict):
            continue
        value = result["value"].get(result.get("type"), result["value"])
        name = str(result.get("from_name") or "label")
        before = row.get(name)
        row[name] = [*before, *value] if isinstance(before, list) and isinstance(value, list) else value
    return row


def flat_tasks(records: Sequence[Mapping[str, Any]]) -> tuple[Sequence[Mapping[str, Any]], tuple[Notice, ...]]:
    """Make rows of tasks, where all records are such, and say what of them was left aside."""
    if not records or not all(map(is_task, records)):
        return records, ()
    n_several = sum(len(_annotations(record)) > 1 for record in records)
    message = "the tasks of Label Studio are read as rows: their data, and the first annotation of each."
    if n_several:
        message += f" {n_several} of {len(records)} have several annotations; the others are left aside."
    return [flat_task(record) for record in records], (Notice(kind="guess", message=message),)


def _annotations(record: Mapping[str, Any]) -> list[dict[str, Any]]:
    found: list[Any] = next((record[name] for name in _ANNOTATIONS if isinstance(record.get(name), list)), [])
    return [one for one in found if isinstance(one, dict) and not one.get("was_cancelled")]
