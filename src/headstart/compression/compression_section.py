"""Compression in the report: what was tried to make the packed model smaller or faster, and which of it is packed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from headstart.core.report import Report, Score, Section
from headstart.reporting import Part, Rendering, template_of


@dataclass(frozen=True, kw_only=True)
class CompressionSection(Section):
    """Of a bundle that was made smaller.

    Attributes
    ----------
    name, methods : what is packed
    size_mib, latency, gain, metric : its figures: the paired gain over the original, and the score on the same items
    goal, evaluation : what was asked for, and on which items it was measured
    original_mib, original : size and score of the bundle that was given
    trials : all that was tried, as `Trial.to_dict`
    """

    section_name: ClassVar[str] = "compression"

    name: str
    methods: tuple[str, ...]
    size_mib: float
    latency: dict[str, Any]
    gain: Score
    metric: Score
    goal: dict[str, Any]
    evaluation: str
    original_mib: float
    original: Score
    sentence: str
    trials: tuple[dict[str, Any], ...]

    def rendering(self, report: Report) -> Rendering:  # noqa: ARG002
        """The table of trials, and a warning that the rest describes the original."""
        callout = (
            f"Packed is a smaller model made of this one. {self.sentence} All else on this page, but for the table below, "
            "describes the model that it was made of."
        )
        return Rendering(
            callouts=(callout,),
            page=(Part(order=100, title="Made smaller", template=template_of(__name__, "html")),),
            card=(Part(order=120, title="What it is", template=template_of(__name__, "md")),),
        )
