"""Columns of a target matched to those of a source."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headstart.core.dataset import Dataset, Field
from headstart.core.errors import DataError, OptionError
from headstart.data.column_matching import match_columns, unit_scale
from headstart.data.column_profiles import QUANTILES, ColumnProfile, profile_columns
from headstart.data.name_likeness import name_likeness
from headstart.data.packed_columns import Categories, Numbers
from headstart.data.rows import Rows


def _dataset(**columns):
    kinds = {name: "number" if isinstance(column, Numbers) else "category" for name, column in columns.items()}
    n = len(next(iter(columns.values())))
    return Dataset(
        name="d",
        modality="row",
        task="regression",
        items=Rows(columns),
        ids=[str(i) for i in range(n)],
        targets=np.zeros((n, 1)),
        labels=("y",),
        fields=tuple(Field(name, kind) for name, kind in kinds.items()),
    )


def _number(name, *quantiles):
    return ColumnProfile(name=name, modality="number", quantiles=quantiles or (0, 1, 2, 5, 10, 20, 30))


def _category(name, **levels):
    return ColumnProfile(name=name, modality="category", levels=levels)


def _pairs(matches):
    return {one.source: one.target for one in matches.matches}


def test_names_match_whatever_their_spelling_and_abbreviation():
    source = [_number("customer_age"), _number("total amount"), _category("Gender", m=0.5, f=0.5), _number("debt")]
    target = [_category("sex", f=0.6, m=0.4), _number("CustAge"), _number("total_amt"), _number("height")]
    found = match_columns(source, target)
    expected = {"customer_age": "CustAge", "total amount": "total_amt", "Gender": "sex", "debt": None}
    assert _pairs(found) == expected
    assert found.unmatched_target == ("height",)
    assert "(missing)" in found.table()


def test_a_like_word_inside_another_is_no_match():
    assert name_likeness("age", "wage")[0] == 0
    assert name_likeness("rate", "date")[0] == 0
    assert _pairs(match_columns([_number("age")], [_number("wage")])) == {"age": None}


def test_modalities_are_kept_apart():
    assert _pairs(match_columns([_number("code")], [_category("code", a=1.0)])) == {"code": None}


def test_a_change_of_unit_is_proposed_and_not_applied():
    cents = [100 * q for q in (1, 2, 3, 5, 10, 20, 31)]
    found = match_columns([_number("price", 1, 2, 3, 5, 10, 20, 30)], [_number("price", *cents)])
    (one,) = found.matches
    assert (one.scale, one.proposed_scale) == (1.0, 0.01)
    assert "--match price=price*0.01" in found.proposals()[0]


def test_the_proposal_can_be_taken():
    found = match_columns([_number("price")], [_number("cost_cents")], "cost_cents=price*0.01")
    assert (found.matches[0].target, found.matches[0].scale) == ("cost_cents", 0.01)
    assert not found.proposals()


@given(st.sampled_from([0.01, 0.001, 60.0, 2.20462]), st.floats(0.97, 1.03))
def test_known_factors_are_found_and_a_small_shift_is_none(factor, noise):
    source = [1.0, 2.0, 4.0, 7.0, 11.0, 30.0, 80.0]
    assert math.isclose(unit_scale(source, [q / factor * noise for q in source]), factor, rel_tol=1e-5)
    assert unit_scale(source, [q * noise for q in source]) is None


def test_a_shift_of_the_values_is_no_unit():
    assert unit_scale([1, 2, 4, 7, 11], [101, 102, 104, 107, 111]) is None
    assert unit_scale([-1, 0, 0, 0, 1], [-100, 0, 0, 0, 100]) is None


def test_categories_of_other_names_match_by_their_levels():
    levels = dict.fromkeys(("red", "green", "blue", "white", "black"), 0.2)
    found = match_columns([_category("paint", **levels)], [_category("lacquer", **levels)])
    assert _pairs(found) == {"paint": "lacquer"}
    assert "5 levels" in found.matches[0].why


def test_what_the_user_says_goes_before():
    source, target = [_number("a"), _number("b")], [_number("a"), _number("b")]
    assert _pairs(match_columns(source, target, "a=b,b=a")) == {"a": "b", "b": "a"}
    assert _pairs(match_columns(source, target, "a=")) == {"a": None, "b": "b"}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("x=a", "'x'"),
        ("a=x", "'x'"),
        ("a", "target_column=source_column"),
        ("a=a,b=a", "twice"),
        ("c=a", "--columns"),
        ("a=a*0", "factor"),
        ("a=a*many", "factor"),
    ],
)
def test_what_cannot_be_is_said(given, said):
    with pytest.raises(OptionError, match=said.replace("*", r"\*")):
        match_columns([_number("a"), _number("b")], [_number("a"), _number("b"), _category("c")], given)


def test_profiles_hold_aggregates_alone():
    rng = np.random.default_rng(0)
    names = ["common"] * 96 + ["Jane Doe", "John Roe", "rare", "rare"]
    dataset = _dataset(income=Numbers(np.append(rng.normal(size=99), np.nan)), who=Categories.of(names))
    income, who = profile_columns(dataset)
    assert len(income.quantiles) == len(QUANTILES)
    assert income.missing == 0.01
    assert who.levels == {"common": 0.96}
    assert "Doe" not in json.dumps(who.to_dict())
    assert ColumnProfile.from_dict(json.loads(json.dumps(income.to_dict()))) == income


def test_few_numbers_have_no_quantiles():
    (one,) = profile_columns(_dataset(x=Numbers(np.arange(19.0))))
    assert one.quantiles == ()


def test_a_damaged_profile_is_an_error():
    with pytest.raises(DataError, match="Make the source again"):
        ColumnProfile.from_dict({"name": "a"})
