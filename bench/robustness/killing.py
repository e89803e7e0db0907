"""A fit that is killed and run again, beside an unbroken one: everything but the timing must be the same."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import headstart
from bench.demos import column_table, photo_folder, text_table
from bench.processes import HEADSTART, new_cache
from headstart.core.errors import HeadstartError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

KINDS = ["photos", "texts"]
WEIGHTS = (".onnx", ".safetensors")


OPTIONS = {"tables": ["--target", "churn", "--input", "all"]}
"""What `headstart fit` must be told of the data of a kind."""


def lay_out(folder: Path, kinds: Iterable[str], *, n_texts: int, photos_per_class: int) -> dict[str, Path]:
    """A little real data of each kind."""
    makers = {
        "photos": lambda: photo_folder(folder / "photos", photos_per_class),
        "texts": lambda: text_table(folder / "texts.csv", "questions", n_texts),
        "tables": lambda: column_table(folder / "tables.csv", "churn", n_texts),
    }
    return {kind: makers[kind]() for kind in kinds}


@dataclass(frozen=True, kw_only=True)
class Campaign:
    """One command, run whole and then broken off.

    Attributes
    ----------
    options : of `headstart fit`
    look : what else must be the same, from the cache of a run
    """

    folder: Path
    kind: str
    data: Path
    options: Sequence[str]
    look: Callable[[Path], dict[str, Any]] = lambda _: {}

    def whole_run(self) -> dict[str, Any]:
        """What must be the same in every run, of one that is not broken off."""
        cache, out = self._new_places()
        return finish(self._start(cache, out), out) | self.look(cache)

    def is_same_after_kill(self, moment_s: float, expected: dict[str, Any]) -> bool:
        """Kill a run, run it again to its end, and say whether that ended as an unbroken one does."""
        cache, out = self._new_places()
        process = self._start(cache, out)
        time.sleep(moment_s)
        process.send_signal(signal.SIGKILL)
        was_killed = process.wait() == -signal.SIGKILL
        left = state_of(out)
        started = time.perf_counter()
        found = finish(self._start(cache, out), out) | self.look(cache)
        again_s = time.perf_counter() - started
        beside = [path.name for path in out.parent.iterdir() if path != out]
        differing = [name for name in {**expected, **found} if found.get(name) != expected.get(name)]
        words = f"DIFFER: {', '.join(differing)}" if differing else "equal"
        words += "" if was_killed else "; it had ended already"
        words += f"; LEFT BEHIND: {beside}" if beside else ""
        print(f"{self.kind:<8}{moment_s:>12.1f}{left:>16}{again_s:>9.1f}  {words}", flush=True)
        shutil.rmtree(cache)
        return not differing and not beside and left != "half a bundle"

    def _new_places(self) -> tuple[Path, Path]:
        return new_cache(self.folder), Path(tempfile.mkdtemp(dir=self.folder)) / "model"

    def _start(self, cache: Path, out: Path) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [*HEADSTART, "fit", str(self.data), "--out", str(out), *self.options],
            env={**os.environ, "HEADSTART_CACHE": str(cache)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )


def finish(process: subprocess.Popen[bytes], out: Path) -> dict[str, Any]:
    """Wait for the end and give what must be the same in every run."""
    _, said = process.communicate()
    if process.returncode:
        sys.exit(f"the fit failed: {said.decode()}")
    report = json.loads((out / "report.json").read_text())["sections"]
    del report["timing"]
    for baseline in report["evaluation"]["baselines"]:
        del baseline["seconds"]
    for result in report.get("tuning", {"results": []})["results"]:
        del result["seconds"], result["planned_s"]
    for source in report.get("ranking", {"sources": []})["sources"]:
        del source["seconds"], source["latency_ms"]
    weights = {path.name: path.read_bytes() for path in sorted(out.iterdir()) if path.suffix in WEIGHTS}
    return {**weights, "report": report}


def state_of(out: Path) -> str:
    """What a kill left where the bundle will be."""
    if not out.exists():
        return "nothing"
    try:
        headstart.load_bundle(out)
    except HeadstartError:
        return "half a bundle"
    return "a bundle"
