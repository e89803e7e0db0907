"""The evaluation in the report: the verdict, and the figures that it stands on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from headstart.core.report import RivalResult, Score, Section, Verdict

if TYPE_CHECKING:
    from headstart.core.report import Report
    from headstart.reporting import Rendering


@dataclass(frozen=True, kw_only=True)
class EvaluationSection(Section):
    """How good the model is on held-out items, against its rivals.

    Attributes
    ----------
    protocol : how it was judged, a sentence
    n_train, n_test : items that the shipped model learnt from, and items that it was judged on
    metric : the headline score of the model on held-out items
    metrics : every metric that suits the task
    rivals : each rival on the same items
    gain : the paired gain over the best rival
    estimates : made from the training part alone: 'more of the same', 'new conditions', 'naive'
    curve : the learning curve: {n_items, value, low, high}, and `forecast` a sentence
    prediction_set : `coverage`, `threshold` and `mean_size` of the sets of labels that hold the true one as often as `coverage` says;
        empty for several labels, a regression, or too few held-out items
    pictures : arrays and lists that the page draws: confusion, reliability, residuals, per_label, mistakes, suspects
    notices : rivals that were left out, test items that were learnt from: {kind, message, where}
    deployed : name of what is shipped: the model, or the rival that it could not beat
    seed : for folds, random weights and rivals
    """

    section_name: ClassVar[str] = "evaluation"

    verdict: Verdict
    sentence: str
    protocol: str
    n_train: int
    n_test: int
    metric: Score
    metrics: tuple[Score, ...] = ()
    rivals: tuple[RivalResult, ...] = ()
    gain: Score | None = None
    estimates: dict[str, Score] = field(default_factory=dict)
    curve: tuple[dict[str, Any], ...] = ()
    forecast: str = ""
    prediction_set: dict[str, float] = field(default_factory=dict)
    pictures: dict[str, Any] = field(default_factory=dict)
    notices: tuple[dict[str, Any], ...] = ()
    deployed: str = ""
    seed: int = 0

    @property
    def deployed_rival(self) -> RivalResult | None:
        """The rival that is shipped in the model's place; None where the model itself is."""
        return next((rival for rival in self.rivals if rival.name == self.deployed), None)

    def rendering(self, report: Report) -> Rendering:
        """The head of the page, the comparison, the estimates, the mistakes; on the card use and results."""
        from headstart.proof.evaluation_rendering import render

        return render(self, report)
