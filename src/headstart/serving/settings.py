"""What a server is told: where it listens, what it refuses, what it writes down."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from headstart.core.errors import OptionError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_CLOSE_S = 5.0  # to close connections, and to write what is kept back


@dataclass(frozen=True, kw_only=True)
class ServerSettings:
    """How to serve.

    Attributes
    ----------
    workers : processes; more than one share the weights, each graph then runs on one thread at a time
    trust : file of public keys, of which one must have signed every bundle that is served; None as for `load_bundle`
    trust_graphs : whether graphs may have loops, conditionals and the like; None as for `load_bundle`
    token_file : bearer tokens, one a line; `HEADSTART_TOKEN` is one more
    max_batch, max_latency_ms : most items that are run together, and how long that may be expected to take
    max_queue : items that may wait for one model, or run, before more are answered 429
    max_items, max_body_mib, max_megapixels, timeout_s : of one request; megapixels of one photo
    max_held_mib, max_connections : of all requests of one process together: bodies in memory, and clients
    host_names : that requests must call the server by, unless by an address; none for any, as far as no page of a browser asks
    cors : origins whose pages may ask
    certificate, private_key : PEM files for TLS
    prediction_log, log_share : folder of Parquet files, and the share of answers that is written there
    log_items : whether the items are written there too, so that people can give them labels
    trace : whether spans of OpenTelemetry are sent
    quiet : whether requests are not written to the log
    """

    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = 1
    trust: str | None = None
    trust_graphs: bool | None = None
    token_file: Path | None = None
    max_batch: int = 16
    max_latency_ms: float = 100.0
    max_queue: int = 512
    max_items: int = 256
    max_body_mib: float = 32.0
    max_megapixels: float = 50.0
    timeout_s: float = 30.0
    max_held_mib: float = 128.0
    max_connections: int = 1_000
    host_names: Sequence[str] = ()
    cors: Sequence[str] = ()
    certificate: Path | None = None
    private_key: Path | None = None
    prediction_log: Path | None = None
    log_share: float = 1.0
    log_items: bool = False
    trace: bool = False
    quiet: bool = False

    @property
    def max_body(self) -> int:
        """Bytes that a request may send."""
        return int(self.max_body_mib * (1 << 20))

    @property
    def max_held(self) -> int:
        """Bytes of bodies that may be in memory together."""
        return int(self.max_held_mib * (1 << 20))

    @property
    def stop_s(self) -> float:
        """Seconds from being told to end to the end, whatever is still at work."""
        return self.timeout_s + _CLOSE_S

    @property
    def max_pixels(self) -> int:
        """Pixels that one photo may have."""
        return int(self.max_megapixels * 1e6)

    def check(self) -> None:
        """Refuse settings that contradict each other, before anything is opened.

        Raises
        ------
        OptionError
            A certificate without its key, a file that is not there, or a log that cannot be written.
        """
        if (self.certificate is None) != (self.private_key is None):
            raise OptionError("TLS needs both files: give --certificate and --private-key, or neither.")
        if self.max_items > self.max_queue:
            raise OptionError(f"--max-items {self.max_items} would never fit into --max-queue {self.max_queue}.")
        if self.max_body_mib > self.max_held_mib:
            raise OptionError(
                f"--max-body-mib {self.max_body_mib:g} would never fit into --max-held-mib {self.max_held_mib:g}."
            )
        if self.log_items and self.prediction_log is None:
            raise OptionError("--log-items needs a log to write them to. Give --prediction-log FOLDER.")
        if not 0 < self.log_share <= 1:
            raise OptionError(f"--log-share must be above 0 and at most 1, not {self.log_share}.")
        for path in (self.token_file, self.certificate, self.private_key):
            if path is not None and not (path.is_file() and os.access(path, os.R_OK)):
                raise OptionError(f"'{path}' is not a file that can be read. Correct the path or its permissions.")
        if self.prediction_log is not None:
            _check_writable(self.prediction_log)


def _check_writable(folder: Path) -> None:
    """Make the folder, and write and remove a file there, so that a server does not find out an hour later.

    Raises
    ------
    OptionError
        It cannot be done.
    """
    trial = folder / f".headstart-{os.getpid()}-{secrets.token_hex(4)}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        trial.touch(exist_ok=False)
        trial.unlink()
    except OSError as error:
        raise OptionError(
            f"the prediction log cannot be written: '{folder}' is no folder that takes files ({error.strerror}). "
            "Give --prediction-log a folder of yours, or leave it out."
        ) from error
