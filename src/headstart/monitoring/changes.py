"""How much each number of the records, each block of features and each share changed, with intervals."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from headstart.core.student import student_t
from headstart.monitoring.distance import block_distance, shift_of
from headstart.monitoring.findings import SHIFT_SD, SHIFT_SHARE, Change, Estimate, size_of
from headstart.monitoring.statistics import FEATURES, Statistic

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from headstart.core.arrays import FloatArray, IntArray
    from headstart.monitoring.ensemble import Member
    from headstart.monitoring.history import History, Sums
    from headstart.monitoring.monitor_state import MonitorState
    from headstart.monitoring.reference import Projection

_ORDER = {"moved": 0, "undecided": 1, "steady": 2}


def changes_of(monitor: MonitorState, history: History) -> list[Change]:
    """Those that moved first, then by how far; blocks of features by their Fréchet distance, not direction by direction."""
    reference = monitor.reference
    found = [
        _of_block(history, block, monitor.seed)
        for block in reference.projections
        if f"n.{block.block}" in history.blocks[0]
    ]
    found += _of_members(monitor, history)
    return sorted(found, key=lambda one: (_ORDER[one.size], -abs(one.change)))


def _of_block(history: History, block: Projection, seed: int) -> Change:
    value, low, high = block_distance(history, block, seed=seed)
    return Change(
        name=f"{block.block} features",
        group=FEATURES,
        change=value,
        low=low,
        high=high,
        unit="standard deviations",
        size=size_of(low, high, SHIFT_SD),
    )


def _of_members(monitor: MonitorState, history: History) -> Iterator[Change]:
    reference = monitor.reference
    lately = np.stack([one.values for one in monitor.recent])
    members = reference.of_records()
    if not members:
        return
    total = history.total()
    n = total["members.n"]
    draws = {kind: history.resampled(_mean_of(f"members.{kind}")).var(axis=0) for kind in ("value", "rank")}
    scale = student_t(max(1, len(history.blocks) - 1))
    statistics = [one for one in reference.statistics if one.group != "labels"]
    for i, (statistic, member) in enumerate(zip(statistics, members, strict=True)):
        if not n[i] or statistic.group == FEATURES:
            continue
        kind = "value" if statistic.is_share else "rank"
        mean = float(total[f"members.{kind}"][i] / n[i])
        yield _change(statistic, member, lately[:, i], (mean, float(draws[kind][i]), float(n[i])), scale)


def _mean_of(name: str) -> Callable[[Sums], FloatArray]:
    return lambda sums: np.asarray(sums[name] / np.maximum(sums["members.n"], 1e-9))


def _change(
    statistic: Statistic, member: Member, lately: FloatArray, live: tuple[float, float, float], scale: float
) -> Change:
    """Of a share the difference; of a value the shift in standard deviations that would move its ranks so."""
    mean, variance, n = live
    n_reference = max(float(member.counts.sum()), 1.0)
    if statistic.is_share:
        before = _share(member)
        floor = (before * (1 - before) + 0.25 / n_reference) / n_reference + 0.25 / n**2
        margin = scale * math.sqrt(variance + floor)
        change, low, high, limit, unit = (
            mean - before,
            mean - before - margin,
            mean - before + margin,
            SHIFT_SHARE,
            "share",
        )
        ends: tuple[float | None, float | None] = (before, mean)
    else:
        margin = scale * math.sqrt(max(variance, 1 / (120 * n)) + 1 / (12 * n_reference))
        change, low, high = shift_of(mean), shift_of(mean - margin), shift_of(mean + margin)
        limit, unit = SHIFT_SD, "standard deviations"
        ends = (_median(member.edges, member.counts), None if np.isnan(lately).all() else float(np.nanmedian(lately)))
    return Change(
        name=member.name,
        group=member.group,
        change=change,
        low=low,
        high=high,
        unit=unit,
        size=size_of(low, high, limit),
        reference=ends[0],
        live=ends[1],
    )


def _share(member: Member) -> float:
    """The share of ones among zeros and ones."""
    n = float(member.counts.sum())
    ones = sum(float(member.counts[2 * i + 1]) for i, edge in enumerate(member.edges) if edge == 1.0)
    return ones / n if n else 0.0


def _median(edges: FloatArray, counts: IntArray) -> float | None:
    """The edge nearest to the middle of the counts."""
    if not len(edges) or counts.sum() <= 0:
        return None
    middle = int(np.searchsorted(np.cumsum(counts), counts.sum() / 2))
    return float(edges[min(max(middle // 2, 0), len(edges) - 1)])


def shares_of(history: History, name: str, labels: Sequence[str], before: FloatArray) -> dict[str, Estimate]:
    """The share of each label among the answers, with its 95 % interval; nothing of values."""
    total = history.total()
    if name not in total or not total["n_answered"][0]:
        return {}
    n = float(total["n_answered"][0])
    value = total[name] / n
    spread = history.resampled(lambda sums: sums[name] / np.maximum(sums["n_answered"], 1e-9)).std(axis=0)
    margin = student_t(max(1, len(history.blocks) - 1)) * np.sqrt(spread**2 + 0.25 / n**2)
    return {
        label: Estimate(
            value=float(v),
            low=max(0.0, float(v - m)),
            high=min(1.0, float(v + m)),
            reference=float(before[i]) if len(before) else None,
            n=int(n),
        )
        for i, (label, v, m) in enumerate(zip(labels, value, margin, strict=True))
    }
