"""Semantic columns: which categories are read by their names, by which encoder, and down the whole line."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import headstart
import tiny
from headstart.core.errors import OptionError
from headstart.data import load
from headstart.engines.context import RunContext
from headstart.packaging.exports import ExportOptions, export
from headstart.pipeline.choosing import choose_sources
from headstart.pipeline.presets import preset_named
from headstart.ranking import Limits, as_source_reads, candidates_by_field, encoder_at_hand, rank, semantic_columns
from headstart.ranking.word_levels import has_word_levels
from headstart.sources import built_in

TEXT = "tiny-static-embeddings"
N = 120
TRADES = [f"{adjective} {trade}" for adjective in ("head", "start", "race", "before") for trade in
    ("kiwi", "apple", "good", "bad", "the", "begins")]  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def tiny_sources(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        opened = tiny.open_all(("static-embeddings",), tmp_path_factory.mktemp("sources"), patch)
        patch.setattr(built_in, "_known", lambda: {name: replace(one, license="MIT") for name, one in opened.items()})
        yield


def table(names):
    rng = np.random.default_rng(0)
    jobs = rng.choice(names, N)
    return {
        "job": jobs.tolist(),
        "age": rng.integers(18, 65, N).tolist(),
        "paid": ["well" if name.endswith(("kiwi", "good", "the", "1", "2")) else "badly" for name in jobs],
    }


def loaded(names=TRADES):
    return load(table(names), target="paid", input="job,age", columns="job:category")


@pytest.mark.parametrize(
    ("levels", "expected"),
    [
        (TRADES, True),
        (TRADES[:19], False),  # few: codes of them can be learned
        ([f"ICD-{i}" for i in range(50)], False),
        (["PRT", "GBR", "DEU"] * 10 + [f"A{chr(65 + i)}B" for i in range(26)], False),
        ([str(i) for i in range(100)], False),
        (["", None, *TRADES], True),  # what is missing counts for nothing
    ],
)
def test_words_are_told_from_codes(levels, expected):
    assert has_word_levels(levels) is expected


def test_columns_are_those_of_words():
    assert semantic_columns(loaded()) == ["job"]
    assert semantic_columns(loaded([f"A-{i}" for i in range(30)])) == []
    alone = load({name: cells for name, cells in table(TRADES).items() if name != "age"}, target="paid",
        columns="job:category")  # fmt: skip
    assert semantic_columns(alone) == []  # there is nothing beside it: a text, or a category


def test_a_source_reads_the_names_of_levels():
    dataset = loaded()
    read = as_source_reads(dataset, "job")
    assert (read.modality, read.fields[0].modality) == ("text", "text")
    assert list(read.items) == list(dataset.values_of("job"))
    assert as_source_reads(dataset, "age").modality == "number"


def test_a_category_is_ranked_where_a_source_is_assigned_to_it():
    assert candidates_by_field(loaded(), [f"job={TEXT}"]) == {"job": [TEXT]}
    assert rank(loaded(), sources=[f"job={TEXT}"], progress=None).best.name == TEXT
    with pytest.raises(OptionError, match=r"reads texts, but .* holds numbers"):
        headstart.fit(table(TRADES), target="paid", input="job,age", source=f"age={TEXT}", progress=None)


def test_a_level_that_was_never_seen_has_a_meaning_in_python_and_in_the_graph(tmp_path):
    model = headstart.fit(table(TRADES[:18]), target="paid", input="job,age", columns="job:category",
        source=f"job={TEXT}", preset="fast", worth=-1.0, progress=None, budget_s=300).model  # fmt: skip
    assert [field.modality for field in model.fields] == ["category", "number"]
    rows = [{"job": job, "age": 40} for job in ("before good", "before bad", "", None, "start kiwi")]
    assert [str(one) for one in model.predict(rows)[:2]] == ["well", "badly"]
    found = model.predict_proba(rows)
    np.testing.assert_allclose(found[2], found[3], rtol=1e-5)  # missing, either way
    export(
        model, "onnx", tmp_path / "m.onnx", ExportOptions(items=rows[:3] + rows[4:], tensor_inputs=True)
    )  # compares the answers itself


@pytest.mark.parametrize(
    ("names", "limits", "expected"),
    [
        (None, Limits(), f"{TEXT} on job"),
        (None, Limits(max_size_mib=50), "none"),
        (["none"], Limits(), "none"),
    ],
)
def test_the_encoder_at_hand_is_tried_unasked(monkeypatch, names, limits, expected):
    monkeypatch.setattr("headstart.ranking.word_levels.ENCODERS", ("nowhere", TEXT))
    context = RunContext.default(seed=0, budget_s=None, progress=None)
    source, _ = choose_sources(loaded(), names, limits, preset=preset_named("fast"), context=context)
    assert source.name == expected


def test_nothing_is_fetched_for_a_try(monkeypatch):
    monkeypatch.setattr("headstart.ranking.word_levels.is_kept", lambda _card: False)
    assert encoder_at_hand() is None
