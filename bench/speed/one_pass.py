"""What does a whole fit cost, in bare forward passes of the same network over the same photos?

The limit is one pass of the same ONNX graph by the same runtime over photos that are already decoded, at the fastest
setting we found. Goal: at most 1.3 passes without baselines, 4 with all. Run: .venv/bin/python bench/speed/one_pass.py
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from headstart.data import demo, load
from headstart.engines.threads import n_threads
from headstart.sources import open_source

N_PHOTOS = 1336
N_REPEATS = 2
BATCHES = (4, 8, 16, 32)

FIT = """
import json, sys, time
started = time.perf_counter()
import headstart
fitted = headstart.fit(sys.argv[1], out=sys.argv[2], source="efficientnet-lite0", baselines=sys.argv[3], progress=None)
print(json.dumps({"wall": time.perf_counter() - started, **fitted.seconds}))
"""


def main() -> None:
    photos = demo("groceries", Path("demo/groceries"))
    dataset = load(photos)
    kept = [i for i in range(len(dataset)) if dataset.splits[i] != "validation"][:N_PHOTOS]
    items = [dataset.items[i] for i in kept]
    source = open_source("efficientnet-lite0")
    folder = lay_out(dataset, kept)
    bare, fits = [], {"none": [], "full": []}
    for _ in range(N_REPEATS):  # in turn, so that a slow minute of the machine hits all alike
        bare.append(bare_pass(source, items))
        for baselines, runs in fits.items():
            runs.append(cold_fit(folder, baselines))
    limit = min(seconds for seconds, _ in bare)
    print(
        f"bare pass over {len(items)} decoded photos: {limit:.2f} s (best of {N_REPEATS} × {len(BATCHES)} settings: {min(bare)[1]})"
    )
    for baselines, runs in fits.items():
        walls = [run["wall"] for run in runs]
        ratios = [wall / seconds for wall, (seconds, _) in zip(walls, bare, strict=True)]
        print(
            f"fit --baselines {baselines}: {min(walls):.2f} s, median ratio to the bare pass of the same turn {np.median(ratios):.2f} "
            f"(best {min(ratios):.2f}); stages of the best run: {runs[int(np.argmin(walls))]}"
        )
    shutil.rmtree(folder)


def lay_out(dataset, kept) -> Path:
    """The photos alone, as train and test."""
    folder = Path(tempfile.mkdtemp())
    for i in kept:
        place = folder / str(dataset.splits[i]) / dataset.labels[dataset.codes[i]]
        place.mkdir(parents=True, exist_ok=True)
        shutil.copy(dataset.items[i], place / f"{i}.jpg")
    return folder


def bare_pass(source, items) -> tuple[float, str]:
    session, threads = source.session(), n_threads()
    pixels = source.input.transform(items)["pixels"]
    timed = []
    for batch in BATCHES:
        parts = [{"pixels": pixels[i : i + batch]} for i in range(0, len(pixels), batch)]
        with ThreadPoolExecutor(threads) as pool:
            started = time.perf_counter()
            list(pool.map(lambda part: session.run(None, part), parts))
            timed.append((time.perf_counter() - started, f"{threads} threads × batch {batch}"))
    return min(timed)


def cold_fit(folder: Path, baselines: str) -> dict:
    """A fit in a new process with no features or results in the cache, only the source itself."""
    with tempfile.TemporaryDirectory() as cache:
        real = Path(os.environ.get("HEADSTART_CACHE", Path.home() / ".cache" / "headstart"))
        (Path(cache) / "sources").symlink_to(real / "sources")
        environment = {**os.environ, "HEADSTART_CACHE": cache}
        printed = subprocess.run(
            [sys.executable, "-c", FIT, str(folder), f"{cache}/bundle", baselines],
            env=environment,
            check=True,
            capture_output=True,
            text=True,
        ).stdout
    return json.loads(printed)


if __name__ == "__main__":
    main()
