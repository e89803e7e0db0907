"""Monitor: follows the records and labels of a model, raises alarms within one budget, and says what it found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.monitoring.labelling import N_RECENT, Recent
from headstart.monitoring.monitor_state import MonitorState
from headstart.monitoring.seeing import see
from headstart.monitoring.statistics import LABELS
from headstart.monitoring.summarizing import alarm_of, summarize
from headstart.monitoring.sums import record_sums

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from headstart.core.arrays import FloatArray
    from headstart.monitoring.budget import FalseAlarms
    from headstart.monitoring.ensemble import Finding
    from headstart.monitoring.findings import Alarm
    from headstart.monitoring.reference import Reference
    from headstart.monitoring.sums import SeenRecords
    from headstart.monitoring.verdict import WatchVerdict
    from headstart.streaming.record import Record


class Monitor(MonitorState):
    """What is held of a stream; its size does not grow with it.

    Parameters
    ----------
    reference : what is compared with
    false_alarms : the budget
    features_of : gives features (n, d) of items, such as `bundle.features`; None to leave blocks of features out
    seed : for ties of ranks

    Examples
    --------
    >>> from headstart.core.tasks import get_task
    >>> from headstart.monitoring import FalseAlarms, Monitor
    >>> from headstart.monitoring.referring import make_reference
    >>> rng = np.random.default_rng(0)
    >>> before, after = rng.uniform(size=(500, 1)), rng.uniform(0.3, 1.3, size=(400, 1))
    >>> binary = np.hstack([1 - before, before])
    >>> reference = make_reference(task=get_task("binary"), labels=("no", "yes"), fields=(), outputs=binary)
    >>> monitor = Monitor(reference, FalseAlarms.parse("1/10000"))
    >>> alarms = monitor.observe(None, None, np.hstack([1 - after, after]))
    >>> alarms[0].name, alarms[0].direction
    ('probability of yes', 'higher')
    """

    def __init__(
        self,
        reference: Reference,
        false_alarms: FalseAlarms,
        *,
        features_of: Callable[[Sequence[Any]], FloatArray] | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__(reference, false_alarms, seed=seed)
        self.features_of = features_of if reference.projections else None

    def observe(
        self, records: Sequence[Record | None] | None, items: Sequence[Any] | None, outputs: Any
    ) -> list[Alarm]:
        """Look at records and their answers, in the order in which they came; give the alarms that this raised.

        Parameters
        ----------
        records : of a stream, for keys and times; None where there are none
        items : what the model read, or the error that says why one could not be read; None where only answers are known
        outputs : shape (n, k); None, or a row of NaN, where a record was not answered

        Raises
        ------
        DataError
            There are not as many outputs as records, or not as many columns as labels.
        """
        return self.take(see(self.reference, records, items, outputs, features_of=self.features_of))

    def take(self, seen: SeenRecords) -> list[Alarm]:
        """Count records that were seen before, in this process or in another; give the alarms that this raised."""
        first = self.n_records
        self.n_records += len(seen.values)
        keys = [key or str(first + i + 1) for i, key in enumerate(seen.keys)]
        if seen.schema:
            self.quality.wrong_schema(seen.schema)
        self.quality.see(seen.hashes, n_unreadable=seen.n_unreadable, outside=seen.outside)
        self.quality.gaps.see(seen.times)
        if not len(seen.values):
            return []
        self.history.add(len(seen.values), record_sums(self.reference, seen), first=first, times=seen.times)
        latest = [Recent(key, time, values) for key, time, values in zip(keys, seen.times, seen.values, strict=True)]
        before = list(self.recent)
        self.recent.extend(latest)
        self.labelling.wait_for(keys, seen.outputs, seen.levels)
        if not self.reference.of_records():
            return []
        found = self.records.update(seen.values, self.false_alarms.records)
        raised = self._raise(found, first, seen.times, (before, latest))
        self._look_back(seen.values, are_labels=False)
        return raised

    def label(self, keys: Sequence[str], labels: Sequence[Any]) -> list[Alarm]:
        """Take true labels, in the order in which they came; those of unknown keys, and repeated ones, are counted and left out.

        Parameters
        ----------
        labels : a label each; several, as a list, where the task is multi-label; a number in a regression

        Raises
        ------
        DataError
            A label of a regression is no number.
        """
        before = list(self.labelling.recent)
        latest = self.labelling.take(keys, labels)
        if not latest:
            return []
        first = self.labelling.n_labels - len(latest)
        values = np.stack([one.values for one in latest])
        found = self.labelling.ensemble.update(values, self.false_alarms.records)
        raised = self._raise(found, first, [None] * len(latest), (before, latest))
        self._look_back(values, are_labels=True)
        return raised

    def verdict(self, *, now: float | None = None, news_after: int | None = None) -> WatchVerdict:
        """Say what was found so far.

        Parameters
        ----------
        now : seconds since 1970, tells a silence that goes on
        news_after : the number of the last incident that is no news; a later one is an alarm, also where it is over. None: only one that is open
        """
        return summarize(self, now=now, news_after=news_after)

    def _look_back(self, values: FloatArray, *, are_labels: bool) -> None:
        """End incidents whose numbers are as they were."""
        members = (self.labelling.ensemble if are_labels else self.records).members
        at = self.quality.gaps.last_time
        self.incidents.see(values, members, are_labels=are_labels, place=self.n_records, at=at)

    def _raise(
        self,
        found: Iterable[Finding],
        first: int,
        times: Sequence[float | None],
        recent: tuple[list[Recent], list[Recent]],
    ) -> list[Alarm]:
        raised = []
        for finding in found:
            until = [*recent[0], *recent[1][: finding.place + 1]]
            alarm = alarm_of(self, finding, place=first + finding.place, time=times[finding.place], recent=until)
            raised.append(alarm)
            self.alarms.append(alarm)
            self.n_alarms += 1
            members = (self.labelling.ensemble if alarm.group == LABELS else self.records).members
            self.incidents.take(alarm, members, [one.values for one in until[-N_RECENT:]])
        return raised
