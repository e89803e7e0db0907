"""What does a whole fit cost, in bare forward passes of the same network over the same photos?

The limit is one pass of the same ONNX graph by the same runtime over photos that are already decoded, at the fastest
setting we found. Goal: at most 1.3 passes without baselines, 4 with all. Run: .venv/bin/python -m bench.speed.one_pass
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.demos import demo_dataset, splits_of, spread
from bench.options import names, parse, parser_of
from bench.processes import last_line_as_json, temporary_cache
from headstart.engines.threads import n_threads
from headstart.sources import open_source

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headstart.core.dataset import Dataset
    from headstart.sources import Source

SOURCE = "efficientnet-lite0"
N_PHOTOS = 1336
BATCHES = (4, 8, 16, 32)

FIT = f"""
import json, sys, time
started = time.perf_counter()
import headstart
fitted = headstart.fit(sys.argv[1], out=sys.argv[2], source="{SOURCE}", baselines=sys.argv[3], progress=None)
print(json.dumps({{"wall": time.perf_counter() - started, **fitted.seconds}}))
"""


def main() -> None:
    parser = parser_of(__doc__)
    parser.add_argument("--photos", type=int, default=N_PHOTOS)
    parser.add_argument("--baselines", type=names, default=["none", "full"])
    parser.add_argument("--turns", type=int, default=2)
    options = parse(parser, photos=56, baselines=["none"], turns=1)
    dataset = demo_dataset("groceries")
    kept = spread(list(np.flatnonzero(splits_of(dataset) != "validation")), options.photos)
    source, items = open_source(SOURCE), [dataset.items[i] for i in kept]
    bare: list[tuple[float, str]] = []
    fits: dict[str, list[dict[str, Any]]] = {baselines: [] for baselines in options.baselines}
    with tempfile.TemporaryDirectory() as name:
        folder = lay_out(dataset, kept, Path(name))
        for _ in range(options.turns):  # in turn, so that a slow minute of the machine hits all alike
            bare.append(bare_pass(source, items))
            for baselines, runs in fits.items():
                runs.append(cold_fit(folder, baselines))
    limit, setting = min(bare)
    print(
        f"bare pass over {len(items)} decoded photos: {limit:.2f} s (best of {options.turns} × {len(BATCHES)} settings: {setting})"
    )
    for baselines, runs in fits.items():
        show(baselines, runs, [seconds for seconds, _ in bare])


def show(baselines: str, runs: list[dict[str, Any]], bare_s: list[float]) -> None:
    walls = [run["wall"] for run in runs]
    ratios = [wall / seconds for wall, seconds in zip(walls, bare_s, strict=True)]
    print(
        f"fit --baselines {baselines}: {min(walls):.2f} s, median ratio to the bare pass of the same turn {np.median(ratios):.2f} "
        f"(best {min(ratios):.2f}); stages of the best run: {runs[int(np.argmin(walls))]}"
    )


def lay_out(dataset: Dataset, kept: Sequence[int], folder: Path) -> Path:
    """The photos alone, as train and test."""
    for i in kept:
        place = folder / str(splits_of(dataset)[i]) / dataset.labels[dataset.codes[i]]
        place.mkdir(parents=True, exist_ok=True)
        shutil.copy(dataset.items[i], place / f"{i}.jpg")
    return folder


def bare_pass(source: Source, items: Sequence[Any]) -> tuple[float, str]:
    """Seconds at the fastest setting, and what that is."""
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


def cold_fit(folder: Path, baselines: str) -> dict[str, Any]:
    """A fit in a new process with no features or results in the cache, only the source itself."""
    with temporary_cache() as cache:
        out = str(cache / "bundle")
        return last_line_as_json([sys.executable, "-c", FIT, str(folder), out, baselines], cache=cache)


if __name__ == "__main__":
    main()
