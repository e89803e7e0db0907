"""The report as a page: self-contained, escaped, and there for every task."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from tiny_bundle import make_report

from headstart.core.report import BaselineResult, Report, Score
from headstart.ranking import Ranked, Ranking
from headstart.ranking.result import frontier
from headstart.reporting import render, render_card
from headstart.tuning.tuning_section import TuningSection, gains_of_results

ATTACK = "</text></svg><script>alert(1)</script><img src=x onerror=alert(1)> \"'{{ 7*7 }} & `x` | y"


class Tags(HTMLParser):
    """Every tag with its attributes, and whether all are closed."""

    VOID = frozenset({"meta", "img", "br"})

    def __init__(self, page):
        super().__init__()
        self.tags, self.open = [], []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def page():
    return render(make_report())


def test_the_verdict_stands_on_top(page):
    body = page[page.index("<body>") :]
    assert body.index("Transfer helps: the model is right") < body.index("Did transfer help?")


@pytest.mark.parametrize(
    "part",
    [
        "Did transfer help?",
        "What to expect on new data",
        "Errors and calibration",
        "Most often confused",
        "Most confident mistakes",
        "Look-alikes",
        "Notices about the data",
        "Heads tried",
        "Time by stage",
        "The pretrained source",
        "known biases",
        "About 40 more labels for 2 points.",
        "Use it",
    ],
)
def test_every_part_is_there(page, part):
    assert part in page


def test_what_is_missing_leaves_no_empty_heading():
    bare = make_report(
        baselines=(),
        gain=None,
        estimates={},
        head_candidates=(),
        curve=(),
        forecast="",
        figures={},
        duplicate_groups=(),
        notices=(),
        card={},
        timing={},
        metrics=(),
    )
    page = render(bare)
    assert Tags(page).open == []
    for part in (
        "Did transfer help?",
        "What to expect",
        "Errors and calibration",
        "Most confident mistakes",
        "pretrained source",
        "<svg",
    ):
        assert part not in page


def test_the_page_is_whole_and_closed(page):
    tags = Tags(page)
    assert tags.open == []
    assert sum(tag == "svg" for tag, _ in tags.tags) == 6


def test_the_page_asks_for_nothing(page):
    parsed = Tags(page).tags
    assert "script" not in {tag for tag, _ in parsed}
    assert not [attributes for tag, attributes in parsed if tag in {"link", "iframe", "object", "a", "base", "form"}]
    for _, attributes in parsed:
        assert not [name for name in attributes if name.startswith("on")]
        assert (attributes.get("src") or "data:").startswith("data:")
    assert "default-src 'none'" in page
    assert not re.search(r"url\(\s*['\"]?http|@import", page)


def test_pictures_follow_light_and_dark(page):
    figures = "".join(re.findall(r"<svg.*?</svg>", page, re.DOTALL))
    assert "var(--ink)" in figures
    assert "var(--accent)" in figures
    assert not re.search(r'(fill|stroke)="(#|black|white|rgb)', figures)
    assert ' id="' not in figures  # several pictures share one page


def test_pictures_have_no_size_of_their_own(page):
    for attributes in (attributes for tag, attributes in Tags(page).tags if tag == "svg"):
        assert "width" not in attributes
        assert attributes["style"].startswith("max-width")


def test_pictures_are_told_in_words(page):
    described = [attributes for tag, attributes in Tags(page).tags if attributes.get("role") == "img"]
    assert len(described) == 6
    assert all(attributes["aria-label"] for attributes in described)


def attacked():
    score = Score(name=ATTACK, value=0.5, low=0.4, high=0.6, n=3, unit=ATTACK)
    example = {"id": ATTACK, "true": ATTACK, "predicted": [ATTACK], "probability": 0.5, "text": ATTACK}
    return make_report(
        name=ATTACK,
        labels=(ATTACK, "b"),
        sentence=ATTACK,
        protocol=ATTACK,
        forecast=ATTACK,
        metric=score,
        metrics=(score,),
        gain=score,
        baselines=(BaselineResult(name=ATTACK, score=score, gain=score, note=ATTACK),),
        estimates={ATTACK: score},
        head_candidates=({"name": ATTACK, "loss": 0.1, "chosen": True},),
        figures={
            "confusion": {"labels": [ATTACK, "b"], "counts": [[1, 2], [3, 4]]},
            "per_label": [{"label": ATTACK, "n": 3}],
            "mistakes": [example, {**example, "thumbnail": 'x" onerror="alert(1)'}],
            "label_issues": [example],
        },
        duplicate_groups=({"size": 2, "members": [{"id": ATTACK, "text": ATTACK}]},),
        notices=({"kind": ATTACK, "message": ATTACK, "where": [ATTACK]},),
        card={"name": ATTACK, "license": ATTACK, "known_bias": ATTACK, "paper": ATTACK},
        deployed=ATTACK,
        source=ATTACK,
        head=ATTACK,
    )


def test_what_users_wrote_stays_text():
    page = render(attacked())
    parsed = Tags(page)
    assert parsed.open == []
    assert "script" not in {tag for tag, _ in parsed.tags}
    for tag, attributes in parsed.tags:
        assert "onerror" not in attributes, tag
    assert "49" not in re.sub(r"<svg.*?</svg>|<style>.*?</style>", "", page, flags=re.DOTALL)


def test_the_card_keeps_users_words_in_their_place():
    card = render_card(attacked())
    assert "<script>" not in card
    assert "<img" not in card
    rows = [line for line in card.splitlines() if line.startswith("|")]
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} <= {4, 5}


def test_numpy_and_missing_numbers_are_drawn():
    curve = tuple(
        {"n_items": np.int64(n), "value": np.float64(v), "low": v, "high": v}
        for n, v in ((10, 0.5), (20, float("nan")), (40, 0.7))
    )
    score = Score(name="accuracy", value=float("nan"), low=float("nan"), high=float("nan"), n=0)
    page = render(make_report(curve=curve, metric=score, timing={"peak_mib": np.float32(100.4)}))
    assert "not known" in page
    assert "100 MiB" in page
    assert "nan" not in re.findall(r"<svg.*?</svg>", page, re.DOTALL)[0].lower()


def regression():
    mae = Score(name="MAE", value=1234.5, low=1100, high=1400, n=40, unit="euro")
    points = [{"true": float(x), "predicted": float(x) + 100} for x in range(1000, 5000, 200)]
    mistakes = [{"id": "a", "true": 5000.0, "predicted": 1200.5, "probability": None, "text": "house"}]
    return make_report(
        task="regression",
        labels=("price",),
        metric=mae,
        metrics=(mae,),
        gain=mae,
        baselines=(BaselineResult(name="constant", score=mae, gain=mae),),
        estimates={},
        curve=(),
        figures={"residuals": points, "mistakes": mistakes},
    )


def test_a_regression_has_its_own_pictures():
    page = render(regression())
    assert "How far off it is" in page
    assert "predicted price" in page
    assert "1,234" in page or "1,235" in page
    assert "MAE, euro" in page


def test_many_classes_are_told_by_their_worst_pairs():
    labels = [f"class {i}" for i in range(60)]
    counts = np.eye(60, dtype=int) * 5
    counts[3, 4] = 9
    page = render(
        make_report(labels=tuple(labels), figures={"confusion": {"labels": labels, "counts": counts.tolist()}})
    )
    assert "confusion matrix of" not in page
    assert "9 of 14" in page


def test_the_card_says_what_a_reader_needs():
    card = render_card(make_report())
    for part in (
        "## Intended use",
        "## Data",
        "## Results",
        "| accuracy |",
        "| constant |",
        "Apache-2.0",
        "known biases",
        "headstart predict",
        "## Limits",
    ):
        assert part in card


def ranked(name, value, latency_ms, dropped=""):
    score = None if value is None else Score(name="accuracy", value=value, low=value - 0.05, high=value + 0.05)
    facts = {"n_items": 48, "seconds": 1.0, "size_mib": 30.0, "license": "MIT", "predicted": score}
    return Ranked(name=name, score=score, latency_ms=latency_ms, dropped=dropped, **facts)


RANKED = (ranked("slow", 0.9, 20.0), ranked("quick", 0.8, 1.0, "0.800"), ranked(ATTACK, None, None, "60 MiB are more"))
RANKING = Ranking(metric="accuracy", n_items=48, sources=RANKED)


def test_a_ranking_shows_every_source_with_the_reason():
    page = render(make_report(RANKING))
    assert Tags(page).open == []
    assert "script" not in {tag for tag, _ in Tags(page).tags}
    for part in ("Why this source", "1. slow", "2. quick", "60 MiB are more", "not measured", 'class="chart frontier"'):
        assert part in page


def test_one_source_is_no_ranking():
    assert "Why this source" not in render(make_report(replace(RANKING, sources=RANKED[:1])))
    assert "Why this source" not in render(make_report())


def test_on_the_frontier_nothing_is_quicker_and_better():
    rows = [
        {"metric": "accuracy", "value": v, "low": v, "high": v, "latency_ms": ms}
        for v, ms in ((0.9, 20), (0.7, 5), (0.8, 1))
    ]
    _, line, *_ = frontier(rows)["layer"]
    assert [row["number"] for row in line["data"]["values"]] == ["1", "3"]


def result(name, value, gain=None, **changes):
    def measured(value):
        return asdict(Score(name="accuracy", value=value, low=value - 0.01, high=value + 0.01, n=40))

    fields = {
        "name": name,
        "below": None if gain is None else "closed form",
        "planned_s": 80.0,
        "seconds": 95.0,
        "metric": None if value is None else measured(value),
        "gain": None if not gain else measured(gain),
        "kept": True,
        "why": "better than the closed form by more than one standard error on held-out groups",
        "alpha": 2 / 3,
        "trained": 0.75,
        "settings": {"learning_rate": 1e-4, "epochs": 8},
    }
    return {**fields, **changes}


RUNGS = (
    result("closed form", 0.837, planned_s=0.0, seconds=0.0, alpha=None, trained=None, settings={}),
    result("bias", 0.84, 0.003, kept=False, why="not better than the closed form by more than one standard error"),
    result("fine-tune", 0.861, 0.024),
    result("lora", None, 0, kept=False, why="not tried: it would take about 400 s", seconds=0.0, alpha=None),
)
TUNED = {
    "parent": {"name": "mean-colour", "digest": "0123456789abcdef"},
    "method": "fine-tune",
    "settings": {"epochs": 8},
    "alpha": 2 / 3,
    "seed": 7,
    "dataset": "fruit",
}


def test_every_tuning_method_is_there_with_its_reason():
    page = render(make_report(TuningSection(results=RUNGS)))
    assert Tags(page).open == []
    for part in (
        "Was tuning the network worth it?",
        'class="chart results"',
        "not better than the closed form by more than one standard error",
        "not tried: it would take about 400 s",
        "fine-tune (kept)",
        "80 s",
        "learning rate 0.0001, epochs 8",
        "+2.4",
    ):
        assert part in page
    assert "tuning the network" not in render(make_report())


def test_a_rung_that_was_kept_is_marked():
    rows = gains_of_results({"a": (Score(**RUNGS[1]["gain"]), False), "b": (Score(**RUNGS[2]["gain"]), True)})["data"]
    colours = [row["colour"] for row in rows["values"]]
    assert colours[0] != colours[1]
    assert [row["amount"] for row in rows["values"]] == ["+0.3", "+2.4"]


def test_rungs_without_a_number_and_hostile_ones_are_drawn():
    unknown = {"name": ATTACK, "value": None, "low": None, "high": None, "unit": "fraction", "n": 3}
    attack = {**RUNGS[2], "name": ATTACK, "below": ATTACK, "why": ATTACK, "settings": {ATTACK: ATTACK}}
    attack |= {"metric": unknown, "gain": unknown}
    page = render(make_report(TuningSection(results=(RUNGS[0], attack))))
    parsed = Tags(page)
    assert parsed.open == []
    assert "script" not in {tag for tag, _ in parsed.tags}
    assert "not known" in page


def test_rungs_survive_being_read_again():
    report = make_report(TuningSection(results=RUNGS))
    assert Report.from_dict(report.to_dict()) == report


def test_an_older_report_is_read_with_the_verdict_of_today():
    older = json.loads((Path(__file__).parent / "bundles" / "format-1" / "report.json").read_text()) | {
        "verdict": "no credible gain"
    }
    assert Report.from_dict(older).evaluation.verdict == "no significant gain"


def test_a_tuned_source_names_its_parent():
    card = {"name": "mean-colour, fine-tuned", "license": "Apache-2.0", "tuned": TUNED}
    said = "fine-tune, from mean-colour (0123456789ab…), 67\xa0% of the way, seed 7"
    report = make_report(card=card)
    assert said in render(report)
    assert "The tuned source" in render(report)
    assert "- tuned: " + said.replace("\xa0", " ") in render_card(report)
