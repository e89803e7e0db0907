"""The data in the report: what was loaded, what was noticed, what looks alike."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from headstart.core.dataset import Field
from headstart.core.report import Report, Section
from headstart.core.tasks import get_task
from headstart.data.column_profiles import usual_values
from headstart.data.modalities import modality_of_fields
from headstart.data.preview import show
from headstart.reporting import Figure, Part, Rendering, template_of

if TYPE_CHECKING:
    from headstart.core.dataset import Dataset
    from headstart.data.groups import NearDuplicates

_N_GROUPS = 6
_N_MEMBERS = 6


@dataclass(frozen=True, kw_only=True)
class DataSection(Section):
    """What the model was fitted and judged on.

    Attributes
    ----------
    modality : what an item is; empty in a report of the first format
    fields : name and modality of each field; empty in a report from before there could be several
    labels : of the outputs, in their order
    n_groups : groups of near-duplicates, which every split keeps on one side
    notices : what loading noticed: {kind, message, where}
    duplicate_groups : the largest groups: {size, members}, each member as `preview` shows it
    profiles : of the columns of a table, `usual_values`; empty in a report from before there were any
    """

    section_name: ClassVar[str] = "data"

    name: str
    task: str
    modality: str = ""
    labels: tuple[str, ...]
    n_items: int
    n_groups: int
    notices: tuple[dict[str, Any], ...] = ()
    duplicate_groups: tuple[dict[str, Any], ...] = ()
    fields: tuple[dict[str, str], ...] = ()
    profiles: tuple[dict[str, Any], ...] = ()

    @property
    def reads(self) -> str:
        """What a model of this data reads, in words; empty where that is not known."""
        fields = tuple(Field(**one) for one in self.fields) or (Field("input", self.modality),)
        if not self.modality:
            return ""
        named = f" with {' and '.join(one.name for one in fields)}" if len(fields) > 1 else ""
        return modality_of_fields(fields).plural + named

    def rendering(self, report: Report) -> Rendering:
        """The size at the head, look-alikes and all notices; on the card what the model is, and its data."""
        page, card = template_of(__name__, "html"), template_of(__name__, "md")
        look_alikes = Part(
            order=900, title="Look-alikes", template=page, block="look_alikes", values={"distinct": _distinct}
        )
        notices = Part(order=1000, title="Notices about the data", template=page, block="notices")
        reads = f"Reads {self.reads} and gives" if self.reads else "Gives"
        words = {"reads": reads, "gives": get_task(self.task).gives}
        items = f"labelled items in {self.n_groups:,} groups of look-alikes"
        return Rendering(
            figures=(Figure(order=300, value=f"{self.n_items:,}", caption=items),),
            page=(*([look_alikes] if self.duplicate_groups else []), *([notices] if report.notices else [])),
            card=(
                Part(order=100, title="What it is", template=card, block="task", values=words),
                Part(order=300, title="Data", template=card, block="size"),
                Part(order=320, title="Data", template=card, block="notices"),
            ),
        )


def _distinct(members: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Of equal rows the first; other items differ to the eye, if only a little."""
    return [
        one
        for i, one in enumerate(members)
        if "fields" not in one or all(one["fields"] != other.get("fields") for other in members[:i])
    ]


def describe_data(dataset: Dataset, duplicates: NearDuplicates) -> DataSection:
    """Describe a dataset after its near-duplicates were grouped."""
    groups = tuple(
        {"size": len(members), "members": [show(dataset, int(i)) for i in members[:_N_MEMBERS]]}
        for members in duplicates.sets()[:_N_GROUPS]
    )
    return DataSection(
        name=dataset.name,
        task=dataset.task,
        modality=dataset.modality,
        labels=dataset.labels,
        fields=tuple(field.to_dict() for field in dataset.fields),
        n_items=len(dataset),
        n_groups=duplicates.n_groups,
        notices=tuple(map(asdict, dataset.notices)),
        duplicate_groups=groups,
        profiles=usual_values(dataset),
    )
