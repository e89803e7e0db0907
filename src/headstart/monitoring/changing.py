"""Changing: when another model answers, the period of the former one is closed, and a new one begins with the new model's reference."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from headstart.monitoring.monitor import Monitor
from headstart.monitoring.periods import Period
from headstart.packaging.registries.address import is_remote, parse
from headstart.storage.alias import CHAMPION, registry_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from headstart.core.arrays import FloatArray
    from headstart.monitoring.reference import Reference


def next_period(
    former: Monitor,
    reference: Reference,
    *,
    version: str,
    seal: str,
    at: float,
    features_of: Callable[[Sequence[Any]], FloatArray] | None = None,
) -> Monitor:
    """Close the period of a monitor, and give the monitor of the next; the budget stays.

    Parameters
    ----------
    reference, version, seal, features_of : of the model that answers now
    at : seconds since 1970
    """
    close_period(former, version, at=at)
    monitor = Monitor(reference, former.false_alarms, features_of=features_of, seed=former.seed)
    monitor.version, monitor.seal = version, seal
    monitor.quality.gaps = former.quality.gaps  # records go on without a break
    monitor.periods.extend(former.periods)
    if former.n_records:
        monitor.periods.append(period_of(former, at))
    return monitor


def close_period(former: Monitor, version: str, *, at: float) -> None:
    """End what is open: another model answers."""
    now = f"version {version} answers" if version else "another model answers"
    former.incidents.end(now, record=former.n_records, at=at)


def period_of(monitor: Monitor, at: float) -> Period:
    """What is kept of a period that is over."""
    verdict, incidents = monitor.verdict(), tuple(monitor.incidents.kept)
    return Period(
        version=monitor.version,
        seal=monitor.seal,
        ended=at,
        n_records=monitor.n_records,
        n_labels=monitor.labelling.n_labels,
        n_alarms=monitor.n_alarms,
        n_incidents=monitor.incidents.n,
        sentence=incidents[-1].sentence if incidents else verdict.sentence,
        incidents=incidents,
        accuracy=verdict.accuracy,
    )


def version_of(bundle: str | Path) -> str:
    """The number of a version of a registry, or of its champion; '' of a bundle that is in none."""
    path = parse(str(bundle)).copy if is_remote(bundle) else Path(bundle)
    registry = registry_of(path)
    if registry is None:
        return ""
    return (registry / CHAMPION if path == registry else path).resolve().name
