"""Does each preset keep its time? Seconds of a whole fit at 100, 500 and 5,000 texts, and at 100 and 500 photos, beside the promise.

The promise is for 500 items of ordinary size on two cores: 30 s, 3 minutes and 15 minutes; beyond, it grows with the root of their number
(`pipeline/presets.py`), and fewer may take as long. Kept: at most 1.1 times. Texts are consumer complaints, photos those of groceries;
each fit is a process of its own whose cache has nothing but weights.
A fit whose promise is longer than `--longest` (300 s) is left out, and named: `best` and the 5,000 texts of `balanced`, by default.
Rows are kept, so that a bench that was killed goes on. Run: .venv/bin/python -m bench.speed.presets [--presets best] [--longest 1000]
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bench.demos import as_pair, demo_dataset, splits_of
from bench.options import names, parse, parser_of
from bench.processes import last_line_as_json, temporary_cache
from bench.results import Results, Row
from headstart.engines.threads import n_threads
from headstart.pipeline.presets import preset_named
from headstart.storage.files import cache_folder

if TYPE_CHECKING:
    from headstart.core.dataset import Dataset

PRESETS = ("fast", "balanced", "best")
KEPT = 1.1
DEMOS = {"text": "complaints", "photo": "groceries"}


def main() -> None:
    parser = parser_of(__doc__)
    parser.add_argument("--presets", type=names, default=list(PRESETS))
    parser.add_argument("--sizes", type=names, default=["text-100", "photo-100", "text-500", "photo-500", "text-5000"])
    parser.add_argument("--longest", type=float, default=300.0, help="promised seconds of the fits that are measured")
    parser.add_argument("--results", type=Path, default=cache_folder() / "bench" / "presets.jsonl")
    parser.add_argument("--work", nargs=2, metavar=("PRESET", "SIZE"), help="do one fit, and print its seconds")
    options = parse(parser, presets=["fast"], sizes=["text-40"], results=None)
    if options.work:
        print(json.dumps(fit(*options.work)))
        return
    results, left_out = Results.open(options.results), []
    print(
        f"| items | preset | promised | took | ratio | kept (≤ {KEPT:g} ×) | what took longest |\n|---|---|---|---|---|---|---|"
    )
    for size in options.sizes:
        for preset in options.presets:
            if promised_s(preset, size) > options.longest:
                left_out.append(f"{preset} at {size} ({promised_s(preset, size):.0f} s)")
                continue
            row = results.get_or_compute(lambda: run(preset, size), preset=preset, size=size, threads=n_threads())  # noqa: B023  (called at once)
            print(line(row), flush=True)
    if left_out:
        print(f"\nleft out, as more than {options.longest:.0f} s are promised: {', '.join(left_out)}")


def promised_s(preset: str, size: str) -> float:
    """The promise for so many items."""
    return preset_named(preset).seconds_for(int(size.partition("-")[2]))


def run(preset: str, size: str) -> Row:
    """One fit in a process of its own; the data are laid out before its clock starts."""
    data_of(size)
    with temporary_cache() as cache:
        command = [sys.executable, "-m", "bench.speed.presets", "--work", preset, size]
        return last_line_as_json(command, cache=cache)


def fit(preset: str, size: str) -> Row:
    """Seconds of the fit, the import of the library among them."""
    pair = as_pair(data_of(size))
    started = time.perf_counter()
    import headstart

    fitted = headstart.fit(pair, preset=preset, progress=None)
    seconds = time.perf_counter() - started
    section = fitted.report.evaluation
    return {
        "n": len(pair[0]),
        "seconds": round(seconds, 2),
        "stages": fitted.seconds,
        "verdict": section.verdict,
        "metric": section.metric.value,
        "deployed": section.deployed,
    }


def data_of(size: str) -> Dataset:
    """So many items of a kind, drawn once; of photos, those that the demo trains on."""
    kind, _, n = size.partition("-")
    dataset = demo_dataset(DEMOS[kind])
    pool = np.arange(len(dataset)) if dataset.splits is None else np.flatnonzero(splits_of(dataset) != "test")
    return dataset.take(np.sort(np.random.default_rng(0).permutation(pool)[: int(n)]))


def line(row: Row) -> str:
    """A line of the table."""
    promised = promised_s(row["preset"], row["size"])
    ratio = row["seconds"] / promised
    stages_s = {name: seconds for name, seconds in row["stages"].items() if name != "total"}
    longest = sorted(stages_s.items(), key=lambda stage: -stage[1])[:3]
    stages = ", ".join(f"{name} {seconds:.0f} s" for name, seconds in longest)
    return (
        f"| {row['size']} | {row['preset']} | {promised:.0f} s | {row['seconds']:.1f} s | {ratio:.2f} | "
        f"{'yes' if ratio <= KEPT else 'NO'} | {stages}; load {row['load'][0]:.1f} |"
    )


if __name__ == "__main__":
    main()
