"""Does tuning that is killed and run again give the same network? SIGKILL at random moments, for each method.

As bench/robustness/killed.py, with `--head NAME`: the bundle's weights must be those of an unbroken run byte for byte, and so must
every number of the report but the seconds. A method that is not kept leaves no weights in the bundle; so what the result cache
remembers of each network, its scores for every held-out item along the training, is compared to the bit as well.
Run: .venv/bin/python bench/robustness/killed_tuning.py [--methods fine-tune,lora] [--kills 3] [--seed 0]
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from killed import campaign, lay_out_photos, lay_out_texts, whole_run

from headstart.core import registry
from headstart.core.tasks import get_task
from headstart.data.demos import find_demo
from headstart.sources import open_source
from headstart.sources.defaults import default_source

DEMOS = {"photos": "groceries", "texts": "questions"}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--strategies", default=",".join(registry.names("tuning_methods")))
    parser.add_argument("--kinds", default=",".join(DEMOS))
    parser.add_argument("--kills", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    rng, wrong = np.random.default_rng(arguments.seed), []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sets = {"photos": lay_out_photos(folder / "photos"), "texts": lay_out_texts(folder / "texts.csv")}
        for method in arguments.methods.split(","):
            for kind in arguments.kinds.split(","):
                source = open_source(default_source(find_demo(DEMOS[kind]).modality))
                if registry.get("tuning_methods", method)().supports(source, get_task("multiclass")):
                    options = ["--source", source.name, "--tune", method, "--baselines", "none"]
                    wrong += killed_often(folder, kind, sets[kind], options, rng, arguments.kills)
    print("every killed run ended in the same bundle as an unbroken one" if not wrong else f"NOT the same: {wrong}")
    sys.exit(bool(wrong))


def killed_often(
    folder: Path, kind: str, data: Path, options: list[str], rng: np.random.Generator, n_kills: int
) -> list[str]:
    """Kill so many runs; give the titles of those that ended otherwise."""
    started = time.perf_counter()
    expected = whole_run(folder, data, options, remembered)
    duration_s = time.perf_counter() - started
    title = f"{kind}, {options[3]}"
    print(
        f"{title}: an unbroken run takes {duration_s:.1f} s; its method: {expected['report']['tuning']['results'][-1]['why']}",
        flush=True,
    )
    moments_s = rng.uniform(0.02, 1.0, n_kills) * duration_s
    return [
        title for moment_s in moments_s if not campaign(folder, kind, data, moment_s, expected, options, remembered)
    ]


def remembered(cache: Path) -> dict[str, str]:
    """The result cache: the results of each long step, under the hash of what it was made from."""
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in (cache / "results").glob("*.npz")}


if __name__ == "__main__":
    main()
