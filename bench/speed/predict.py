"""What does a prediction cost: the whole command for one photo, and a warm one beside the bare runtime?

Cold: `headstart predict BUNDLE PHOTO` in a new process, median of 7, and which heavy libraries it loaded. Goal: 1.5 s, none.
Warm: `Bundle.predict` of one photo ÷ one run of the same session on the pixels that it had prepared, in turn, so that a slow
minute hits both. Goal: 1.3. Preparing (read, decode, resize) is printed apart. Run: .venv/bin/python bench/speed/predict.py
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

import headstart
from headstart.data import demo
from headstart.engines.threads import n_threads

N_COLD = 7
N_WARM = 150
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
    photos = demo("groceries", Path("demo/groceries"))
    files = sorted((photos / "test").rglob("*.jpg"))
    with tempfile.TemporaryDirectory() as folder:
        bundle = headstart.fit(
            photos, out=Path(folder) / "model", source="efficientnet-lite0", baselines="none", progress=None
        ).bundle
        cold(bundle, files[0])
        warm(bundle, files[:: len(files) // N_WARM][:N_WARM])


def cold(bundle: Path, photo: Path) -> None:
    seconds, loaded = [], set()
    for _ in range(N_COLD):
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
        f"cold `headstart predict` of one photo: median {np.median(seconds):.2f} s, best {min(seconds):.2f} s, of {N_COLD}; "
        f"heavy libraries loaded: {', '.join(sorted(loaded)) or 'none'}"
    )


def warm(bundle: Path, files: list[Path]) -> None:
    model = headstart.load_bundle(bundle)
    session, prepare = model._session, model.input.transform  # noqa: SLF001  the very session that predicts
    whole, bare, prepared = [], [], []
    for turn, path in enumerate(files):
        pixels = prepare([path])
        timed = [(whole, lambda: model.predict([path])), (bare, lambda: session.run(["outputs"], pixels))]  # noqa: B023
        for seconds, call in timed if turn % 2 else reversed(timed):
            seconds.append(timed_s(call))
        prepared.append(timed_s(lambda: prepare([path])))  # noqa: B023
    whole_ms, bare_ms, prepare_ms = (1000 * float(np.median(seconds)) for seconds in (whole, bare, prepared))
    ratio = np.median(np.array(whole) / np.array(bare))
    print(
        f"warm, one photo, {n_threads()} threads: predict {whole_ms:.1f} ms, session run {bare_ms:.1f} ms, median ratio of a turn "
        f"{ratio:.2f}; reading, decoding and resizing {prepare_ms:.1f} ms ({100 * prepare_ms / whole_ms:.0f} % of predict), "
        f"all else {whole_ms - bare_ms - prepare_ms:.1f} ms; without the preparing {(whole_ms - prepare_ms) / bare_ms:.2f}"
    )


def timed_s(call) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
