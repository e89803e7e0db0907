"""Does a fit that is killed and run again give the same model? SIGKILL at 10 random moments, photos, texts and tables in turn.

Each time: a cache without features or results, `headstart fit` killed at a random moment of its expected duration, a look at what
lies at --out, and the same command again to its end. The weights must be those of an unbroken run byte for byte, and so must
every number of the report but the timing. Run: .venv/bin/python -m bench.robustness.killed [--kills 10] [--seed 0]
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from bench.options import names, parse, parser_of
from bench.robustness.killing import KINDS, OPTIONS, Campaign, lay_out


def main() -> None:
    parser = parser_of(__doc__)
    parser.add_argument("--kinds", type=names, default=[*KINDS, "tables"])
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--texts", type=int, default=150)
    parser.add_argument("--photos", type=int, default=4, help="a class, for training and for the test each")
    parser.add_argument("--options", type=str.split, default=["--baselines", "full"], help="of `headstart fit`")
    parser.add_argument("--seed", type=int, default=0)
    quick = ["--baselines", "simple", "--source", "potion-base-8m"]
    options = parse(parser, kinds=["texts"], kills=1, texts=60, options=quick)
    rng, n_wrong = np.random.default_rng(options.seed), 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        data = lay_out(folder, options.kinds, n_texts=options.texts, photos_per_class=options.photos)
        campaigns = {
            kind: Campaign(folder=folder, kind=kind, data=path, options=[*OPTIONS.get(kind, []), *options.options])
            for kind, path in data.items()
        }
        unbroken, duration_s = {}, {}
        for kind, campaign in campaigns.items():
            started = time.perf_counter()
            unbroken[kind] = campaign.whole_run()
            duration_s[kind] = time.perf_counter() - started
            print(f"{kind}: an unbroken run takes {duration_s[kind]:.1f} s", flush=True)
        print(f"{'data':<8}{'killed at s':>12}{'left at --out':>16}{'again s':>9}  weights, report", flush=True)
        for turn in range(options.kills):
            kind = options.kinds[turn % len(options.kinds)]
            moment_s = float(rng.uniform(0.02, 1.0)) * duration_s[kind]
            n_wrong += not campaigns[kind].is_same_after_kill(moment_s, unbroken[kind])
    print(f"{options.kills - n_wrong} of {options.kills} killed runs ended in the same bundle as an unbroken one")
    sys.exit(bool(n_wrong))


if __name__ == "__main__":
    main()
