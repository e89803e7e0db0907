"""Shortening: what a live page has room for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from headstart.core.arrays import FloatArray
    from headstart.monitoring.monitor import Monitor
    from headstart.monitoring.verdict import WatchVerdict

N_INCIDENTS, N_NAMED = 5, 8
_N_ALARMS, _N_CHANGES, _N_LABELS, _N_PERIODS = 8, 12, 8, 10


def decided(monitor: Monitor, rows: FloatArray) -> list[list[str]]:
    """The labels that each row decides on; none of a value, or where there is no answer."""
    reference = monitor.reference
    task = reference.task_spec
    if not task.has_probabilities or not len(rows):
        return [[] for _ in rows]
    known = np.nan_to_num(np.asarray(rows, np.float64))
    found = np.asarray(task.indicators(task.weigh(known, reference.decision_weights)), bool)
    is_answered = np.isfinite(np.asarray(rows)).all(axis=1, keepdims=True)
    found &= is_answered
    return [[reference.labels[i] for i in np.flatnonzero(row)] for row in found]


def most_frequent(monitor: Monitor) -> set[str]:
    """The labels that are counted by name."""
    reference = monitor.reference
    if len(reference.answers) != len(reference.labels):
        return set(reference.labels[:_N_LABELS])
    return {reference.labels[i] for i in np.argsort(-reference.answers, kind="stable")[:_N_LABELS]}


def shortened(verdict: WatchVerdict) -> dict[str, Any]:
    """The verdict with what a page has room for."""
    said = verdict.to_dict()
    said["n_changes"] = len(verdict.changes)
    said["alarms"] = said["alarms"][-_N_ALARMS:]
    said["incidents"] = [_incident(one) for one in said["incidents"][-N_INCIDENTS:]]
    said["periods"] = [
        {**one, "incidents": [_incident(each, 1) for each in one["incidents"][-N_INCIDENTS:]]}
        for one in said["periods"][-_N_PERIODS:]
    ]
    said["changes"] = said["changes"][:_N_CHANGES]
    for name in ("label_shares", "black_box_shares", "answers"):
        ordered = sorted(said[name].items(), key=lambda one: -one[1]["value"])
        said[name] = dict(ordered[:_N_LABELS])
    return said


def _incident(said: dict[str, Any], n_named: int = N_NAMED) -> dict[str, Any]:
    return {**said, "n_named": len(said["named"]), "named": said["named"][:n_named], "moved": []}
