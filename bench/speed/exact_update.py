"""How long does one label take to be counted exactly, and how far is the head from a refit? Ridge on d features.

For each width: milliseconds of adding a label and solving the head, of a sliding window (one added, one forgotten), of decay and adding, and of a
refit from the Moments; and the largest difference of coefficients from a refit of the same rows after all changes. Medians, one thread.
Run: OMP_NUM_THREADS=1 .venv/bin/python -m bench.speed.exact_update [--widths 64,384] [--labels 2000]
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np

from bench.options import names, parse, parser_of
from headstart.core.moments import Moments
from headstart.updating.exact import RunningRidge, SlidingRidge

if TYPE_CHECKING:
    from collections.abc import Callable

_PENALTY, _START = 10.0, 500


def main() -> None:
    parser = parser_of(__doc__)
    parser.add_argument("--widths", type=names, default=["64", "384"])
    parser.add_argument("--labels", type=int, default=2000)
    options = parse(parser, widths=["64"], labels=100)
    print(f"{'d':>5}{'add, ms':>10}{'window, ms':>12}{'decay, ms':>11}{'refit, ms':>11}{'difference':>12}", flush=True)
    for width in map(int, options.widths):
        x, y = _rows(width, _START + options.labels)
        running = RunningRidge(Moments.of(x[:_START], y[:_START]), penalty=_PENALTY)
        sliding = SlidingRidge.of(x[:_START], y[:_START], penalty=_PENALTY, size=_START)
        aging = RunningRidge(Moments.of(x[:_START], y[:_START]), penalty=_PENALTY)
        new = list(zip(x[_START:], y[_START:], strict=True))
        add = _median(lambda row, target: (running.add(row, target), running.coef), new)
        window = _median(lambda row, target: (sliding.add(row, target), sliding.head.coef), new)
        decay = _median(lambda row, target: (aging.decay(0.999), aging.add(row, target), aging.coef), new)
        refit = _median(lambda *_: RunningRidge(running.moments, penalty=_PENALTY).coef, new[:20])
        again = (
            RunningRidge(Moments.of(x, y), penalty=_PENALTY),
            RunningRidge(Moments.of(x[-_START:], y[-_START:]), penalty=_PENALTY),
        )
        difference = max(
            float(np.abs(one.coef - two.coef).max()) for one, two in zip((running, sliding.head), again, strict=True)
        )
        print(f"{width:>5}{add:>10.3f}{window:>12.3f}{decay:>11.3f}{refit:>11.3f}{difference:>12.1e}", flush=True)


def _rows(width: int, n: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(n, width)) + 1.0
    labels = (x[:, 0] + rng.normal(size=n) > 1.0).astype(float)
    return x, np.column_stack([1.0 - labels, labels]) * 2 - 1


def _median(step: Callable[..., object], rows: list[tuple[np.ndarray, np.ndarray]]) -> float:
    seconds = []
    for row, target in rows:
        started = time.perf_counter()
        step(row, target)
        seconds.append(time.perf_counter() - started)
    return 1000 * float(np.median(seconds))


if __name__ == "__main__":
    main()
