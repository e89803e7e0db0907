"""What Label Studio exports, nested or flat."""

from __future__ import annotations

import json
from typing import Any

import pytest

from headstart.data import load

TOPICS = ("delivery", "billing")


def task(number: int, *chosen: str, n_annotations: int = 1) -> dict[str, Any]:
    result = {"from_name": "topic", "to_name": "text", "type": "choices", "value": {"choices": [*chosen]}}
    annotations = [{"id": number, "was_cancelled": False, "result": [result]}] * n_annotations
    return {"id": number, "data": {"text": f"message number {number}"}, "annotations": annotations, "predictions": []}


@pytest.fixture(params=["list", "lines", "in memory"])
def data(request, tmp_path):
    def given(tasks: list[dict[str, Any]]) -> Any:
        if request.param == "in memory":
            return tasks
        lines = [json.dumps(one) for one in tasks]
        path = tmp_path / ("tasks.json" if request.param == "list" else "tasks.jsonl")
        path.write_text(f"[{','.join(lines)}]" if request.param == "list" else "\n".join(lines))
        return path

    return given


def test_one_choice_a_task(data):
    dataset = load(data([task(i, TOPICS[i % 2]) for i in range(20)]))
    assert (dataset.task, dataset.labels, dataset.items[3]) == ("binary", ("billing", "delivery"), "message number 3")
    assert dataset.columns == {"input": "text", "target": "topic"}


def test_several_choices_a_task(data):
    dataset = load(data([task(i, *TOPICS[: 1 + i % 2]) for i in range(19)] + [task(19, TOPICS[1])]))
    assert (dataset.task, dataset.labels) == ("multilabel", ("billing", "delivery"))


def test_tasks_that_nobody_annotated_have_no_label(data):
    cancelled = {
        **task(21, "billing"),
        "annotations": [{"was_cancelled": True, "result": task(21, "billing")["annotations"][0]["result"]}],
    }
    dataset = load(data([task(i, TOPICS[i % 2]) for i in range(20)] + [task(20, n_annotations=0), cancelled]))
    assert (len(dataset), len(dataset.unlabelled)) == (20, 2)


def test_what_is_left_aside_is_said(tmp_path):
    path = tmp_path / "tasks.json"
    path.write_text(json.dumps([task(i, TOPICS[i % 2], n_annotations=1 + (i == 4)) for i in range(20)]))
    said = [notice.message for notice in load(path).notices]
    assert any("1 of 20 have several annotations" in message for message in said)
