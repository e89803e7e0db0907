"""What a bundle says of the data that its model expects."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from headstart.core.dataset import Field
from headstart.core.errors import BundleError
from headstart.core.label_rule import LabelRule

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headstart.core.decision import DecisionRule


@dataclass(frozen=True, kw_only=True)
class BundleSchema:
    """What the bundle says of the data that the model expects: as in `Dataset`, without the items."""

    name: str
    modality: str
    task: str
    labels: tuple[str, ...]
    columns: Mapping[str, str] = field(default_factory=dict)
    fields: tuple[Field, ...] = ()
    label_rule: LabelRule = field(default_factory=LabelRule)
    metric: str = ""
    decision: DecisionRule | None = None

    def to_dict(self) -> dict[str, Any]:
        """As the manifest holds it."""
        fields = self.fields or (Field(self.columns.get("input") or "input", self.modality),)
        described = {name: value for name, value in vars(self).items() if name != "decision"}
        weights = None if self.decision is None else list(self.decision.weights)
        return {
            **described,
            "fields": [one.to_dict() for one in fields],
            "label_rule": asdict(self.label_rule),
            "decision_weights": weights,
        }


def fields_of(manifest: Mapping[str, Any]) -> tuple[Field, ...]:
    """Read the fields; bundles from before there were several name none."""
    described = manifest.get("fields")
    if described is None:
        return (Field(manifest["columns"].get("input") or "input", manifest["modality"]),)
    try:
        found = tuple(Field(str(one["name"]), str(one["modality"]), str(one.get("written", ""))) for one in described)
    except (TypeError, KeyError, AttributeError) as error:
        raise BundleError(f"'fields' in the manifest lacks or mistakes {error}. Make the bundle again.") from error
    if not found:
        raise BundleError("'fields' in the manifest names none. Make the bundle again with 'headstart fit'.")
    return found


def input_column_of(manifest: Mapping[str, Any]) -> str:
    """The name of the column that the model learnt from; '' where it learnt from a folder or from lists, which have no names."""
    columns = manifest["columns"]
    named = (columns.get("input") or "", columns.get("target"))
    return "" if named in ((manifest["modality"], "folder"), ("input", "target")) else named[0]


def label_rule_of(manifest: Mapping[str, Any]) -> LabelRule:
    """Read how labels were read; bundles from before there was a rule say nothing."""
    described = manifest.get("label_rule", {})
    try:
        missing = described.get("missing")
        rule = LabelRule(
            keep_case=bool(described.get("keep_case", False)),
            missing=None if missing is None else tuple(map(str, missing)),
            type=described.get("type", "str"),
        )
        for label in manifest["labels"]:
            rule.value(label)
    except (TypeError, AttributeError, ValueError) as error:
        raise BundleError(f"'label_rule' in the manifest is wrong ({error}). Make the bundle again.") from error
    return rule
