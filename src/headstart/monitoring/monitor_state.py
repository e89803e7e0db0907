"""What a monitor holds of a stream; its size does not grow with it."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from headstart.monitoring.ensemble import Ensemble
from headstart.monitoring.history import History
from headstart.monitoring.incidents import Incidents
from headstart.monitoring.labelling import N_RECENT, Labelling, Recent
from headstart.monitoring.periods import MAX_PERIODS, Period
from headstart.monitoring.quality import Quality

if TYPE_CHECKING:
    from headstart.monitoring.budget import FalseAlarms
    from headstart.monitoring.findings import Alarm
    from headstart.monitoring.reference import Reference

MAX_ALARMS = 100


class MonitorState:
    """The detectors, the sums, the last records and the last alarms.

    Attributes
    ----------
    records : the detector of all that needs no labels; `labelling.ensemble` is that of losses. Each has half of the budget, and starts
        anew by itself, so that a change of the records that stays hides no loss
    history : sums over records
    recent : the last 512 records
    alarms : the last 100; `n_alarms` counts all
    incidents : each of the alarms of one change
    periods : before this one, of other models, the last 20
    seal : of the model that answered, as `periods.seal_of` gives it; '' where it is not known
    version : of that model
    """

    def __init__(self, reference: Reference, false_alarms: FalseAlarms, *, seed: int = 0) -> None:
        self.reference, self.false_alarms, self.seed = reference, false_alarms, seed
        has_labels, has_records = bool(reference.of_labels()), bool(reference.of_records())
        self.records = Ensemble(reference.of_records(), share=0.5 if has_labels else 1.0, seed=seed)
        self.labelling = Labelling(reference, share=0.5 if has_records else 1.0, seed=seed + 1)
        self.history = History()
        self.quality = Quality(duplicate_share=reference.duplicate_share)
        self.recent: deque[Recent] = deque(maxlen=N_RECENT)
        self.alarms: deque[Alarm] = deque(maxlen=MAX_ALARMS)
        self.n_alarms = 0
        self.n_records = 0
        self.incidents = Incidents()
        self.periods: deque[Period] = deque(maxlen=MAX_PERIODS)
        self.seal = self.version = ""

    @property
    def evidence(self) -> float:
        """Against "nothing changed" since the last alarm; an alarm is raised at `false_alarms.records`."""
        return max(self.records.evidence, self.labelling.ensemble.evidence)
