"""The package in the report: what is packed, and on which pretrained network it stands."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from headstart.core.errors import MissingExtraError
from headstart.core.report import Report, Section
from headstart.core.tasks import get_task
from headstart.reporting import Part, Rendering, render_top, template_of
from headstart.sources.joint import NO_SOURCE, join_cards

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_SAID_ON_CARD = {
    "name": "name",
    "license": "license",
    "trained_on": "trained on",
    "known_bias": "known biases",
    "paper": "paper",
}
_SAID_ON_PAGE = {**_SAID_ON_CARD, "parameters": "parameters", "dimensions": "features", "gmacs": "cost, GMAC an item"}


@dataclass(frozen=True, kw_only=True)
class PackageSection(Section):
    """What the bundle runs.

    Attributes
    ----------
    deployed : name of the packed predictor
    source : name of the network of the transferred model, or of several
    card : the card of that network, or of several as one; a baseline that is packed in its place may owe it nothing
    """

    section_name: ClassVar[str] = "package"

    deployed: str
    source: str
    card: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, deployed: str, cards: Sequence[Mapping[str, Any]]) -> PackageSection:
        """The section of a predictor of that name on the networks of these cards; there may be none."""
        card = join_cards(cards)
        return cls(deployed=deployed, source=card.get("name", NO_SOURCE), card=card)

    def rendering(self, report: Report) -> Rendering:
        """How it was made, the pretrained source, and how to use it."""
        page, card = template_of(__name__, "html"), template_of(__name__, "md")
        tuned = self.card.get("tuned")
        data = getattr(report, "data", None)
        task = {} if data is None else {"task": get_task(data.task)}
        words = {"tuning": tuning_words(tuned) if tuned else ""}
        title = f"The {'tuned' if tuned else 'pretrained'} source"
        source = Part(order=1300, title=title, template=page, block="source", values={**words, "titles": _SAID_ON_PAGE})
        evaluation = getattr(report, "evaluation", None)
        refused = (
            " of the transferred model, which is not packed" if evaluation and evaluation.deployed_baseline else ""
        )
        license = f"Source, license and biases{refused}"
        return Rendering(
            page=(
                Part(order=1100, title="How it was made", template=page, block="made", values=task),
                *([source] if self.card else []),
                Part(order=1400, title="Use it", template=page, block="use"),
            ),
            card=(
                Part(order=105, title="What it is", template=card, block="deployed"),
                Part(
                    order=500, title=license, template=card, block="source", values={**words, "titles": _SAID_ON_CARD}
                ),
                Part(order=600, title="Use", template=card, block="use", values=task),
                Part(order=700, title="Limits", template=card, block="limits", values=task),
            ),
        )


def html_top(report: Report) -> str | None:
    """The verdict and the key figures for a notebook; None where what draws them is not installed."""
    try:
        return render_top(report)
    except MissingExtraError:
        return None


def tuning_words(record: Mapping[str, Any]) -> str:
    r"""Say how a network was tuned, from the record of a tuned source.

    >>> tuning_words({"parent": {"name": "minilm", "digest": "0123456789abcdef"}, "method": "lora", "alpha": 0.5, "seed": 0})
    'lora, from minilm (0123456789ab…), 50\xa0% of the way, seed 0'
    """
    parent = record["parent"]
    said = [record["method"], f"from {parent['name']} ({parent['digest'][:12]}…)"]
    if "alpha" in record:
        said.append(f"{100 * record['alpha']:.0f}\N{NO-BREAK SPACE}% of the way")
    return ", ".join([*said, f"seed {record['seed']}"])
