"""What does a prediction cost: the whole command for one photo, and a warm one beside the bare runtime?

Cold: `headstart predict BUNDLE PHOTO` in a new process, median of 7, and which heavy libraries it loaded. Goal: 1.5 s, none.
Warm: `Bundle.predict` of one photo ÷ one run of the same session on the pixels that it had prepared, in turn, so that a slow
minute hits both. Goal: 1.3. Preparing (read, decode, resize) is printed apart. Run: .venv/bin/python -m bench.speed.predict
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

import headstart
from bench.demos import demo_folder, photo_folder, spread
from bench.options import parse, parser_of
from headstart.engines.threads import n_threads

if TYPE_CHECKING:
    from collections.abc import Callable

HEAVY = ("jinja2", "onnx", "pandas", "pyarrow", "scipy", "sklearn", "torch")

COLD = f"""
import sys
from headstart.cli import main
try:
    main()
finally:
    sys.stderr.write("loaded: " + " ".join(name for name in {HEAVY} if name in sys.modules) + "\\n")
"""


def main() -> None:
    parser = parser_of(__doc__)
    parser.add_argument("--per-class", type=int, help="photos to fit on; all if absent")
    parser.add_argument("--cold", type=int, default=7, help="new processes")
    parser.add_argument("--warm", type=int, default=150, help="photos of which each is predicted once")
    options = parse(parser, per_class=2, cold=2, warm=10)
    with tempfile.TemporaryDirectory() as folder:
        whole = demo_folder("groceries")
        photos = photo_folder(Path(folder) / "photos", options.per_class) if options.per_class else whole
        bundle = headstart.fit(
            photos,
            out=Path(folder) / "model",
            source="efficientnet-lite0",
            tune="none",
            baselines="none",
            progress=None,
        ).bundle
        files = spread(sorted((whole / "test").rglob("*.jpg")), options.warm)
        cold(bundle, files[0], options.cold)
        warm(bundle, files)


def cold(bundle: Path, photo: Path, n_runs: int) -> None:
    seconds: list[float] = []
    loaded: set[str] = set()
    for _ in range(n_runs):
        started = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-c", COLD, "predict", str(bundle), str(photo), "--json"],
            capture_output=True,
            text=True,
            check=True,
        )
        seconds.append(time.perf_counter() - started)
        loaded |= set(done.stderr.rpartition("loaded: ")[2].split())
        assert json.loads(done.stdout)[0]["label"]
    print(
        f"cold `headstart predict` of one photo: median {np.median(seconds):.2f} s, best {min(seconds):.2f} s, of {n_runs}; "
        f"heavy libraries loaded: {', '.join(sorted(loaded)) or 'none'}"
    )


def warm(bundle: Path, files: list[Path]) -> None:
    model = headstart.load_bundle(bundle)
    whole: list[float] = []
    bare: list[float] = []
    prepared: list[float] = []
    for turn, path in enumerate(files):
        pixels = model.input.transform([path])
        calls = [(whole, lambda: model.predict([path])), (bare, lambda: model.run(pixels))]  # noqa: B023  (called at once)
        for seconds, call in calls if turn % 2 else reversed(calls):
            seconds.append(timed_s(call))
        prepared.append(timed_s(lambda: model.input.transform([path])))  # noqa: B023  (called at once)
    whole_ms, bare_ms, prepare_ms = (1000 * float(np.median(seconds)) for seconds in (whole, bare, prepared))
    ratio = np.median(np.array(whole) / np.array(bare))
    print(
        f"warm, one photo, {n_threads()} threads: predict {whole_ms:.1f} ms, session run {bare_ms:.1f} ms, median ratio of a turn "
        f"{ratio:.2f}; reading, decoding and resizing {prepare_ms:.1f} ms ({100 * prepare_ms / whole_ms:.0f} % of predict), "
        f"all else {whole_ms - bare_ms - prepare_ms:.1f} ms; without the preparing {(whole_ms - prepare_ms) / bare_ms:.2f}"
    )


def timed_s(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
