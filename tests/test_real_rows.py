"""Rows of real fields: a marketplace's listings, each a name and a description."""

import pandas as pd
import pytest

import headstart

pytestmark = [pytest.mark.downloads, pytest.mark.slow, pytest.mark.usefixtures("fetched_cache")]


def test_a_name_and_a_description_say_more_than_each(real_data):
    listings = pd.read_csv(real_data("mercari") / "mercari.csv").head(600)
    quick = {"source": "wordllama-256", "target": "category", "head": "ridge", "baselines": "none", "progress": None}
    found = {
        named: headstart.fit(listings, input=named, **quick).report.evaluation.metric.value
        for named in ("name", "description", "name,description")
    }
    assert found["name,description"] > max(found["name"], found["description"])
