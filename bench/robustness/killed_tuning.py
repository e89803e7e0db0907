"""Does tuning that is killed and run again give the same network? SIGKILL at random moments, for each method.

As bench/robustness/killed.py, with `--tune NAME`: the bundle's weights must be those of an unbroken run byte for byte, and so must
every number of the report but the seconds. A method that is not kept leaves no weights in the bundle; so what the result cache
remembers of each network, its scores for every held-out item along the training, is compared to the bit as well.
Run: .venv/bin/python -m bench.robustness.killed_tuning [--methods fine-tune,lora] [--kills 3] [--seed 0]
"""

from __future__ import annotations

import hashlib
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from bench.options import names, parse, parser_of
from bench.robustness.killing import KINDS, Campaign, lay_out
from headstart.core import registry
from headstart.core.tasks import get_task
from headstart.data import find_demo
from headstart.sources import open_source
from headstart.sources.defaults import default_source
from headstart.storage.result_cache import SUFFIX

DEMOS = {"photos": "groceries", "texts": "questions"}


def main() -> None:
    parser = parser_of(__doc__)
    parser.add_argument("--methods", type=names, default=list(registry.names("tuning_methods")))
    parser.add_argument("--kinds", type=names, default=KINDS)
    parser.add_argument("--kills", type=int, default=3)
    parser.add_argument("--texts", type=int, default=150)
    parser.add_argument("--photos", type=int, default=4, help="a class, for training and for the test each")
    parser.add_argument("--seed", type=int, default=0)
    options = parse(parser, methods=["bitfit"], kinds=["texts"], kills=1, texts=24)
    rng, wrong = np.random.default_rng(options.seed), []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        data = lay_out(folder, options.kinds, n_texts=options.texts, photos_per_class=options.photos)
        for method in options.methods:
            for kind, path in data.items():
                source = open_source(default_source(find_demo(DEMOS[kind]).modality))
                if registry.get("tuning_methods", method)().supports(source, get_task("multiclass")):
                    chosen = ["--source", source.name, "--tune", method, "--baselines", "none"]
                    campaign = Campaign(folder=folder, kind=kind, data=path, options=chosen, look=remembered)
                    wrong += killed_often(campaign, method, rng, options.kills)
    print("every killed run ended in the same bundle as an unbroken one" if not wrong else f"NOT the same: {wrong}")
    sys.exit(bool(wrong))


def killed_often(campaign: Campaign, method: str, rng: np.random.Generator, n_kills: int) -> list[str]:
    """Kill so many runs; give the titles of those that ended otherwise."""
    started, title = time.perf_counter(), f"{campaign.kind}, {method}"
    expected = campaign.whole_run()
    duration_s = time.perf_counter() - started
    why = expected["report"]["tuning"]["results"][-1]["why"]
    print(f"{title}: an unbroken run takes {duration_s:.1f} s; its method: {why}", flush=True)
    moments_s = rng.uniform(0.02, 1.0, n_kills) * duration_s
    return [title for moment_s in moments_s if not campaign.is_same_after_kill(float(moment_s), expected)]


def remembered(cache: Path) -> dict[str, str]:
    """The result cache: the results of each long step, under the hash of what it was made from."""
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in (cache / "results").glob(f"*{SUFFIX}")}


if __name__ == "__main__":
    main()
