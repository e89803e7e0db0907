"""The folds, and so what the baselines score, are the same whichever source is named."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

import headstart
from headstart.data import load
from headstart.ranking import Halving, rank

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = [pytest.mark.downloads, pytest.mark.usefixtures("fetched_cache")]
SOURCES = ("wordllama-256", "potion-base-8m", "all-minilm-l6-v2")


def table_of(real_data: Callable[[str], Path], name: str) -> Any:
    table = pd.read_csv(real_data(name) / f"{name}.csv")
    column, targets = ("message", ["food", "water", "weather_related"]) if name == "disaster" else ("text", ["label"])
    table = table.dropna(subset=[column]).sample(120, random_state=0)
    copies = table.head(10).assign(**{column: table[column].head(10).str.upper()})
    return pd.concat([table, copies])[[column, *targets]]


@pytest.mark.parametrize("name", ["sms-spam", "questions", "disaster"])
def test_every_source_has_the_same_groups_folds_and_baseline_scores(name, real_data):
    table = table_of(real_data, name)
    reports = [
        headstart.fit(table, source=source, head="ridge", tune="none", baselines="simple", progress=None).report
        for source in SOURCES
    ]
    first, *others = reports
    assert first.data.n_groups < len(table)
    for report in others:
        assert report.data.duplicate_groups == first.data.duplicate_groups
        assert report.data.n_groups == first.data.n_groups
        assert [one.score for one in report.evaluation.baselines] == [one.score for one in first.evaluation.baselines]


def test_a_ranking_alone_groups_near_duplicates_too(real_data):
    table = table_of(real_data, "questions")
    dataset = load(table, input="text", target="label")
    seen: list[Any] = []

    class Spy(Halving):
        def run(self, dataset: Any, *args: Any, **more: Any) -> Any:
            seen.append(dataset.groups)
            return super().run(dataset, *args, **more)

    rank(dataset, sources=SOURCES[:2], halving=Spy(cap=60), progress=None)
    assert len(np.unique(seen[0])) < len(dataset)
