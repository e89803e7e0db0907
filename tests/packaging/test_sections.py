"""Report sections: JSON and back, the flat format of before, and one that a plugin adds."""

from __future__ import annotations

import copy
import json
import pickle
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pytest
from test_page import RANKING, RUNGS
from tiny_bundle import make_report

from headstart.core import registry
from headstart.core.report import KIND, Report, Score, Section
from headstart.core.strict_json import to_json
from headstart.data.data_section import DataSection
from headstart.packaging import load_bundle
from headstart.reporting import Figure, Part, Rendering, render, render_card
from headstart.testing import checks_of
from headstart.testing.tiny_report import ABLATION, COLUMNS, COMPRESSION, OWN_SOURCE, RARE_CLASS, WATCH
from headstart.tuning.tuning_section import TuningSection

FORMAT_1 = Path(__file__).parent / "bundles" / "format-1"
LATER = {"ablation", "columns", "rare_class", "own_source", "watch"}  # sections that the flat format never had
SCORE = Score(name="accuracy", value=0.9, low=0.8, high=0.95, n=40)


@dataclass(frozen=True, kw_only=True)
class ToySection(Section):
    """What a plugin's stage might say."""

    section_name: ClassVar[str] = "toy"

    drift: Score
    words: tuple[str, ...] = ()
    notices: tuple[dict[str, Any], ...] = ()

    def rendering(self, report: Report) -> Rendering:
        template = "{% for word in section.words %}<p>{{ word }}: {{ wording.amount(section.drift) }}</p>{% endfor %}"
        return Rendering(
            figures=(Figure(order=50, value="42", caption="toys"),),
            callouts=("Beware of the toy.",),
            page=(Part(order=950, title="Toys", template=template),),
            card=(Part(order=650, title="Toys", template="- {{ section.words[0] | plain }}\n"),),
        )


TOY = ToySection(drift=SCORE, words=("<b>bear</b>",), notices=({"kind": "toy", "message": "A toy.", "where": []},))


@pytest.fixture
def plugin(monkeypatch):
    """The toy registered as an installed plugin's entry point would be."""
    get, names = registry.get, registry.names
    monkeypatch.setattr(registry, "names", lambda kind: (*names(kind), *(["toy"] if kind == KIND else [])))
    monkeypatch.setattr(registry, "get", lambda kind, name: ToySection if name == "toy" else get(kind, name))


@pytest.fixture(scope="module")
def full():
    return make_report(
        RANKING, TuningSection(results=RUNGS), ABLATION, COMPRESSION, COLUMNS, RARE_CLASS, OWN_SOURCE, WATCH
    )


def test_every_registered_section_is_in_this_test(full):
    assert {section.section_name for section in full.sections} == set(registry.names(KIND))
    for name in registry.names(KIND):
        assert registry.get(KIND, name).section_name == name


@pytest.mark.parametrize("check", checks_of("report_sections"), ids=str)
def test_every_section(check):
    check()


def test_a_report_survives_json(full):
    fields = json.loads(to_json(full.to_dict()))
    again = Report.from_dict(fields)
    assert json.loads(to_json(again.to_dict())) == fields
    assert Report.from_dict(full.to_dict()) == full
    assert fields["format"] == 2


def test_a_report_is_copied_and_pickled(full):
    assert copy.deepcopy(full) == pickle.loads(pickle.dumps(full)) == full


def test_a_section_that_is_not_there_is_named(full):
    assert not hasattr(make_report(), "tuning")
    assert make_report().get(TuningSection) is None
    with pytest.raises(AttributeError, match=r"no section 'toning'. It has: data, heads"):
        _ = full.toning
    with pytest.raises(KeyError, match="tuning"):
        make_report()[TuningSection]


def test_the_flat_format_draws_the_same_page():
    old = load_bundle(FORMAT_1).report
    assert {section.section_name for section in old.sections} == {"data", "heads", "evaluation", "package", "timing"}
    assert old.evaluation.protocol == "Judged on 40 photos that took no part."
    assert old.data.duplicate_groups[0]["size"] == 2
    was = (FORMAT_1 / "report.html").read_text()
    headings = re.compile(r"<h[23][^>]*>(.*?)</h[23]>")
    assert len(headings.findall(render(old))) == len(headings.findall(was))
    for kind in ("dd", "td"):  # headings, terms and captions are worded differently since
        parts = re.compile(rf"<{kind}[ >].*?</{kind}>", re.DOTALL)
        assert squeezed(parts.findall(render(old))) == squeezed(parts.findall(was))


def squeezed(parts):
    return [" ".join(part.split()) for part in parts]


def test_the_flat_format_has_every_section_that_it_held(full):
    flat = json.loads((FORMAT_1 / "report.json").read_text())
    flat |= {
        "results": list(RUNGS),
        "ranking": RANKING.to_dict()["sources"],
        "compressed": COMPRESSION.to_dict(),
        "prediction_set": {"coverage": 0.9},
    }
    again = Report.from_dict(flat)
    assert {section.section_name for section in again.sections} == set(registry.names(KIND)) - LATER
    assert again.ranking == RANKING
    assert again.tuning == full.tuning
    assert again.compression == COMPRESSION
    assert again.evaluation.prediction_set == {"coverage": 0.9}


def test_a_plugin_adds_a_section_to_json_page_and_card(plugin):
    report = Report.from_dict(json.loads(to_json(make_report(TOY).to_dict())))
    assert report.toy == report.get(ToySection) == TOY
    page, card = render(report), render_card(report)
    for part in ("<b>42</b>", "Beware of the toy.", "<h2>Toys</h2>", "&lt;b&gt;bear&lt;/b&gt;: 90.0", "A toy."):
        assert part in page
    assert page.index("Look-alikes") < page.index("<h2>Toys</h2>") < page.index("Notices about the data")
    assert "## Toys\n\n- &lt;b&gt;bear&lt;/b&gt;\n" in card
    assert card.index("## Use") < card.index("## Toys") < card.index("## Limits")


def test_a_section_of_a_plugin_that_is_missing_is_kept_as_it_came():
    fields = json.loads(to_json(make_report(TOY).to_dict()))
    report = Report.from_dict(fields)
    assert report.unknown["toy"]["words"] == ["<b>bear</b>"]
    assert json.loads(to_json(report.to_dict())) == fields
    assert "Toys" not in render(report)


def test_a_section_without_a_renderer_is_in_the_json_alone():
    @dataclass(frozen=True, kw_only=True)
    class Silent(Section):
        section_name: ClassVar[str] = "silent"

    report = make_report(Silent())
    assert report.to_dict()["sections"]["silent"] == {}
    assert render(report) == render(make_report())


def test_a_newer_section_takes_the_place_of_the_older():
    data = make_report().data
    report = make_report().with_section(DataSection(**{**vars(data), "n_items": 7}))
    assert report.data.n_items == 7
    assert [one.section_name for one in report.sections] == [one.section_name for one in make_report().sections]
