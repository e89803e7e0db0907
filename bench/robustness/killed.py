"""Does a fit that is killed and run again give the same model? SIGKILL at 10 random moments, photos and texts in turn.

Each time: a cache without features or results, `headstart fit --baselines full` killed at a random moment of its expected
duration, a look at what lies at --out, and the same command again to its end. The weights must be those of an unbroken run
byte for byte, and so must every number of the report but the timing. Run: .venv/bin/python bench/robustness/killed.py
"""

from __future__ import annotations

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import headstart
from headstart.core.errors import HeadstartError
from headstart.data import demo, load

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    More = Callable[[Path], dict[str, Any]]

N_KILLS = 10
N_TEXTS, N_PHOTOS = 150, 4  # photos a class, train and test
WEIGHTS = (".onnx", ".safetensors")
OPTIONS = ("--baselines", "full")
ENTRY = "from headstart.cli import main; main()"


def main() -> None:
    rng = np.random.default_rng(int(sys.argv[1]) if sys.argv[1:] else 0)
    failures = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sets = {"photos": lay_out_photos(folder / "photos"), "texts": lay_out_texts(folder / "texts.csv")}
        unbroken, duration_s = {}, {}
        for kind, data in sets.items():
            started = time.perf_counter()
            unbroken[kind] = whole_run(folder, data, OPTIONS)
            duration_s[kind] = time.perf_counter() - started
            print(f"{kind}: an unbroken run takes {duration_s[kind]:.1f} s", flush=True)
        print(f"{'data':<8}{'killed at s':>12}{'left at --out':>16}{'again s':>9}  weights, report", flush=True)
        for turn in range(N_KILLS):
            kind = list(sets)[turn % len(sets)]
            moment_s = float(rng.uniform(0.02, 1.0)) * duration_s[kind]
            failures += not campaign(folder, kind, sets[kind], moment_s, unbroken[kind], OPTIONS)
    print(f"{N_KILLS - failures} of {N_KILLS} killed runs ended in the same bundle as an unbroken one")
    sys.exit(bool(failures))


def whole_run(folder: Path, data: Path, options: Sequence[str], more: More = lambda _: {}) -> dict[str, Any]:
    """What must be the same in every run, of one that is not broken off; `more` gives what else, from the run's cache."""
    cache, out = new_cache(folder), Path(tempfile.mkdtemp(dir=folder)) / "model"
    return finish(start(data, cache, out, options), out) | more(cache)


def campaign(
    folder: Path,
    kind: str,
    data: Path,
    moment_s: float,
    expected: dict[str, Any],
    options: Sequence[str],
    more: More = lambda _: {},
) -> bool:
    """Kill a run, run it again to its end, and say whether that ended as an unbroken one does."""
    cache, out = new_cache(folder), Path(tempfile.mkdtemp(dir=folder)) / "model"
    process = start(data, cache, out, options)
    time.sleep(moment_s)
    process.send_signal(signal.SIGKILL)
    was_killed = process.wait() == -signal.SIGKILL
    left = look(out)
    started = time.perf_counter()
    found = finish(start(data, cache, out, options), out) | more(cache)
    again_s = time.perf_counter() - started
    partial = [path.name for path in out.parent.iterdir() if path != out]
    differing = [name for name in {**expected, **found} if found.get(name) != expected.get(name)]
    words = f"DIFFER: {', '.join(differing)}" if differing else "equal"
    words += "" if was_killed else "; it had ended already"
    words += f"; LEFT BEHIND: {partial}" if partial else ""
    print(f"{kind:<8}{moment_s:>12.1f}{left:>16}{again_s:>9.1f}  {words}", flush=True)
    shutil.rmtree(cache)
    return not differing and not partial and left != "half a bundle"


def start(data: Path, cache: Path, out: Path, options: Sequence[str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", ENTRY, "fit", str(data), "--out", str(out), *options],
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


def look(out: Path) -> str:
    """What a kill left where the bundle will be."""
    if not out.exists():
        return "nothing"
    try:
        headstart.load_bundle(out)
    except HeadstartError:
        return "half a bundle"
    return "a bundle"


def new_cache(folder: Path) -> Path:
    """A cache that has the weights of the sources and nothing else."""
    cache = Path(tempfile.mkdtemp(dir=folder, prefix="cache-"))
    real = Path(os.environ.get("HEADSTART_CACHE", Path.home() / ".cache" / "headstart"))
    (cache / "sources").symlink_to(real / "sources")
    return cache


def lay_out_photos(folder: Path) -> Path:
    dataset = load(demo("groceries", Path("demo/groceries")))
    for split in ("train", "test"):
        for code, label in enumerate(dataset.labels):
            (folder / split / label).mkdir(parents=True)
            for i in np.flatnonzero((dataset.splits == split) & (dataset.codes == code))[:N_PHOTOS]:
                shutil.copy(dataset.items[i], folder / split / label)
    return folder


def lay_out_texts(path: Path) -> Path:
    dataset = load(demo("questions", Path("demo/questions")))
    kept = np.random.default_rng(0).permutation(len(dataset))[:N_TEXTS]
    with path.open("w", newline="") as file:
        rows = [(dataset.items[i], dataset.labels[dataset.codes[i]]) for i in kept]
        csv.writer(file).writerows([("text", "label"), *rows])
    return path


if __name__ == "__main__":
    main()
