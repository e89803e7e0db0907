"""The evaluation section of the report: the verdict and its figures."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar

from headstart.core.report import NOTHING_TRANSFERRED, BaselineResult, Score, Section, Verdict
from headstart.data.data_section import DataSection
from headstart.evaluation import evaluation_charts as charts
from headstart.evaluation.columns_section import ColumnsSection
from headstart.reporting import Figure, Part, Rendering, Summary, template_of, wording

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headstart.core.report import Report
    from headstart.reporting.charts import Spec

_MAX_MATRIX = 20  # labels: a larger matrix is unreadable, only its worst pairs are listed
_MAX_PAIRS = 5
_N_KEYS_WITHOUT_PREVIEW = 4  # id, true, predicted, probability
_EXAMPLES = ("per_label", "mistakes", "label_issues")


@dataclass(frozen=True, kw_only=True)
class EvaluationSection(Section):
    """Scores of the model on held-out items, compared with its baselines.

    Attributes
    ----------
    protocol : how it was evaluated, as a sentence
    n_train, n_test : number of items that the shipped model trained on, and that it was tested on
    metric : the headline score of the model on held-out items
    metrics : all metrics of the task, of what ships
    baselines : each baseline on the same items
    gain : the paired gain over the best baseline
    expected_gain : that over the best one that could ship, shrunk for its noise; it decides what ships
    estimates : made from the training part alone: 'more of the same', 'new conditions', 'naive'
    curve : the learning curve: {n_items, value, low, high}; `curve_of` what it is of; `forecast` a sentence, empty where that does not ship
    prediction_set : `coverage`, `threshold` and `mean_size` of sets of labels that contain the true one with probability `coverage`;
        of a regression `coverage` and `half_width` of intervals; empty for multi-label tasks, or too few held-out items
    figures : arrays and lists that the page draws, of what ships: confusion, reliability, residuals, per_label, mistakes; and label_issues,
        all likely label errors, of which the first have a preview
    notices : on skipped baselines and leaked test items: {kind, message, where}
    deployed : name of what ships: the model, or the baseline that it could not beat
    ships : what ships, and why, in one sentence; empty in older reports
    decision : how decisions are made where labels do not count alike, as a sentence
    seed : for folds, random weights and baselines
    """

    section_name: ClassVar[str] = "evaluation"

    verdict: Verdict
    sentence: str
    protocol: str
    n_train: int
    n_test: int
    metric: Score
    metrics: tuple[Score, ...] = ()
    baselines: tuple[BaselineResult, ...] = ()
    gain: Score | None = None
    expected_gain: float | None = None
    estimates: dict[str, Score] = field(default_factory=dict)
    curve: tuple[dict[str, Any], ...] = ()
    curve_of: str = ""
    forecast: str = ""
    prediction_set: dict[str, float] = field(default_factory=dict)
    figures: dict[str, Any] = field(default_factory=dict)
    notices: tuple[dict[str, Any], ...] = ()
    deployed: str = ""
    ships: str = ""
    decision: str = ""
    seed: int = 0

    def __repr__(self) -> str:
        score = self.shipped
        figures = f"{score.name} {score.value:.3f} ({score.low:.3f} to {score.high:.3f}, {score.n} items)"
        return f"EvaluationSection({self.verdict}; {self.deployed or 'the model'}: {figures})"

    @property
    def deployed_baseline(self) -> BaselineResult | None:
        """The baseline that ships instead of the model; None if the model ships."""
        return next((baseline for baseline in self.baselines if baseline.name == self.deployed), None)

    @property
    def was_transfer_tried(self) -> bool:
        """Whether any of the models had a pretrained part."""
        return self.verdict != NOTHING_TRANSFERRED

    @property
    def shipped(self) -> Score:
        """The headline score of what ships, on held-out items."""
        baseline = self.deployed_baseline
        return self.metric if baseline is None else baseline.score

    def rendering(self, report: Report) -> Rendering:
        """Summary, comparison, estimates and mistakes on the page; use and results on the card."""
        return _rendering(self, report)


def _rendering(section: EvaluationSection, report: Report) -> Rendering:
    """Everything that the evaluation adds to the page and the card."""
    return Rendering(
        summary=Summary(
            subject=report[DataSection].name,
            sentence=section.ships or section.sentence,
            verdict=section.verdict,
            caution=section.was_transfer_tried and section.verdict != "transfer helps",
            lead=section.protocol,
        ),
        figures=tuple(_figures(section)),
        callouts=tuple(_callouts(section)),
        page=tuple(_page(section, report[DataSection], report.get(ColumnsSection))),
        card=tuple(_card()),
    )


def _figures(section: EvaluationSection) -> Iterator[Figure]:
    shipped, gain, baseline = section.shipped, section.gain, section.deployed_baseline
    of = "" if baseline is None else f" of {baseline.title or baseline.name}"
    caption = f"{shipped.name}{of} on {shipped.n:,} held-out items"
    yield Figure(order=100, value=wording.amount(shipped), caption=caption, detail=wording.interval(shipped))
    if gain is not None and (section.was_transfer_tried or baseline is None):
        whose = "" if baseline is None else ", of the transferred model"
        caption, interval = f"{wording.unit(gain)} over the best baseline{whose}", wording.interval(gain, signed=True)
        yield Figure(order=200, value=wording.amount(gain, signed=True), caption=caption, detail=interval)


def _callouts(section: EvaluationSection) -> Iterator[str]:
    baseline = section.deployed_baseline
    if baseline is not None and section.was_transfer_tried:
        yield (
            f"The bundle contains {baseline.title or baseline.name}. Its errors and metrics are below; the comparison, the estimates and the "
            f"learning curve are those of the transferred model ({section.metric.name} {wording.amount(section.metric)}), which is not packed."
        )
    if section.decision:
        yield f"{section.decision} Metrics of decisions, the confusion matrix and the mistakes are those of these decisions."


def _page(section: EvaluationSection, data: DataSection, columns: ColumnsSection | None) -> Iterator[Part]:
    strongest = [] if columns is None else [one.name for one in columns.columns]
    examples = {name: _ordered(section.figures.get(name) or [], strongest) for name in _EXAMPLES}
    examples["to_check"] = _to_check(examples)

    def part(order: int, title: str, block: str, drawn: dict[str, Spec] | None = None, **values: Any) -> Part:
        template, values = template_of(__name__, "html"), {**examples, **values}
        return Part(order=order, title=title, template=template, block=block, charts=drawn or {}, values=values)

    if section.baselines:
        scores = charts.scores(section.metric, section.baselines, "the model", section.deployed)
        title = "Did transfer help?" if section.was_transfer_tried else "How the models compare"
        yield part(200, title, "baselines", {"scores": scores, "gains": charts.gains(section.baselines)})
    if expected := _expectations(section):
        yield part(400, "What to expect on new data", "expectations", expected)
    errors, pairs = _errors(section, data), _confused_pairs(section)
    if errors or pairs:
        title = "How far off it is" if "residuals" in errors else "Errors and calibration"
        yield part(500, title, "errors", errors, pairs=pairs)
    if section.metrics:
        yield part(600, "All metrics", "metrics")
    if examples["mistakes"]:
        yield part(700, "Most confident mistakes", "mistakes")
    if examples["to_check"] or (examples["label_issues"] and not examples["mistakes"]):
        yield part(800, "Labels to check", "label_issues")
    elif examples["label_issues"]:
        yield replace(part(710, "Most confident mistakes", "label_issues"), below=True)


def _ordered(examples: list[dict[str, Any]], strongest: list[str]) -> list[dict[str, Any]]:
    """Put the columns of rows that move the answers most in front: of wide rows the others are folded away."""
    place = {name: i for i, name in enumerate(strongest)}
    return [
        {**one, "fields": sorted(one["fields"], key=lambda field: place.get(field["name"], len(place)))}
        if "fields" in one
        else one
        for one in examples
    ]


def _to_check(examples: dict[str, list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """Likely label errors to be shown: under cross-validation some are among the mistakes, and shown there."""
    mistakes = {mistake["id"] for mistake in examples["mistakes"]}
    return [
        issue
        for issue in examples["label_issues"]
        if len(issue) > _N_KEYS_WITHOUT_PREVIEW and issue["id"] not in mistakes
    ]


def _card() -> Iterator[Part]:
    template = template_of(__name__, "md")
    titles = {
        110: ("What it is", "verdict"),
        200: ("Intended use", "use"),
        310: ("Data", "protocol"),
        400: ("Results", "results"),
    }
    for order, (title, block) in titles.items():
        yield Part(order=order, title=title, template=template, block=block)


def _expectations(section: EvaluationSection) -> dict[str, Spec]:
    specs = {}
    if section.estimates:
        specs["estimates"] = charts.estimates(section.estimates, section.metric)
    known = [point for point in section.curve if point["value"] is not None]
    if len(known) > 1:
        specs["curve"] = charts.learning_curve(known, section.metric)
    return specs


def _errors(section: EvaluationSection, data: DataSection) -> dict[str, Spec]:
    figures, specs = section.figures, {}
    if figures.get("confusion") and len(figures["confusion"]["labels"]) <= _MAX_MATRIX:
        specs["confusion"] = charts.confusion(**figures["confusion"])
    if figures.get("reliability"):
        specs["reliability"] = charts.reliability(figures["reliability"])
    if figures.get("residuals"):
        specs["residuals"] = charts.residuals(figures["residuals"], " ".join(data.labels))
    return specs


def _confused_pairs(section: EvaluationSection) -> list[dict[str, Any]]:
    """The most frequent confusions: true label, predicted label, count, and number of items with that true label."""
    matrix = section.figures.get("confusion")
    if not matrix:
        return []
    labels, counts = matrix["labels"], matrix["counts"]
    pairs = [
        {"true": labels[i], "predicted": labels[j], "n": n, "of": sum(row)}
        for i, row in enumerate(counts)
        for j, n in enumerate(row)
        if i != j and n
    ]
    return sorted(pairs, key=lambda pair: -pair["n"])[:_MAX_PAIRS]
