"""The ablation in the report: what each part of the model is worth, by leaving it out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from headstart.core.report import Report, Score, Section
from headstart.reporting import Part, Rendering, template_of


@dataclass(frozen=True, kw_only=True)
class WeighedModel:
    """One of the models that are averaged.

    Attributes
    ----------
    family : 'frozen', 'joint', 'tuned' or 'plain'
    weight : in the mean; 0 if it was left out
    score : of it alone, on the held-out items
    """

    name: str
    family: str
    weight: float
    score: Score


@dataclass(frozen=True, kw_only=True)
class LeftOut:
    """The model without one of its parts, on the same held-out items.

    Attributes
    ----------
    part : what is left out: a source, the plain features, all that is pretrained, or a field
    score : of the model without it
    gain : of the whole model over that, paired
    """

    part: str
    score: Score
    gain: Score


@dataclass(frozen=True, kw_only=True)
class AblationSection(Section):
    """The models that are averaged, and what the whole loses without each part.

    Attributes
    ----------
    models : all that were tried
    left_out : one entry per part
    """

    section_name: ClassVar[str] = "ablation"

    models: tuple[WeighedModel, ...] = ()
    left_out: tuple[LeftOut, ...] = ()

    def rendering(self, report: Report) -> Rendering:  # noqa: ARG002
        """The table of models and of parts."""
        page = Part(order=250, title="What each part is worth", template=template_of(__name__, "html"))
        return Rendering(page=(page,) if self.models else ())
