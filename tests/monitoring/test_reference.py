"""Tests of `monitoring/reference.py` and `referring.py`."""

from __future__ import annotations

import json

import numpy as np
import pytest
from tiny_watch import draw, reference

from headstart.core.errors import BundleError
from headstart.core.tasks import get_task
from headstart.monitoring.reference import ARRAYS_NAME, JSON_NAME, Reference
from headstart.monitoring.referring import make_reference


def test_it_survives_its_files_byte_for_byte() -> None:
    files = reference().files()
    again = Reference.from_files(files[JSON_NAME], files[ARRAYS_NAME])
    assert again.files() == files == reference().files()


def test_it_is_small_and_holds_no_row() -> None:
    files = reference(3000).files()
    assert sum(map(len, files.values())) < 60_000
    item = draw(1, seed=0)[0][0]
    assert str(item["pay"]) not in files[JSON_NAME].decode()


def test_a_damaged_or_newer_one_says_what_to_do() -> None:
    files = reference().files()
    with pytest.raises(BundleError, match="--reference DATA"):
        Reference.from_files(b"{}", files[ARRAYS_NAME])
    newer = json.dumps({**json.loads(files[JSON_NAME]), "format": 99}).encode()
    with pytest.raises(BundleError, match="newer Headstart"):
        Reference.from_files(newer, files[ARRAYS_NAME])


def test_out_of_fold_answers_stand_for_a_hundred() -> None:
    counts = {one.name: one.counts.sum() for one in reference(is_cross_fitted=True).members}
    assert counts["probability of yes"] == 100
    assert counts["age"] == counts["error"] == 600


@pytest.mark.parametrize("task", ["regression", "multilabel"])
def test_other_tasks_have_their_own_losses(task: str) -> None:
    rng = np.random.default_rng(0)
    spec = get_task(task)
    outputs = rng.normal(size=(80, 1)) if task == "regression" else rng.random((80, 3))
    targets = outputs + 0.5 if task == "regression" else (outputs > 0.5) * 1.0
    labels = ("price",) if task == "regression" else ("a", "b", "c")
    found = make_reference(task=spec, labels=labels, fields=(), outputs=outputs, targets=targets)
    assert found.scores["error"] == pytest.approx(0.5 if task == "regression" else 0.0)
    names = [member.name for member in found.members]
    assert ("predicted value" in names) == (task == "regression")
