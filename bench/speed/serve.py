"""How fast does a server answer, beside the bare session and beside other servers?

For each bundle (photos on EfficientNet-Lite0, texts on a static and on a transformer source): wrk with 1, 8 and 32 clients,
one item a request, against `headstart serve`, a plain FastAPI handler that calls `Bundle.predictions`, and LitServe with the
same in batches. Goals: at one client p50 ≤ 1.2 × the raw session + 0.2 ms; with 32 clients ≥ 0.85 × the session in batches of
16. Both also with preparing (decode, resize; tokenize) counted to the session, which is measured before and after the servers
in the same run. The processor time of a request says what the cores could answer at most. A Python client checks the answers.
wrk comes from the system's packages (apt-get install wrk). LitServe from `--litserve DIR`, a folder that
`pip install --target DIR litserve` filled; without it, it is left out.
Run: .venv/bin/python -m bench.speed.serve [--only photos] [--litserve DIR]
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

import headstart
from bench.demos import demo_folder
from bench.options import names, parse, parser_of
from bench.speed.clients import check_answers, items_of, load
from bench.speed.server_process import running, server_commands
from headstart.engines.threads import n_threads

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from bench.speed.clients import Items

KINDS = {
    "photos": ("groceries", "efficientnet-lite0"),
    "static": ("questions", "potion-base-8m"),
    "transformer": ("questions", "all-minilm-l6-v2"),
}
SERVERS = ["headstart serve", "with two workers", "plain FastAPI", "LitServe"]
CLIENTS = (1, 8, 32)
BATCH = 16


def main() -> None:
    parser = parser_of(__doc__)
    parser.add_argument("--seconds", type=int, default=4, help="of each run of wrk")
    parser.add_argument("--turns", type=int, default=200, help="runs of the bare session")
    parser.add_argument("--servers", type=names, default=SERVERS, help="beside `headstart serve`")
    parser.add_argument("--litserve", default="", help="folder with LitServe")
    parser.add_argument("--only", type=names, default=list(KINDS), help=f"of {', '.join(KINDS)}")
    parser.add_argument("--bundles", type=Path, help="folder that has the bundles, or gets them")
    options = parse(parser, only=["static"], servers=[], seconds=1, turns=20)
    with tempfile.TemporaryDirectory() as folder:
        for kind in options.only:
            measure(kind, bundle_of(kind, options.bundles or Path(folder)), options)


def bundle_of(kind: str, folder: Path) -> Path:
    """A bundle that lies in the folder, or is made there."""
    name, source = KINDS[kind]
    if not (folder / kind).exists():
        headstart.fit(demo_folder(name), out=folder / kind, source=source, tune="none", baselines="none", progress=None)
    return folder / kind


def measure(kind: str, bundle: Path, options: argparse.Namespace) -> None:
    items = items_of(kind)
    before = bare(bundle, items, options.turns)
    ours: dict[int, dict[str, float]] = {}
    for name, command in server_commands(bundle).items():
        if name not in (SERVERS[0], *options.servers):
            continue
        if name == "LitServe" and not options.litserve:
            print("  LitServe is left out: give --litserve DIR")
            continue
        with running(command, PYTHONPATH=options.litserve if name == "LitServe" else "") as (port, process):
            found = {n: load(port, process, items, n, options.seconds) for n in CLIENTS}
            if name == SERVERS[0]:
                ours = found
                check_answers(port, bundle, items)
        for n, one in found.items():
            print(
                f"  {name:<16} {n:>2} clients: p50 {one['p50']:8.2f} ms, p95 {one['p95']:8.2f}, p99 {one['p99']:8.2f}, "
                f"{one['rate']:7.0f}/s, {one['cpu']:6.2f} ms of processor time each, {one['errors']:.0f} errors"
            )
    show_goals(kind, before, bare(bundle, items, options.turns), ours)


def show_goals(kind: str, before: dict[str, float], after: dict[str, float], ours: dict[int, dict[str, float]]) -> None:
    """Compare with the session by itself, in the mean of before and after."""
    raw = {name: (before[name] + after[name]) / 2 for name in before}
    drift = [after[name] / before[name] for name in before]
    print(
        f"  {kind}, {n_threads()} threads: session alone {raw['one']:.3f} ms, with preparing {raw['one_prepared']:.3f} ms; "
        f"in batches of {BATCH} {raw['batch']:.0f}/s, with preparing {raw['batch_prepared']:.0f}/s; "
        f"after ÷ before {min(drift):.2f} to {max(drift):.2f}"
    )
    for which, end in (("the session", ""), ("session and preparing", "_prepared")):
        possible = 1000 * n_threads() / ours[32]["cpu"]
        print(f"    goal of one client, {which}: {ours[1]['p50']:.3f} ms of {1.2 * raw[f'one{end}'] + 0.2:.3f} ms")
        print(
            f"    goal of 32 clients, {which}: {ours[32]['rate'] / raw[f'batch{end}']:.2f} of 0.85; the cores could "
            f"{possible / raw[f'batch{end}']:.2f} at most"
        )


def bare(bundle: Path, items: Items, n_turns: int) -> dict[str, float]:
    """The session by itself: ms for one item, items a second in batches; both with and without preparing."""
    model = headstart.load_bundle(bundle)
    transform, run = model.input.transform, model.run
    batches = [items[first : first + BATCH] for first in range(0, len(items), BATCH)]
    one, many = [transform([item]) for item in items], [transform(batch) for batch in batches]
    for batch in (one[0], many[0]):
        run(batch)
    few = max(2, n_turns // 8)
    return {
        "one": 1000 * median_s(lambda i: run(one[i % len(one)]), n_turns),
        "one_prepared": 1000 * median_s(lambda i: run(transform([items[i % len(items)]])), n_turns),
        "batch": BATCH / median_s(lambda i: run(many[i % len(many)]), few),
        "batch_prepared": BATCH / median_s(lambda i: run(transform(batches[i % len(batches)])), few),
    }


def median_s(call: Callable[[int], object], n: int) -> float:
    seconds = []
    for i in range(n):
        started = time.perf_counter()
        call(i)
        seconds.append(time.perf_counter() - started)
    return float(np.median(seconds))


if __name__ == "__main__":
    main()
