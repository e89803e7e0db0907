"""Is a bad challenger ever promoted, a good one always, and a bad promotion taken back? Real bundles, planted challengers, records in batches.

Two models of one table: a good one, and one whose training labels were partly turned around. Each time with other records: the bad one challenges
the good one, the good one challenges the bad one, and the bad one is promoted by hand (rollback within the stated records). Then the same for the
test alone with two models that are equally good, at the level that is stated, looked at after every record. Killed promotions:
tests/updating/test_registry.py kills one at every line. Run: .venv/bin/python -m bench.robustness.promotion [--times 20]
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from bench.options import parse, parser_of
from headstart import fit, update
from headstart.updating.betting import Bet
from headstart.updating.comparison import CHALLENGE, GUARD, Comparison
from headstart.updating.opening import create_registry, open_registry

if TYPE_CHECKING:
    from collections.abc import Callable

    from headstart.core.dataset import FloatArray

_BATCH, _N_BATCHES = 250, 8
_LEVEL = 0.05


def main() -> None:
    parser = parser_of(__doc__)
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--runs", type=int, default=2000, help="of the test alone, with equal models")
    options = parse(parser, times=2, runs=200)
    _level(options.runs)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for kind, turned in (("good", 0.0), ("bad", 0.35)):
            settings: dict[str, Any] = {
                "source": "none",
                "preset": "fast",
                "tune": "none",
                "baselines": "simple",
                "progress": None,
            }
            fit(_table(300, 0, turned), target="label", out=folder / kind, **settings)
        bad = [_challenged(folder, "good", "bad", time) for time in range(options.times)]
        good = [_challenged(folder, "bad", "good", time) for time in range(options.times)]
        back = [_promoted_by_hand(folder, time) for time in range(options.times)]
    print(
        f"bad challenger promoted: {sum(n is not None for n in bad)} of {len(bad)}, {_BATCH * _N_BATCHES} records each"
    )
    print(f"good challenger promoted: {_said(good)}")
    print(f"bad promotion rolled back: {_said(back)}")
    sys.exit(any(n is not None for n in bad) or None in good or None in back)


def _level(runs: int) -> None:
    rng, n_records = np.random.default_rng(0), 5000
    kinds: dict[str, Callable[[], FloatArray]] = {
        "normal, sd 0.1": lambda: rng.normal(0, 0.1, n_records).clip(-1, 1),
        "right or wrong, 10 % differ": lambda: rng.choice([-1.0, 0.0, 1.0], n_records, p=[0.05, 0.9, 0.05]),
        "skewed": lambda: rng.choice([-0.05, 0.95], n_records, p=[0.95, 0.05]),
    }
    for kind, draw in kinds.items():
        share = np.mean([Bet(level=_LEVEL).first_shown(draw()) is not None for _ in range(runs)])
        print(f"equal models, {kind}: {share:.4f} of {runs} runs of {n_records} records, level {_LEVEL}", flush=True)
    for gain in (0.005, 0.01, 0.02, 0.05):
        found = [
            Bet(level=_LEVEL).first_shown(rng.normal(gain, 0.15, n_records).clip(-1, 1)) for _ in range(runs // 10)
        ]
        shown = [n for n in found if n is not None]
        print(
            f"gain {gain}, sd 0.15: shown in {len(shown)} of {len(found)}, median after {np.median(shown) if shown else np.nan:.0f} records",
            flush=True,
        )


def _table(n: int, seed: int, turned: float = 0.0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=(2, n))
    c = rng.choice(["x", "y", "z"], n)
    is_yes = a + 0.5 * b + (c == "x") + rng.normal(0, 0.7, n) > 0
    is_yes ^= rng.random(n) < turned * (a > 0)
    return pd.DataFrame({"a": a, "b": b, "c": c, "label": np.where(is_yes, "yes", "no")})


def _challenged(folder: Path, champion: str, challenger: str, time: int) -> int | None:
    """Records after which the challenger was promoted; None if it was not."""
    registry = folder / f"{champion}-{time}"
    create_registry(registry, folder / champion)
    with open_registry(registry) as store:
        number = store.add(folder / challenger, "planted")
        store.challenge(number, Comparison(kind=CHALLENGE, first=1, second=number, bet=Bet(level=_LEVEL)), ())
    return _follow(registry, time, "promoted")


def _promoted_by_hand(folder: Path, time: int) -> int | None:
    registry = folder / f"by-hand-{time}"
    create_registry(registry, folder / "good")
    with open_registry(registry) as store:
        number = store.add(folder / "bad", "planted")
        guard = Comparison(kind=GUARD, first=number, second=1, bet=Bet(level=_LEVEL), limit=_BATCH * _N_BATCHES)
        store.promote(number, "planted", guard)
    return _follow(registry, time, "rolled back")


def _follow(registry: Path, time: int, wanted: str) -> int | None:
    for batch in range(_N_BATCHES):
        records = _table(_BATCH, 1000 + 100 * time + batch)
        if update(registry, records, target="label", challengers="none").decision == wanted:
            return _BATCH * (batch + 1)
    return None


def _said(found: list[int | None]) -> str:
    done = [n for n in found if n is not None]
    records = f", after {np.median(done):.0f} records in the median and {max(done)} at most" if done else ""
    return f"{len(done)} of {len(found)}{records} (batches of {_BATCH})"


if __name__ == "__main__":
    main()
