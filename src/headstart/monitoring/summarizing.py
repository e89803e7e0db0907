"""From the state of a monitor to a verdict, and from a finding to an alarm in words."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.core.student import Z_95
from headstart.monitoring.changes import changes_of, shares_of
from headstart.monitoring.estimating import Intervals, black_box_shares, estimated_accuracy, most_likely_shares
from headstart.monitoring.findings import Alarm, Estimate, moved_words
from headstart.monitoring.statistics import COLUMNS, LABELS, PREDICTIONS
from headstart.monitoring.verdict import WatchVerdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headstart.core.arrays import FloatArray
    from headstart.monitoring.ensemble import Finding
    from headstart.monitoring.findings import Break
    from headstart.monitoring.history import History, Sums
    from headstart.monitoring.labelling import Recent
    from headstart.monitoring.monitor_state import MonitorState
    from headstart.monitoring.verdict import Status

_N_EXAMPLES = 5
_N_COURSE = 40
_ADVICE = {
    LABELS: "The model makes more errors than it was proven with. Look at the examples, then adapt it to recent labels.",
    COLUMNS: "Ask where '{column}' comes from: a new sender, unit or version. If the change is real, adapt the model to recent labels.",
    PREDICTIONS: "The answers moved: what comes in, or its mixture, is another. Have some of the examples labelled and see whether the answers are right.",
}
_ELSE = "What comes in looks unlike what the model was proven on. Have some of the examples labelled and see whether the answers are right."


def summarize(monitor: MonitorState, *, now: float | None = None, news_after: int | None = None) -> WatchVerdict:
    """Compose the verdict; arguments as for `Monitor.verdict`."""
    reference, labels = monitor.reference, monitor.labelling.history
    since = _since(monitor)
    breaks = (*monitor.quality.breaks(now=now), *monitor.labelling.breaks())
    has_records = bool(monitor.history.blocks)
    accuracy = accuracy_of(monitor)
    black_box = _label_shares(monitor, black_box_shares(reference, monitor.history)) if has_records else {}
    likeliest = _label_shares(monitor, most_likely_shares(reference, monitor.history)) if has_records else {}
    status, sentence = _status(monitor, breaks, news_after=news_after)
    return WatchVerdict(
        status=status,
        sentence=sentence,
        budget=monitor.false_alarms.words,
        n_records=monitor.n_records,
        n_labels=monitor.labelling.n_labels,
        evidence=monitor.evidence,
        threshold=monitor.false_alarms.records,
        alarms=tuple(monitor.alarms),
        incidents=tuple(monitor.incidents.kept),
        since=since + 1,
        changes=tuple(changes_of(monitor, monitor.history.since(since))) if has_records else (),
        accuracy=accuracy,
        label_shares=likeliest or black_box,
        black_box_shares=black_box,
        answers=shares_of(monitor.history, "decided", reference.labels, reference.answers) if has_records else {},
        breaks=breaks,
        course=tuple(_course(monitor.history, labels, reference.task_spec.is_single_label)),
        made_of=reference.made_of,
        version=monitor.version,
        seal=monitor.seal,
        periods=tuple(monitor.periods),
    )


def _status(monitor: MonitorState, breaks: Sequence[Break], *, news_after: int | None) -> tuple[Status, str]:
    """The status, and the sentence that says it."""
    incidents = monitor.incidents
    alarming = [one for one in incidents.open if not one.known]
    if news_after is not None:  # who looks now and then is told of what came and went between two looks
        alarming += [
            one for one in reversed(incidents.kept) if one.number > news_after and one not in alarming and not one.known
        ]
    if alarming:
        n_more = len(alarming) - 1
        more = "" if not n_more else f" {n_more:,} more incident{'' if n_more == 1 else 's'}."
        return "alarm", f"{alarming[0].sentence}{more}"
    if broken := [one for one in breaks if one.is_broken]:
        return "broken", broken[0].message
    if not monitor.history.blocks:
        return "no records", "No record has come yet."
    seen = f"{monitor.n_records:,} records ({monitor.false_alarms.words})"
    if known := [one for one in incidents.open if one.known]:
        return "steady", f"Nothing new in {seen}. Known is: {known[0].known}. {known[0].sentence}"
    if incidents.n:
        last = incidents.kept[-1]
        return "steady", f"No incident is open after {seen}; incident {last.number:,} was the last. {last.sentence}"
    return "steady", f"No alarm in {seen}."


def _since(monitor: MonitorState) -> int:
    """The place of the record from which on changes are measured: where the newest change is said to have begun, or the last one ended."""
    for one in monitor.incidents.open:
        if one.last_record:
            return min(named.alarm.since for named in one.named if named.alarm.group != LABELS) - 1
    return max((one.ended_record for one in monitor.incidents.kept), default=0)


def accuracy_of(monitor: MonitorState) -> dict[str, Estimate]:
    """The accuracy, or the error of a value: as estimated, as measured, and of the previous label as the answer."""
    reference, history = monitor.reference, monitor.labelling.history
    found: dict[str, Estimate] = {}
    is_right = reference.task_spec.has_probabilities
    proven = reference.scores.get("accuracy", reference.scores.get("error"))
    if proven is not None and is_right and "error" in reference.scores:
        proven = 1 - proven
    if estimated := (estimated_accuracy(reference, monitor.history) if monitor.history.blocks else None):
        n = int(monitor.history.total()["n_answered"][0])
        found["estimated"] = Estimate(value=estimated[0], low=estimated[1], high=estimated[2], reference=proven, n=n)
    if not history.blocks:
        return found
    for name, key, of in (("measured", "error", "n"), ("previous label", "previous", "n_previous")):
        if measured := _mean(history, key, of, is_share=is_right):
            value, low, high = measured
            if is_right:
                value, low, high = 1 - value, 1 - high, 1 - low
            n = int(history.total()[of][0])
            found[name] = Estimate(value=value, low=low, high=high, reference=proven, n=n)
    return found


def _mean(history: History, key: str, of: str, *, is_share: bool) -> tuple[float, float, float] | None:
    total = history.total()
    n = float(total[of][0])
    if not n:
        return None
    value = float(total[key][0]) / n
    spread = float(history.resampled(lambda sums: sums[key] / np.maximum(sums[of], 1e-9)).std())
    if not is_share:
        return value, max(0.0, value - Z_95 * spread), value + Z_95 * spread
    # Wilson's interval of as many independent records as would spread so much
    binomial = value * (1 - value) / n
    size = n if spread**2 <= binomial or not binomial else max(1.0, n * binomial / spread**2)
    z2 = Z_95**2
    centre = (value + z2 / (2 * size)) / (1 + z2 / size)
    margin = Z_95 * math.sqrt(value * (1 - value) / size + z2 / (4 * size**2)) / (1 + z2 / size)
    return value, max(0.0, centre - margin), min(1.0, centre + margin)


def _label_shares(monitor: MonitorState, found: Intervals | None) -> dict[str, Estimate]:
    reference = monitor.reference
    if found is None:
        return {}
    n = int(monitor.history.total()["n_answered"][0])
    return {
        label: Estimate(value=value, low=low, high=high, reference=float(before), n=n)
        for label, (value, low, high), before in zip(reference.labels, found, reference.shares, strict=True)
    }


def _course(history: History, labels: History, is_single_label: bool) -> list[dict[str, Any]]:
    """Points along the records, for the chart: what was estimated and measured of the accuracy."""
    points: list[dict[str, Any]] = []

    def add(series: str, of: History, figure: Any) -> None:
        for block in of.blocks[-_N_COURSE:]:
            value = figure(block)
            if value is not None:
                at = float(block["first"][0] + block["n"][0] / 2)
                points.append({"series": series, "at": at, "value": value})

    def estimated(block: Sums) -> float | None:
        n = block.get("n_answered", np.zeros(1))[0]
        return float(block["calibrated"][0] / n) if n and "calibrated" in block else None

    add("estimated", history, estimated)
    if is_single_label:
        add("measured", labels, lambda block: float(1 - block["error"][0] / block["n"][0]))
    return points


def alarm_of(
    monitor: MonitorState,
    finding: Finding,
    *,
    place: int,
    time: float | None,
    recent: Sequence[Recent],
) -> Alarm:
    """Say an alarm in words, with examples from the records since."""
    member = finding.member
    since = max(0, place - finding.n_since + 1)
    what = "label" if member.group == LABELS else "record"
    said = moved_words(member.name, finding.direction)
    members = [one for one in monitor.reference.members if (one.group == LABELS) == (member.group == LABELS)]
    return Alarm(
        record=place + 1,
        time=time,
        name=member.name,
        group=member.group,
        column=member.column.strip("\0"),
        direction=finding.direction,
        since=since + 1,
        since_time=_time_at(monitor.history, since) if what == "record" else None,
        share=finding.share,
        sentence=f"{member.name[:1].upper()}{member.name[1:]} is {said} than in the reference, about since {what} {since + 1:,} (alarm at {what} {place + 1:,}).",
        advice=_ADVICE.get(member.group, _ELSE).format(column=member.column),
        examples=_examples(recent, members.index(member), finding),
    )


def _examples(recent: Sequence[Recent], member: int, finding: Finding) -> tuple[str, ...]:
    """Keys of the records since then that are farthest in that direction."""
    since = recent[-finding.n_since :]
    values: FloatArray = np.array([one.values[member] for one in since], np.float64)
    if not len(values) or np.isnan(values).all():
        return ()
    if finding.direction in ("spread out", "drawn together"):
        values = np.abs(values - np.nanmedian(values))
    sign = 1 if finding.direction in ("lower", "drawn together") else -1
    order = np.argsort(np.where(np.isnan(values), np.inf, sign * values), kind="stable")[:_N_EXAMPLES]
    return tuple(since[i].key for i in order if not np.isnan(values[i]))


def _time_at(history: History, record: int) -> float | None:
    """About when a record came, by the block that it is in."""
    times = [float(block["time"][0]) for block in history.blocks if block["first"][0] <= record]
    return times[-1] if times and not math.isnan(times[-1]) else None
