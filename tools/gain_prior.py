"""What do pretrained parts usually gain? Writes the prior by which the decision of what ships shrinks a measured gain.

From the rows that `bench/quality/together.py` has kept: for each modality and number of labels the mean, over tasks, of the gain on the
test part of the model with pretrained parts over the best without, and the standard deviation of the true gains: the variance of those
measured less that which the test parts' size explains. `--quick` makes the table from simulated gains, of which both are known.
Run: .venv/bin/python -m tools.gain_prior [--results FILE] [--without questions] [--write]
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bench.options import parse, parser_of
from bench.quality.gains import gain_table
from bench.quality.together import RESULTS
from bench.results import Results
from headstart.core.student import Z_95
from headstart.storage.files import write_file

if TYPE_CHECKING:
    from bench.quality.gains import Table
    from bench.results import Row

TABLE = Path("src/headstart/evaluation/gain_prior.toml")
HEADER = "# Gains in points of the headline metric / 100 on earlier tasks; written by tools/gain_prior.py."
PRESET = "balanced"  # whose fits are looked at
MEAN, DEVIATION, NOISE = 0.03, 0.05, 0.04  # of the simulated gains


def main() -> None:
    parser = parser_of(__doc__)
    parser.add_argument("--results", type=Path, default=RESULTS / "fits.jsonl")
    parser.add_argument("--without", help="a task that is left out, as the bench judges that task itself")
    parser.add_argument("--write", action="store_true", help="write the table")
    options = parse(parser, results=None)
    if options.write and (options.quick or options.without):
        parser.error("only the table of all measured tasks is written")
    kept = Results.open(options.results)
    rows = simulated(n_tasks=500) if options.quick else kept.find(preset=PRESET, budget=None)
    table = gain_table(rows, without=options.without)
    if not table:
        parser.error(f"{options.results} has no gains yet. Measure them with: python -m bench.quality.together")
    print(as_toml(table), end="")
    if options.write:
        write_file(TABLE, as_toml(table).encode())


def as_toml(table: Table) -> str:
    """The file."""
    lines = [HEADER]
    for row in table:
        lines += ["[[gains]]", *(f"{key} = {_value(value)}" for key, value in row.items()), ""]
    return "\n".join(lines).rstrip() + "\n"


def _value(value: float | str) -> str:
    return f'"{value}"' if isinstance(value, str) else f"{value}"


def simulated(*, n_tasks: int) -> list[Row]:
    """One draw each of many tasks whose true gains are known in distribution, measured with noise."""
    rng = np.random.default_rng(0)
    gains = rng.normal(MEAN, DEVIATION, n_tasks) + rng.normal(0, NOISE, n_tasks)
    margin = Z_95 * NOISE
    return [
        {
            "task": f"task {i}",
            "size": 100,
            "n": 100,
            "modality": "text",
            "has_transfer": True,
            "test_gain": {"value": float(gain), "low": gain - margin, "high": gain + margin, "unit": "fraction"},
        }
        for i, gain in enumerate(gains)
    ]


if __name__ == "__main__":
    main()
