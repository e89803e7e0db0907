"""The compression section of the report: what was tried, and which variant is packed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from headstart.core.report import Report, Score, Section
from headstart.reporting import Part, Rendering, template_of


@dataclass(frozen=True, kw_only=True)
class CompressionSection(Section):
    """How a bundle was compressed.

    Attributes
    ----------
    name, methods : of the packed variant
    size_mib, latency, gain, metric : its size, latency, paired gain over the original, and score on the same items
    goal, evaluation : the requested goal, and on which items it was measured
    original_mib, original : size and score of the original bundle
    trials : everything that was tried, as `Trial.to_dict`
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
        """The table of trials, and a note that the rest of the page describes the original."""
        callout = (
            f"The bundle contains a compressed version of this model. {self.sentence} Everything else on this page, except for the "
            "table below, describes the original model."
        )
        return Rendering(
            callouts=(callout,),
            page=(Part(order=100, title="Compression", template=template_of(__name__, "html")),),
            card=(Part(order=120, title="What it is", template=template_of(__name__, "md")),),
        )
