"""The first format of `report.json`: all fields in one flat dict. Bundles with it can still be opened."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

_SECTIONS = {
    "data": ("task", "name", "labels", "n_items", "n_groups", "notices"),
    "heads": ("head", "head_candidates"),
    "tuning": ("results",),
    "evaluation": (
        *("verdict", "sentence", "n_train", "n_test", "metric", "metrics", "baselines", "gain", "estimates"),
        *("curve", "forecast", "prediction_set", "deployed", "seed"),
    ),
    "package": ("deployed", "source", "card"),
}
_WHOLE = {"compressed": "compression", "timing": "timing"}  # flat fields that already were sections

# renamed since
_FIELDS = {"strategy": "head", "candidates": "head_candidates", "rungs": "results", "rivals": "baselines"}
_CARD_FIELDS = {"licence": "license"}
_FIGURES = {"suspects": "label_issues"}
_VERDICTS = {"no credible gain": "no significant gain"}


def to_sections(old: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Move each field of a flat report into its section."""
    flat = _renamed(old, _FIELDS)
    flat["card"] = _renamed(flat.get("card", {}), _CARD_FIELDS)
    sections = {name: {field: flat[field] for field in known if field in flat} for name, known in _SECTIONS.items()}
    figures = _renamed(flat.get("pictures", {}), _FIGURES)
    sections["data"]["duplicate_groups"] = figures.pop("duplicate_groups", [])
    verdict = flat.get("verdict", "not proven")
    sections["evaluation"] |= {
        "protocol": flat.get("evaluation", ""),
        "figures": figures,
        "verdict": _VERDICTS.get(verdict, verdict),
    }
    if not flat.get("results"):
        del sections["tuning"]
    if ranked := [_renamed(one, _CARD_FIELDS) for one in flat.get("ranking", ())]:
        metric = next((one["score"]["name"] for one in ranked if one["score"]), "")
        n_items = max(one["n_items"] for one in ranked)
        sections["ranking"] = {"metric": metric, "n_items": n_items, "sources": ranked}
    return sections | {new: flat[name] for name, new in _WHOLE.items() if flat.get(name)}


def _renamed(fields: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    return {names.get(name, name): value for name, value in fields.items()}
