"""The published checks of every task: loss, derivatives, link, decision and answer fit together."""

import json

import numpy as np
import pytest

from headstart.core.dataset import Dataset
from headstart.core.errors import OptionError
from headstart.core.tasks import get_task, task_names
from headstart.testing import checks_of


@pytest.mark.parametrize("check", checks_of("tasks"), ids=str)
def test_every_task(check):
    check()


@pytest.mark.parametrize("name", task_names())
def test_word_and_object_are_one(name):
    dataset = Dataset(
        name="d", modality="text", task=name, items=["x"], ids=["x"], targets=np.ones((1, 1)), labels=("a",)
    )
    assert dataset.task_spec is get_task(json.loads(json.dumps(dataset.task)))


def test_unknown_task_names_the_nearest():
    with pytest.raises(OptionError, match="Did you mean 'multilabel'"):
        get_task("multi-label")
