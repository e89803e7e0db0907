"""How does the memory of a fit grow with the data? Peak over ten times the rows ÷ peak over the rows; goal at most 1.3.

Each fit runs in a new process with no features or results in the cache. The peak is the kernel's own (VmHWM): all pages
that the process held at once, files that it mapped included.
Run: .venv/bin/python -m bench.speed.memory_growth [--kinds texts,photos] [--baselines none,simple,full]
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import numpy as np

import headstart
from bench.demos import demo_dataset, text_table
from bench.options import names, parse, parser_of
from bench.processes import last_line_as_json, memory_mib, temporary_cache
from headstart.engines.clock import Clock

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

GROWTH = 10
N_TEXTS, N_PHOTOS = 1_000, 130
SOURCES = {"texts": "wordllama-256", "photos": "efficientnet-lite0"}


def main() -> None:
    parser = parser_of(__doc__)
    parser.add_argument("--kinds", type=names, default=list(SOURCES))
    parser.add_argument("--baselines", type=names, default=["none", "simple", "full"])
    parser.add_argument("--texts", type=int, default=N_TEXTS)
    parser.add_argument("--photos", type=int, default=N_PHOTOS)
    parser.add_argument("--fit", nargs=3, help="data, source and baselines of one fit, of which JSON says the peak")
    options = parse(parser, kinds=["texts"], baselines=["none"], texts=40)
    if options.fit:
        print(json.dumps(fit(*options.fit)))
        return
    with tempfile.TemporaryDirectory() as folder:
        for kind in options.kinds:
            few, many = (
                texts_of(Path(folder), options.texts) if kind == "texts" else photos_of(Path(folder), options.photos)
            )
            for baselines in options.baselines:
                compare(kind, baselines, few, many)


def compare(kind: str, baselines: str, few: Path, many: Path) -> None:
    small, large = (measure(data, SOURCES[kind], baselines) for data in (few, many))
    stages = ", ".join(f"{name} {small['stages'][name]:.0f} → {large['stages'][name]:.0f}" for name in large["stages"])
    print(
        f"{kind}, baselines {baselines}: {GROWTH} × the rows, peak {small['peak_mib']:.0f} → {large['peak_mib']:.0f} MiB: "
        f"{large['peak_mib'] / small['peak_mib']:.2f} × ({small['total_s']:.0f} → {large['total_s']:.0f} s); by stage: {stages}",
        flush=True,
    )


def texts_of(folder: Path, n: int) -> tuple[Path, Path]:
    """Complaints, as many as a table of so many rows would hold, every class alike in both."""
    few, many = (text_table(folder / f"{rows}.csv", "complaints", rows) for rows in (n, n * GROWTH))
    return few, many


def photos_of(folder: Path, n: int) -> tuple[Path, Path]:
    """Photos of groceries in class folders, without a test part."""
    dataset = demo_dataset("groceries")
    order = np.random.default_rng(0).permutation(len(dataset))
    for rows in (n, n * GROWTH):
        for i in order[:rows]:
            place = folder / f"{rows}" / dataset.labels[dataset.codes[i]]
            place.mkdir(parents=True, exist_ok=True)
            shutil.copy(dataset.items[i], place / f"{i}.jpg")
    return folder / f"{n}", folder / f"{n * GROWTH}"


def measure(data: Path, source: str, baselines: str) -> dict[str, Any]:
    """One fit in a process of its own."""
    with temporary_cache() as cache:
        command = [sys.executable, "-m", "bench.speed.memory_growth", "--fit", str(data), source, baselines]
        return last_line_as_json(command, cache=cache)


def fit(data: str, source: str, baselines: Any) -> dict[str, Any]:
    """Fit in this process, looking every 10 ms at what is held: the peaks of all and of each stage."""
    peaks: dict[str, float] = {}
    begin = Clock.stage

    def stage(clock: Clock, name: str) -> AbstractContextManager[None]:
        peaks[name] = 0.0
        return begin(clock, name)

    def watch() -> None:
        while True:
            for name in list(peaks)[-1:]:
                peaks[name] = max(peaks[name], memory_mib("VmRSS"))
            time.sleep(0.01)

    threading.Thread(target=watch, daemon=True).start()
    with patch.object(Clock, "stage", stage), tempfile.TemporaryDirectory() as folder:
        fitted = headstart.fit(
            data, source=source, tune="none", baselines=baselines, out=Path(folder) / "model", progress=None
        )
    return {"peak_mib": memory_mib("VmHWM"), "total_s": fitted.seconds["total"], "stages": peaks}


if __name__ == "__main__":
    main()
