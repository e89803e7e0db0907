"""How does the memory of a fit grow with the data? Peak over ten times the rows ÷ peak over the rows; goal at most 1.3.

Each fit runs in a new process with no features or results in the cache. The peak is the kernel's own (VmHWM): all pages
that the process held at once, files that it mapped included. Run: .venv/bin/python bench/speed/growth.py [texts|photos] [baselines]
"""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from headstart.data import demo, load

GROWTH = 10
N_TEXTS, N_PHOTOS = 1_000, 130
SOURCES = {"texts": "wordllama-256", "photos": "efficientnet-lite0"}

FIT = """
import json, re, sys, threading, time
from pathlib import Path

def held_mib(which):
    return int(re.search(which + r":\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1024

import headstart
from headstart.engines.clock import Clock

peaks, stage = {}, Clock.stage
def watched(self, name):  # the most that was held in each stage, by a look every 10 ms
    peaks[name], names[0] = 0.0, name
    return stage(self, name)
def watch():
    while True:
        if names[0]:
            peaks[names[0]] = max(peaks[names[0]], held_mib("VmRSS"))
        time.sleep(0.01)
names = [""]
Clock.stage = watched
threading.Thread(target=watch, daemon=True).start()
data, source, baselines, out = sys.argv[1:]
fitted = headstart.fit(data, source=source, baselines=baselines, out=out, progress=None)
print(json.dumps({"peak_mib": held_mib("VmHWM"), "total_s": fitted.seconds["total"], "stages": peaks}))
"""


def main() -> None:
    kinds = sys.argv[1:2] or ["texts", "photos"]
    with tempfile.TemporaryDirectory() as folder:
        for kind in kinds:
            lay_out = {"texts": lay_out_texts, "photos": lay_out_photos}[kind]
            few, many = lay_out(Path(folder))
            for baselines in sys.argv[2:3] or ["none", "simple", "full"]:
                compare(kind, baselines, few, many)


def compare(kind: str, baselines: str, few: Path, many: Path) -> None:
    small, large = (measure(data, SOURCES[kind], baselines) for data in (few, many))
    stages = ", ".join(f"{name} {small['stages'][name]:.0f} → {large['stages'][name]:.0f}" for name in large["stages"])
    print(
        f"{kind}, baselines {baselines}: {GROWTH} × the rows, peak {small['peak_mib']:.0f} → {large['peak_mib']:.0f} MiB: "
        f"{large['peak_mib'] / small['peak_mib']:.2f} × ({small['total_s']:.0f} → {large['total_s']:.0f} s); by stage: {stages}",
        flush=True,
    )


def lay_out_texts(folder: Path) -> tuple[Path, Path]:
    """Complaints, as many as a table of so many rows would hold, every class alike in both."""
    dataset = load(demo("complaints", Path("demo/complaints")))
    order = np.random.default_rng(0).permutation(len(dataset))[: N_TEXTS * GROWTH]
    paths = []
    for n in (N_TEXTS, N_TEXTS * GROWTH):
        paths.append(folder / f"{n}.csv")
        with paths[-1].open("w", newline="") as file:
            rows = [(dataset.items[i], dataset.labels[dataset.codes[i]]) for i in order[:n]]
            csv.writer(file).writerows([("text", "product"), *rows])
    return paths[0], paths[1]


def lay_out_photos(folder: Path) -> tuple[Path, Path]:
    """Photos of groceries in class folders, without a test part."""
    dataset = load(demo("groceries", Path("demo/groceries")))
    order = np.random.default_rng(0).permutation(len(dataset))[: N_PHOTOS * GROWTH]
    paths = []
    for n in (N_PHOTOS, N_PHOTOS * GROWTH):
        paths.append(folder / f"{n}")
        for i in order[:n]:
            place = paths[-1] / dataset.labels[dataset.codes[i]]
            place.mkdir(parents=True, exist_ok=True)
            shutil.copy(dataset.items[i], place / f"{i}.jpg")
    return paths[0], paths[1]


def measure(data: Path, source: str, baselines: str) -> dict:
    with tempfile.TemporaryDirectory() as cache:
        real = Path(os.environ.get("HEADSTART_CACHE", Path.home() / ".cache" / "headstart"))
        (Path(cache) / "sources").symlink_to(real / "sources")
        done = subprocess.run(
            [sys.executable, "-c", FIT, str(data), source, baselines, f"{cache}/bundle"],
            env={**os.environ, "HEADSTART_CACHE": cache},
            check=False,
            capture_output=True,
            text=True,
        )
    if done.returncode:
        sys.exit(done.stderr)
    return json.loads(done.stdout)


if __name__ == "__main__":
    main()
