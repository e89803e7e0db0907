"""The verb: a bundle answers a stream, in this process or in several."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from headstart.core.errors import OptionError
from headstart.engines.reporters import reporter_for
from headstart.streaming.settings import StreamSettings
from headstart.streaming.worker import run_worker
from headstart.streaming.workers import run_workers

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from typing import Any

    from headstart.engines.reporters import ProgressOutput
    from headstart.streaming.loop import AnswersObserver, Observer
    from headstart.streaming.meters import Meter, StreamSummary
    from headstart.streaming.recorders import RecorderSettings


def stream(
    bundle: str | Path,
    from_: str | Path,
    to: str | Path,
    *,
    settings: StreamSettings | None = None,
    observers: Sequence[Observer | AnswersObserver] = (),
    meters: Sequence[Meter] = (),
    recorders: Sequence[RecorderSettings] = (),
    progress: ProgressOutput = sys.stderr,
    **options: Any,
) -> StreamSummary:
    """Answer every record that comes from one place, and write the answers to another, until the input ends or the run is stopped.

    A record is acknowledged after its output is durable. One that cannot be read becomes a dead letter, with its reason.

    Parameters
    ----------
    bundle : a folder that `fit` wrote, or NAME=FOLDER, NAME@VERSION=FOLDER
    from_, to : addresses: `-`, a path, or `SCHEME://…`
    settings : or its fields, as keywords: `stream(…, batch=16, key="id")`
    observers : each called on a thread after a batch was written, with its records, its items (or the error of one that cannot be read)
        and the outputs of the model, shape (n, k), NaN where there are none, or an `AnswersObserver`; one that raises is reported and does no harm
    meters : each told of every batch that was written, with its latencies
    recorders : each opened in every process of the stream; a batch is acknowledged after each has recorded it
    progress : a stream or a reporter, whose cancel token ends the run as SIGTERM does; None for silence

    Raises
    ------
    OptionError
        An address, or a setting, is wrong.
    BundleError
        The bundle cannot be opened.
    ServiceError
        A place was away for longer than `give_up_s`.
    StorageError
        A place on the disk cannot be written.
    """
    settings = settings or StreamSettings(**options)
    settings.check()
    reporter = reporter_for(progress)
    if settings.workers == 1 and not (recorders and _may_be_alone(from_, to, observers, meters)):
        return run_worker(
            str(bundle),
            str(from_),
            str(to),
            settings,
            reporter=reporter,
            observers=observers,
            meters=meters,
            recorders=recorders,
        )
    if observers or meters:
        raise OptionError(
            "observers and meters live in this process, so they need workers=1. Start several streams instead."
        )
    return run_workers(str(bundle), str(from_), str(to), settings, reporter=reporter, recorders=recorders)


def _may_be_alone(from_: str | Path, to: str | Path, *lookers_on: Sequence[Any]) -> bool:
    """Whether one worker may be a process of its own: who takes what recorders leave works beside it then, not in its way."""
    return "-" not in (str(from_), str(to)) and not any(lookers_on)
