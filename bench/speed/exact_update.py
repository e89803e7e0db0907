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

    from headstart.core.dataset import FloatArray

_PENALTY, _START = 10.0, 500


def main() -> None:
    parser = parser_of(__doc__)
    parser.add_argument("--widths", type=names, default=["64", "384"])
    parser.add_argument("--labels", type=int, default=2000)
    options = parse(parser, widths=["64"], labels=100)
    print(f"{'d':>5}{'add, ms':>10}{'window, ms':>12}{'decay, ms':>11}{'refit, ms':>11}{'difference':>12}", flush=True)
    for width in map(int, options.widths):
        _measure(*_rows(width, _START + options.labels))


def _measure(x: FloatArray, y: FloatArray) -> None:
    start, new = Moments.of(x[:_START], y[:_START]), list(zip(x[_START:], y[_START:], strict=True))
    running, aging = RunningRidge(start, penalty=_PENALTY), RunningRidge(start, penalty=_PENALTY)
    sliding = SlidingRidge.of(x[:_START], y[:_START], penalty=_PENALTY, size=_START)

    def add(row: FloatArray, target: FloatArray) -> FloatArray:
        running.add(row, target)
        return running.coef

    def window(row: FloatArray, target: FloatArray) -> FloatArray:
        sliding.add(row, target)
        return sliding.head.coef

    def decay(row: FloatArray, target: FloatArray) -> FloatArray:
        aging.decay(0.999)
        aging.add(row, target)
        return aging.coef

    def refit(*_: FloatArray) -> FloatArray:
        return RunningRidge(running.moments, penalty=_PENALTY).coef

    found = [_median(step, new) for step in (add, window, decay)] + [_median(refit, new[:20])]
    again = [RunningRidge(Moments.of(x[at:], y[at:]), penalty=_PENALTY).coef for at in (0, len(x) - _START)]
    largest = max(float(np.abs(running.coef - again[0]).max()), float(np.abs(sliding.head.coef - again[1]).max()))
    print(
        f"{x.shape[1]:>5}{found[0]:>10.3f}{found[1]:>12.3f}{found[2]:>11.3f}{found[3]:>11.3f}{largest:>12.1e}",
        flush=True,
    )


def _rows(width: int, n: int) -> tuple[FloatArray, FloatArray]:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(n, width)) + 1.0
    labels = (x[:, 0] + rng.normal(size=n) > 1.0).astype(float)
    return x, np.column_stack([1.0 - labels, labels]) * 2 - 1


def _median(step: Callable[..., FloatArray], rows: list[tuple[FloatArray, FloatArray]]) -> float:
    seconds = []
    for row, target in rows:
        started = time.perf_counter()
        step(row, target)
        seconds.append(time.perf_counter() - started)
    return 1000 * float(np.median(seconds))


if __name__ == "__main__":
    main()
