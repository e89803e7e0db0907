"""headstart inspect: what the data is taken for, before any work is done."""

from __future__ import annotations

import shlex
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from headstart.cli.dataset_options import DatasetOptions
from headstart.cli.options import Data, Json
from headstart.cli.output import emit, say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headstart.ranking.suitability import Suitability


def inspect(
    data: Data,
    *,
    options: DatasetOptions,
    as_json: Json = False,
) -> None:
    """Say what DATA is taken for, before any work is done.

    Task, columns, classes, all that was noticed, and how far the data lies from what each source was trained on.
    """
    from headstart.data import load
    from headstart.data.modalities import modality_of_fields
    from headstart.ranking import inspect_sources
    from headstart.ranking.advice import advise

    dataset = load(data, **options.arguments())
    counts = {label: int(n) for label, n in zip(dataset.labels, dataset.targets.sum(axis=0), strict=True)}
    facts: dict[str, Any] = {
        "name": dataset.name,
        "modality": dataset.modality,
        "fields": [asdict(field) for field in dataset.fields],
        "task": dataset.task,
        "n_items": len(dataset),
        "n_unlabelled": len(dataset.unlabelled),
        "columns": dataset.columns,
        "splits": None
        if dataset.splits is None
        else {s: int((dataset.splits == s).sum()) for s in ("train", "validation", "test")},
        "labels": counts if dataset.task_spec.has_probabilities else None,
        "range": None
        if dataset.task_spec.has_probabilities
        else {"low": float(dataset.targets.min()), "high": float(dataset.targets.max())},
        "notices": [{"kind": n.kind, "message": n.message, "where": list(n.where[:20])} for n in dataset.notices],
    }
    say(f"{dataset.name}: {len(dataset)} labelled {modality_of_fields(dataset.fields).plural}, {dataset.task}")
    if dataset.columns:
        say("  columns: " + ", ".join(f"{role} = {column}" for role, column in dataset.columns.items()))
    if not dataset.task_spec.has_probabilities:
        values = dataset.targets[:, 0]
        say(f"  {dataset.labels[0]}: {values.min():.4g} to {values.max():.4g}, mean {values.mean():.4g}")
    else:
        for label, n in counts.items():
            say(f"  {n:>7,}  {label}")
    if facts["splits"]:
        say("  parts: " + ", ".join(f"{name} {n:,}" for name, n in facts["splits"].items() if n))
    sources = inspect_sources(dataset)
    facts["sources"] = [asdict(source) for source in sources]
    facts["advice"] = advise(dataset, sources, f"{shlex.quote(data)}{options.words()}")
    for notice in dataset.notices:
        if not any(notice.message in sentence for sentence in facts["advice"]):  # which is said below
            say(f"  - {notice.message}")
    _say_sources(sources)
    for sentence in facts["advice"]:
        say(sentence)
    if as_json:
        emit(facts)


def _say_sources(sources: Sequence[Suitability]) -> None:
    """Say what is known of the pretrained networks, once for all of which the same is."""
    from headstart.ranking.advice import shared_warnings

    biases: dict[str, list[str]] = {}
    for source in sources:
        biases.setdefault(source.known_bias, []).append(source.name)
    for bias, names in biases.items():
        say(f"  {', '.join(names)}: known biases: {bias}")
    for warning in shared_warnings(sources):
        say(f"    ! {warning.sentence}" + (f" ({', '.join(warning.sources)})" if len(warning.sources) > 1 else ""))
