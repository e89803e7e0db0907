"""Stage 10, watch: has the world changed since the model was proven? Alarms at a rate of false ones that the user chooses."""

from headstart.monitoring.budget import FalseAlarms
from headstart.monitoring.monitor import Monitor
from headstart.monitoring.reference import Reference
from headstart.monitoring.verdict import WatchVerdict
from headstart.monitoring.watching import watch

__all__ = ["FalseAlarms", "Monitor", "Reference", "WatchVerdict", "watch"]
