"""How results are said: in words to people, as JSON to machines."""

from __future__ import annotations

import json
import math
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from headstart.cli.streams import put

if TYPE_CHECKING:
    from headstart.core.report import Report


def say(text: str = "") -> None:
    """Print a line for people; where standard error cannot be written, the work goes on."""
    with suppress(OSError):
        sys.stderr.write(text + "\n")


def emit(value: Any) -> None:
    """Print one JSON value for machines; a number that is not finite becomes null."""
    put(json.dumps(_finite(value), ensure_ascii=False) + "\n")


def score_words(score: dict[str, Any]) -> str:
    """Say a score with its interval.

    >>> score_words({"name": "accuracy", "value": 0.837, "low": 0.8, "high": 0.87, "unit": "fraction", "n": 661})
    'accuracy 0.837 (95 % interval 0.800 to 0.870, 661 items)'
    """
    unit = " nats" if score["unit"] == "nats" else ""
    return f"{score['name']} {score['value']:.3f}{unit} (95 % interval {score['low']:.3f} to {score['high']:.3f}, {score['n']} items)"


def model_words(report: Report) -> str:
    """Name the transferred model: a source and its head, or the models whose mean it is."""
    head = str(report.heads.head)
    ablation = getattr(report, "ablation", None)
    is_mean = ablation is not None and sum(model.weight > 0 for model in ablation.models) > 1
    return head if is_mean else source_and_head(str(report.package.source), head)


def source_and_head(source: str, head: str) -> str:
    """Name a model of one source; there may be none, and one that reads tables as its contexts is its own head.

    >>> source_and_head("minilm", "ridge"), source_and_head("none", "boosted-trees")
    ('minilm + ridge', 'boosted-trees')
    >>> source_and_head("tabpfn-v1", "tabpfn-v1 in context")
    'tabpfn-v1 in context'
    """
    return head if source == "none" or head.startswith(source) else f"{source} + {head}"


def label_words(figures: dict[str, Any]) -> str:
    """Say how well one label is predicted.

    >>> label_words({"label": "spam", "n": 40, "precision": 0.9, "recall": None, "F1": 0.8512})
    'spam                 precision 0.900, recall none, F1 0.851, 40 items'
    """
    said = ", ".join(
        f"{name} {'none' if value is None else format(value, '.3f')}"
        for name, value in figures.items()
        if name not in ("label", "n")
    )
    return f"{figures['label']:<20} {said}, {figures['n']} items"


def ranked_words(source: dict[str, Any]) -> str:
    """Say what a ranking found of one source, on one line.

    >>> score = {"name": "logme", "value": 0.81, "low": 0.78, "high": 0.84}
    >>> facts = {"n_items": 48, "seconds": 1.2, "latency_ms": 7.8, "size_mib": 87.0, "license": "MIT", "dropped": ""}
    >>> ranked_words({"name": "minilm", "score": score, **facts})
    'minilm               logme 0.810 (0.780 to 0.840), 48 items, 1.2 s; 7.8 ms an item, 87 MiB, MIT'
    """
    score, latency_ms = source["score"], source["latency_ms"]
    words = f"{source['name']:<20} "
    if score is not None:
        words += f"{score['name']} {score['value']:.3f} ({score['low']:.3f} to {score['high']:.3f}), {source['n_items']} items, "
        words += f"{source['seconds']:.1f} s; "
    words += "" if latency_ms is None else f"{latency_ms:.2g} ms an item, "
    words += f"{source['size_mib']:.0f} MiB, {source['license']}"
    return words + (f"; {'dropped' if score else 'left out'}: {source['dropped']}" if source["dropped"] else "")


def tuning_words(result: dict[str, Any]) -> str:
    """Say on one line what came of a method of the tuning above the closed-form head.

    >>> gain = {"name": "accuracy", "value": 0.021, "low": 0.008, "high": 0.034}
    >>> figures = {"metric": {**gain, "value": 0.861}, "gain": gain, "planned_s": 80.0, "seconds": 91.2, "alpha": 1.0}
    >>> tuning_words({"name": "lora", "below": "closed form", "kept": True, "why": "better by more than one standard error", **figures})
    'lora                 accuracy 0.861, gain +0.021 (+0.008 to +0.034) over closed form; 91.2 s (80.0 s planned); kept: better by more than one standard error'
    """
    score, gain = result["metric"], result["gain"]
    words = [f"{score['name']} {score['value']:.3f}"] if score else []
    if gain:
        words[-1] += f", gain {gain['value']:+.3f} ({gain['low']:+.3f} to {gain['high']:+.3f}) over {result['below']}"
    if score and result["below"]:
        words.append(f"{result['seconds']:.1f} s ({result['planned_s']:.1f} s planned)")
    words.append(f"{'kept' if result['kept'] else 'not kept'}: {result['why']}")
    return f"{result['name']:<20} " + "; ".join(words)


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(k): _finite(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(v) for v in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value.item() if hasattr(value, "item") else value
