"""Is a server faster or slower than another, on a machine whose speed wanders?

Both run at once and wrk turns to them in bursts of a second, the order swapped every turn: what disturbs one disturbs the other,
and the ratio of each turn does without it. The other is `headstart serve` of another checkout, each with a bundle that it has
made itself, or a server of `bench.speed.serve` around the same bundle; without `--beside` it is this one once more, whose ratios
are 1 but for chance. For 1, 8 and 32 clients: the median of the ratios here ÷ there, and the 95 % interval of that median.
Run: .venv/bin/python -m bench.speed.serve_pair [--beside ../before/.venv/bin/python | --beside "plain FastAPI"]
"""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bench.demos import demo_folder
from bench.options import names, parse, parser_of
from bench.processes import HEADSTART
from bench.speed.clients import burst, items_of
from bench.speed.serve import CLIENTS, KINDS, bundle_of
from bench.speed.server_process import running, server_commands

if TYPE_CHECKING:
    import argparse

    from bench.speed.clients import Items

HERE = "headstart serve"
FIGURES = {"rate": "answers a second", "p50": "p50", "cpu": "processor time of each"}
N_DRAWS = 2_000
FIT = """
import sys, headstart
data, out, source = sys.argv[1:]
headstart.fit(data, out=out, source=source, tune="none", baselines="none", progress=None)
"""


def main() -> None:
    parser = parser_of(__doc__)
    parser.add_argument("--beside", default=HERE, help="Python of another checkout, or a server of bench.speed.serve")
    parser.add_argument("--turns", type=int, default=15, help="bursts of each")
    parser.add_argument("--seconds", type=int, default=1, help="of a burst")
    parser.add_argument("--only", type=names, default=["static", "transformer"], help=f"of {', '.join(KINDS)}")
    parser.add_argument("--clients", type=names, default=[str(n) for n in CLIENTS], help="how many at once")
    parser.add_argument("--bundles", type=Path, help="folder that has the bundles, or gets them")
    parser.add_argument("--bundles-beside", type=Path, help="the same of the other checkout")
    options = parse(parser, only=["static"], turns=2, clients=["1"])
    with tempfile.TemporaryDirectory() as folder:
        for kind in options.only:
            measure(kind, options, Path(folder))


def measure(kind: str, options: argparse.Namespace, folder: Path) -> None:
    bundle = bundle_of(kind, options.bundles or folder / "here")
    known = server_commands(bundle)
    there = known[options.beside] if options.beside in known else of_checkout(kind, options, folder)
    items = items_of(kind)
    with running(known[HERE]) as here, running(there) as beside:
        for n_clients in map(int, options.clients):
            found = turns([here, beside], items, n_clients, options)
            for figure, title in FIGURES.items():
                ours, theirs = ([one[figure] for one in of_server] for of_server in found)
                ratio, low, high = paired_ratio(np.array(ours), np.array(theirs))
                print(
                    f"  {kind:<11} {n_clients:>2} clients, {title:<22}: {np.median(ours):8.2f} and {np.median(theirs):8.2f}, "
                    f"here ÷ there {ratio:.3f} ({low:.3f} to {high:.3f})"
                )
            print(f"  errors: {[int(sum(one['errors'] for one in of_server)) for of_server in found]}")


def of_checkout(kind: str, options: argparse.Namespace, folder: Path) -> list[str]:
    """The server of another checkout, with a bundle that it has made."""
    name, source = KINDS[kind]
    bundle = (options.bundles_beside or folder / "there") / kind
    if not bundle.exists():
        bundle.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run([options.beside, "-c", FIT, str(demo_folder(name)), str(bundle), source], check=True)
    return [options.beside, *HEADSTART[1:], "serve", f"m={bundle}", "--quiet", "--port"]


def turns(
    servers: list[tuple[int, int]], items: Items, n_clients: int, options: argparse.Namespace
) -> list[list[dict[str, float]]]:
    """What wrk finds of each server, turn by turn; a first turn warms both."""
    found: list[list[dict[str, float]]] = [[] for _ in servers]
    for turn in range(options.turns + 1):
        for which in (0, 1) if turn % 2 else (1, 0):
            one = burst(*servers[which], items, n_clients, options.seconds)
            if turn:
                found[which].append(one)
    return found


def paired_ratio(ours: np.ndarray, theirs: np.ndarray) -> tuple[float, float, float]:
    """The median ratio of a turn, and where 95 % of such medians of drawn turns lie."""
    ratios = ours / theirs
    drawn = np.random.default_rng(0).choice(ratios, (N_DRAWS, len(ratios)))
    low, high = np.quantile(np.median(drawn, axis=1), [0.025, 0.975])
    return float(np.median(ratios)), float(low), float(high)


if __name__ == "__main__":
    main()
