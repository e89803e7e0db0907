"""What does a whole fit cost, beside decoding the same photos and one forward pass of the same network over them?

The limit is what nobody can leave out: the photos are read, decoded and resized by all threads, and then go once through the same
ONNX graph in the same runtime, at the fastest setting we found. Goal: at most 1.15 times that without baselines, 3 times with
all; `prove` at most as long as the rest. The ratio to the pass alone is printed too. Run: .venv/bin/python -m bench.speed.one_pass
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

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
fitted = headstart.fit(sys.argv[1], out=sys.argv[2], source="{SOURCE}", tune="none", baselines=sys.argv[3], progress=None)
print(json.dumps({{"wall": time.perf_counter() - started, **fitted.seconds}}))
"""


class Limit(NamedTuple):
    """Seconds of decoding all photos and of one pass over them, and the setting of the pass."""

    decode_s: float
    pass_s: float
    setting: str


def main() -> None:
    parser = parser_of(__doc__)
    parser.add_argument("--photos", type=int, default=N_PHOTOS)
    parser.add_argument("--baselines", type=names, default=["none", "full"])
    parser.add_argument("--turns", type=int, default=2)
    options = parse(parser, photos=56, baselines=["none"], turns=1)
    dataset = demo_dataset("groceries")
    kept = spread(list(np.flatnonzero(splits_of(dataset) != "validation")), options.photos)
    source, items = open_source(SOURCE), [dataset.items[i] for i in kept]
    bare: list[Limit] = []
    fits: dict[str, list[dict[str, Any]]] = {baselines: [] for baselines in options.baselines}
    with tempfile.TemporaryDirectory() as name:
        folder = lay_out(dataset, kept, Path(name))
        for _ in range(options.turns):  # in turn, so that a slow minute of the machine hits all alike
            bare.append(bare_pass(source, items))
            for baselines, runs in fits.items():
                runs.append(cold_fit(folder, baselines))
    best = min(bare, key=lambda one: one.decode_s + one.pass_s)
    print(
        f"{len(items)} photos: decoding {best.decode_s:.2f} s + one pass {best.pass_s:.2f} s "
        f"(best of {options.turns} × {len(BATCHES)} settings: {best.setting})"
    )
    for baselines, runs in fits.items():
        show(baselines, runs, bare)


def show(baselines: str, runs: list[dict[str, Any]], bare: list[Limit]) -> None:
    walls = [run["wall"] for run in runs]
    to_limit = [wall / (one.decode_s + one.pass_s) for wall, one in zip(walls, bare, strict=True)]
    to_pass = [wall / one.pass_s for wall, one in zip(walls, bare, strict=True)]
    proving = [run["prove"] / (run["total"] - run["prove"]) for run in runs]
    print(
        f"fit --baselines {baselines}: {min(walls):.2f} s; median ratio to decoding and one pass of the same turn "
        f"{np.median(to_limit):.2f} (best {min(to_limit):.2f}), to the pass alone {np.median(to_pass):.2f}; "
        f"prove ÷ the rest {np.median(proving):.2f}; stages of the best run: {runs[int(np.argmin(walls))]}"
    )


def lay_out(dataset: Dataset, kept: Sequence[int], folder: Path) -> Path:
    """The photos alone, as train and test."""
    for i in kept:
        place = folder / str(splits_of(dataset)[i]) / dataset.labels[dataset.codes[i]]
        place.mkdir(parents=True, exist_ok=True)
        shutil.copy(dataset.items[i], place / f"{i}.jpg")
    return folder


def bare_pass(source: Source, items: Sequence[Any]) -> Limit:
    """Seconds of decoding, and of the pass at the fastest setting."""
    session, threads = source.session(), n_threads()
    started = time.perf_counter()
    with ThreadPoolExecutor(threads) as pool:
        pixels = np.concatenate(list(pool.map(lambda item: source.input.transform([item])["pixels"], items)))
    decode_s = time.perf_counter() - started
    timed: list[tuple[float, str]] = []
    for batch in BATCHES:
        parts = [{"pixels": pixels[i : i + batch]} for i in range(0, len(pixels), batch)]
        with ThreadPoolExecutor(threads) as pool:
            started = time.perf_counter()
            list(pool.map(lambda part: session.run(None, part), parts))
            timed.append((time.perf_counter() - started, f"{threads} threads × batch {batch}"))
    return Limit(decode_s, *min(timed))


def cold_fit(folder: Path, baselines: str) -> dict[str, Any]:
    """A fit in a new process with no features or results in the cache, only the source itself."""
    with temporary_cache() as cache:
        out = str(cache / "bundle")
        return last_line_as_json([sys.executable, "-c", FIT, str(folder), out, baselines], cache=cache)


if __name__ == "__main__":
    main()
