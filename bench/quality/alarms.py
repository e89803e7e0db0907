"""Are false alarms as rare as was asked for? And are planted changes found, beside other detectors that alarm falsely no more often?

Six real tables, a logistic regression of 1,000 rows of each; streams are drawn from the rows that it never saw.
Stable: the monitor with all its members (columns, answers, losses), its alarms against the budget, and its incidents, which are alarms of one change; the reference is 1,000 other rows, or
out-of-fold answers on the rows that it learned from, as `headstart fit` keeps them.
Planted, from row 500 on: the strongest column half a standard deviation higher (abrupt), so within 1,000 rows (gradual), swinging by one
(seasonal), the rarer label twice as frequent (labels), 15 % of the labels flipped (concept).
Run: .venv/bin/python -m bench.quality.alarms
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from bench.options import names, parse, parser_of
from bench.quality.alarms_detectors import GRIDS, OURS, SLOW, Series, alarms_of, found_and_delay, matched, n_alarms
from bench.quality.alarms_streams import SHIFTS, TABLES, Stream, Watched, planted, rows_of
from headstart.monitoring import FalseAlarms, Monitor
from headstart.monitoring.summarizing import accuracy_of

if TYPE_CHECKING:
    import argparse

    from headstart.monitoring.reference import Reference

N_REFERENCE = 1000
BATCH = 100


@dataclass
class Followed:
    """The alarms of streams of one kind, and what was estimated and measured of the accuracy in them."""

    alarms: list[list[int]] = field(default_factory=list)
    incidents: list[int] = field(default_factory=list)
    errors: list[float] = field(default_factory=list)
    held: list[bool] = field(default_factory=list)

    def add(self, other: Followed) -> None:
        """Take those of other streams too."""
        self.alarms += other.alarms
        self.incidents += other.incidents
        self.errors += other.errors
        self.held += other.held


def main() -> None:
    parser = parser_of(__doc__)
    parser.add_argument("--tables", type=names, default=TABLES)
    parser.add_argument("--streams", type=int, default=40, help="stable ones of each table and reference")
    parser.add_argument("--records", type=int, default=1000, help="of each stable stream")
    parser.add_argument("--budget", type=float, default=1000, help="records for one false alarm, of the stable streams")
    parser.add_argument("--planted", type=names, default=TABLES[:3])
    parser.add_argument("--shifted", type=int, default=10, help="streams of each change and table")
    parser.add_argument("--slow", type=int, default=5, help="of them that KSWIN reads")
    options = parse(parser, tables=["churn"], planted=["churn"], streams=2, records=200, shifted=1, slow=1)
    print(
        "| table | reference | records | alarms allowed | alarms | a budget's, 95 % interval | incidents |\n|---|---|---|---|---|---|---|"
    )
    stable(options)
    print(
        "\n| table | change | without labels | with labels | estimated - measured accuracy, points | interval held | alarms a stream | incidents a stream |\n|---|---|---|---|---|---|---|---|"
    )
    for name in options.planted:
        shifted(name, options)
    print(
        "\n| series | detector | setting | false alarms | "
        + " | ".join(SHIFTS)
        + " |\n|---|---|---|---|"
        + "---|" * len(SHIFTS)
    )
    if options.planted:
        beside(options)


def follow(
    reference: Reference, watched: Watched, stream: Stream, budget: float, into: Followed, *, with_labels: bool
) -> None:
    """Run a monitor over a stream, labels coming a batch later."""
    monitor = Monitor(reference, FalseAlarms(records=budget, words=""))
    rows, outputs = rows_of(stream.frame), watched.outputs(stream.frame)
    places: list[int] = []
    for start in range(0, len(rows), BATCH):
        part = np.arange(start, min(start + BATCH, len(rows)))
        places += [alarm.record - 1 for alarm in monitor.observe(None, rows.take(part), outputs[part])]
        if with_labels:
            found = monitor.label([str(i + 1) for i in part], [str(stream.codes[i]) for i in part])
            places += [alarm.record - 1 for alarm in found]
    into.alarms.append(sorted(places))
    into.incidents.append(monitor.incidents.n)
    if with_labels:
        accuracy = accuracy_of(monitor)
        estimated, measured = accuracy["estimated"], accuracy["measured"]
        into.errors.append(100 * (estimated.value - measured.value))
        into.held.append(estimated.low <= measured.value <= estimated.high)


def stable(options: argparse.Namespace) -> None:
    """Print the false alarms of stable streams against the budget."""
    totals = {"other rows": Followed(), "out-of-fold": Followed()}
    for name in options.tables:
        of = {kind: Followed() for kind in totals}
        for draw in range(options.streams):  # the promise is one over references, so each stream has its own
            watched = Watched.load(name, draw)
            kept = watched.cross_fitted()
            held_out, live = watched.draw(np.random.default_rng((1, draw)), N_REFERENCE, options.records)
            for kind, reference in (("other rows", watched.reference(held_out)), ("out-of-fold", kept)):
                follow(reference, watched, live, options.budget, of[kind], with_labels=True)
        for kind, one in of.items():
            _print_stable(name, kind, one, options)
            totals[kind].add(one)
    for kind, one in totals.items() if options.tables else ():
        _print_stable("all", kind, one, options)
        mean = np.mean(np.abs(one.errors))
        print(
            f"Estimated against measured accuracy of stable streams, {kind}: mean error {mean:.2f} points, interval held {np.mean(one.held):.2f}"
        )


def _print_stable(name: str, kind: str, one: Followed, options: argparse.Namespace) -> None:
    counts = np.array([len(places) for places in one.alarms])
    allowed = len(counts) * options.records / options.budget
    n, error = counts.sum(), 1.96 * math.sqrt(max(counts.var() * len(counts), 1.0))
    low, high = max(0.0, n - error) / allowed, (n + error) / allowed
    print(
        f"| {name} | {kind} | {len(counts) * options.records:,} | {allowed:.0f} | {n} | {n / allowed:.2f} ({low:.2f} to {high:.2f}) | {sum(one.incidents)} |",
        flush=True,
    )


def n_alarms_of(one: Followed) -> float:
    """The mean number of alarms of a stream."""
    return float(np.mean([len(places) for places in one.alarms]))


def shifted(name: str, options: argparse.Namespace) -> None:
    """Print what the monitor finds of planted changes."""
    watched, start = Watched.load(name, 0), options.records // 2
    for shift in SHIFTS:
        without, with_labels = Followed(), Followed()
        for draw in range(options.shifted):
            rng = np.random.default_rng((2, draw))
            held_out, live = watched.draw(rng, N_REFERENCE, start + 1500 if not options.quick else 2 * start)
            stream = planted(watched, live, shift, start, rng)
            reference = watched.reference(held_out)
            follow(reference, watched, stream, 10_000, without, with_labels=False)
            follow(reference, watched, stream, 10_000, with_labels, with_labels=True)
        error, held = np.mean(np.abs(with_labels.errors)), np.mean(with_labels.held)
        print(
            f"| {name} | {shift} | {found_and_delay(without.alarms, start)} | {found_and_delay(with_labels.alarms, start)} | {error:.1f} | {held:.2f} | {n_alarms_of(with_labels):.1f} | {np.mean(with_labels.incidents):.1f} |",
            flush=True,
        )


def _series(watched: Watched, held_out: Stream, live: Stream, which: str) -> Series:
    """The probability of the second label, or the error, of a reference and a stream."""
    outputs = [watched.outputs(part.frame)[:, 1] for part in (held_out, live)]
    if which == "probability":
        return outputs[0], outputs[1]
    first, second = ((p > 0.5) != part.codes for p, part in zip(outputs, (held_out, live), strict=True))
    return first.astype(float), second.astype(float)


def beside(options: argparse.Namespace) -> None:
    """Print the detectors on one series each."""
    start = options.records // 2
    for which in ("probability", "error"):
        plain: list[Series] = []
        changed: dict[str, list[Series]] = {shift: [] for shift in SHIFTS}
        for draw in range(options.shifted):
            for name in options.planted:
                watched, rng = Watched.load(name, 0), np.random.default_rng((3, draw))
                held_out, live = watched.draw(rng, N_REFERENCE, start + 1500 if not options.quick else 2 * start)
                plain.append(_series(watched, held_out, live, which))
                for shift in SHIFTS:
                    changed[shift].append(_series(watched, held_out, planted(watched, live, shift, start, rng), which))
        kind = {"kind": "loss"} if which == "error" else {}
        false = n_alarms(OURS, 10_000, plain, **kind)
        _print_detector(which, OURS, 10_000, f"{false} of {len(plain)}", changed, start, kind)
        for name in GRIDS:
            n = options.slow * len(options.planted) if name in SLOW else len(plain)
            setting, found = matched(name, plain[:n], false / len(plain))
            few = {shift: one[:n] for shift, one in changed.items()}
            _print_detector(which, name, setting, f"{found} of {n}", few, start, {})


def _print_detector(
    which: str,
    name: str,
    setting: float,
    false: str,
    changed: dict[str, list[Series]],
    start: int,
    options: dict[str, str],
) -> None:
    cells = [
        found_and_delay([alarms_of(name, setting, one, **options) for one in series], start)
        for series in changed.values()
    ]
    print(f"| {which} | {name} | {setting:g} | {false} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
