"""How often does chance pass for a gain? Level and power of paired criteria over groups, equal and unequal, old formulas beside the new one.

Normal differences of variance 1; the items of a group have an intra-class correlation. Under no gain "more than one standard error" should
hold in 0.16 of the runs and "significantly" in 0.025 (one-sided); with a gain of three standard errors of independent items the more the
better. The sums over groups about their mean (the blends' and the tuning's until they shared one formula) count unequal sizes as noise; the
residual sums (the ranking's) do not, but know neither how few nor how unequal the groups are.
Run: .venv/bin/python -m bench.quality.paired_error
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from bench.options import parse, parser_of
from headstart.core.paired import PairedDifference

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Criteria = tuple[bool, bool]
"""More than one standard error; significant."""

SIZES: dict[str, list[int]] = {
    "40 single items": [1] * 40,
    "5 groups of 10": [10] * 5,
    "3 groups of 20": [20] * 3,
    "8 groups of 5 to 40": [5, 8, 12, 15, 20, 25, 30, 40],
    "30 single items, groups of 15, 10, 5": [1] * 30 + [15, 10, 5],
    "100 single items, groups of 50, 30, 20": [1] * 100 + [50, 30, 20],
    "10 single items, a group of 30": [1] * 10 + [30],
}
Z_95 = 1.96


def main() -> None:
    parser = parser_of(__doc__)
    parser.add_argument("--runs", type=int, default=10_000, help="of each row")
    options = parse(parser, runs=100)
    print("| groups | correlation | formula | level, one | level, 95 % | power, one | power, 95 % |")
    print("|---|---|---|---|---|---|---|")
    for name, sizes in SIZES.items():
        for correlation in (0.0, 0.3, 1.0) if max(sizes) > 1 else (0.0,):
            for title, row in rows(np.array(sizes), correlation, options.runs):
                print(f"| {name} | {correlation:g} | {title} | " + " | ".join(f"{share:.3f}" for share in row) + " |")


def rows(sizes: Ints, correlation: float, n_runs: int) -> Iterator[tuple[str, tuple[float, ...]]]:
    """Each formula with its shares of runs: level by both criteria, then power by both."""
    rng, groups = np.random.default_rng(0), np.repeat(np.arange(len(sizes)), sizes)
    shared = rng.standard_normal((n_runs, len(sizes)))[:, groups]
    noise = math.sqrt(correlation) * shared + math.sqrt(1 - correlation) * rng.standard_normal((n_runs, len(groups)))
    for title, formula in FORMULAS.items():
        found = [[formula(one + gain, groups) for one in noise] for gain in (0.0, 3 / math.sqrt(len(groups)))]
        yield title, tuple(np.mean(found, axis=1).ravel().tolist())


def by_sums(differences: Floats, groups: Ints) -> Criteria:
    sums = np.bincount(groups, differences)
    t = sums.sum() / math.sqrt(np.square(sums - sums.mean()).sum())
    return t > 1, t > Z_95


def by_residual_sums(differences: Floats, groups: Ints) -> Criteria:
    sums = np.bincount(groups, differences - differences.mean())
    t = differences.sum() / math.sqrt(np.square(sums).sum() * len(sums) / (len(sums) - 1))
    return t > 1, t > Z_95


def by_paired_difference(differences: Floats, groups: Ints) -> Criteria:
    found = PairedDifference.of(differences, groups)
    return found.exceeds_one_standard_error, found.is_significantly_better


FORMULAS: dict[str, Callable[[Floats, Ints], Criteria]] = {
    "sums about their mean (old)": by_sums,
    "residual sums (old)": by_residual_sums,
    "`core/paired.py`": by_paired_difference,
}


if __name__ == "__main__":
    main()
