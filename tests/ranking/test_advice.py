"""What `inspect` concludes: what to look at first, what cannot be proven, which networks suit, and what to run next."""

from __future__ import annotations

import numpy as np

from headstart.core.dataset import Dataset, Notice
from headstart.ranking.advice import advise, shared_warnings
from headstart.ranking.suitability import Suitability


def dataset(counts, *notices):
    codes = np.repeat(np.arange(len(counts)), counts)
    ids = [str(i) for i in range(len(codes))]
    return Dataset(
        name="t",
        modality="text",
        task="binary" if len(counts) == 2 else "multiclass",
        items=ids,
        ids=ids,
        targets=np.eye(len(counts))[codes],
        labels=tuple("abcdefgh"[: len(counts)]),
        notices=notices,
    )


def source(name, *warnings):
    return Suitability(name=name, known_bias="English", warnings=warnings)


def test_a_leak_is_to_be_looked_at_before_anything_else():
    leak = Notice(kind="leak", message="column 'id' gives the target away.")
    said = advise(dataset([500, 500], Notice(kind="guess", message="a guess"), leak), [source("x")], "t.csv")
    assert said[0] == "Look at this before you fit: column 'id' gives the target away."
    assert said[-1] == "Next: headstart fit t.csv --out MODEL"


def test_each_notice_to_look_at_is_said():
    kinds = ("leak", "ordered", "label-spelling")
    notices = [Notice(kind=kind, message=f"what is {kind}.") for kind in kinds]
    said = advise(dataset([500, 500], *notices), [source("x")], "t.csv")
    assert said[:3] == [f"Look at this before you fit: what is {kind}." for kind in kinds]


def test_few_items_of_a_class_and_few_in_all_are_said():
    said = " ".join(advise(dataset([60, 4, 36]), [], "t.csv"))
    assert "Fewer than 10 items have the label 'b'" in said
    assert "With 100 items an accuracy near 50 % is known to ±10 points" in said
    assert "points" not in " ".join(advise(dataset([500, 500]), [], "t.csv"))


def test_sources_without_a_warning_are_named():
    said = advise(dataset([500, 500]), [source("x", "x cuts texts."), source("y")], "t.csv")
    assert "The networks without a warning are y." in said[0]
    assert "Every pretrained network has a warning" in advise(dataset([500, 500]), [source("x", "w")], "t.csv")[0]


def test_a_warning_that_holds_for_several_networks_is_one():
    shared, own = shared_warnings(
        [source("x", "x reads colour."), source("y", "y reads colour.", "y cuts."), source("z", "z reads colour.")]
    )
    assert (shared.sentence, shared.sources) == ("the network reads colour.", ("x", "y", "z"))
    assert (own.sentence, own.sources) == ("y cuts.", ("y",))
