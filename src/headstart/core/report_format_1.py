"""The first format of `report.json`: all fields in one flat dict. Bundles made then still open."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

_FIELDS = {
    "data": ("task", "name", "labels", "n_items", "n_groups", "notices"),
    "heads": ("strategy", "candidates"),
    "tuning": ("rungs",),
    "evaluation": (
        *("verdict", "sentence", "n_train", "n_test", "metric", "metrics", "rivals", "gain", "estimates"),
        *("curve", "forecast", "prediction_set", "deployed", "seed"),
    ),
    "package": ("deployed", "source", "card"),
}
_VERDICTS = {"no credible gain": "no significant gain"}  # words that changed since
_WHOLE = {"compressed": "compression", "timing": "timing"}  # flat fields that were a section already


def to_sections(flat: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Put each field of a flat report into the section that has it now."""
    sections = {name: {field: flat[field] for field in known if field in flat} for name, known in _FIELDS.items()}
    pictures = dict(flat.get("pictures", {}))
    sections["data"]["duplicate_groups"] = pictures.pop("duplicate_groups", [])
    verdict = flat.get("verdict", "not proven")
    sections["evaluation"] |= {
        "protocol": flat.get("evaluation", ""),
        "pictures": pictures,
        "verdict": _VERDICTS.get(verdict, verdict),
    }
    if not flat.get("rungs"):
        del sections["tuning"]
    if ranked := flat.get("ranking"):
        metric = next((one["score"]["name"] for one in ranked if one["score"]), "")
        n_items = max(one["n_items"] for one in ranked)
        sections["ranking"] = {"metric": metric, "n_items": n_items, "sources": ranked}
    return sections | {new: flat[old] for old, new in _WHOLE.items() if flat.get(old)}
