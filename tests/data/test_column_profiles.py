"""What is usual in the columns of a table."""

from __future__ import annotations

import numpy as np

from headstart.core.dataset import Dataset, Field
from headstart.data.column_profiles import QUANTILES, profile_columns, usual_values
from headstart.data.data_section import describe_data
from headstart.data.near_duplicates import find_near_duplicates
from headstart.data.packed_columns import Categories, Numbers
from headstart.data.rows import Rows
from headstart.data.text import Texts

N = 40
DAY_S = 86_400.0


def make_dataset():
    columns = {
        "children": Numbers(np.arange(N) % 4 * 1.0),
        "height": Numbers(np.linspace(1.5, 2, N)),
        "born": Numbers(np.arange(N) * 37 * DAY_S + 1.6e9 // DAY_S * DAY_S),
        "seen": Numbers(np.arange(N) * 3601.0),
        "few": Numbers(np.where(np.arange(N) < 10, 1.0, np.nan)),
        "town": Categories(np.arange(N, dtype=np.int32) % 3, ("a", "b", "c")),
        "note": Texts.of(f"note {i}" for i in range(N)),
    }
    kinds = {"born": "date", "seen": "date", "town": "category", "note": "text"}
    return Dataset(
        name="t",
        modality="row",
        task="binary",
        items=Rows(columns),
        ids=[f"row {i}" for i in range(N)],
        targets=np.eye(2)[np.arange(N) % 2],
        labels=("no", "yes"),
        fields=tuple(Field(name, kinds.get(name, "number")) for name in columns),
    )


def test_whole_numbers_and_days_stay_whole():
    found = {one.name: one.quantiles for one in profile_columns(make_dataset())}
    assert all(value % 1 == 0 for value in found["children"])
    assert all(value % DAY_S == 0 for value in found["born"])
    assert any(value % DAY_S for value in found["seen"])
    assert any(value % 1 for value in found["height"])
    assert found["few"] == ()
    assert len(found["children"]) == len(QUANTILES)


def test_a_report_knows_what_is_usual_and_names_no_level():
    dataset = make_dataset()
    section = describe_data(dataset, find_near_duplicates(dataset))
    assert section.profiles == usual_values(dataset)
    assert [one["name"] for one in section.profiles] == ["children", "height", "born", "seen", "few", "town"]
    assert all("levels" not in one for one in section.profiles)
    assert section.profiles[4]["missing"] == 0.75
