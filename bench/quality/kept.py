"""What do three real fits say? The figures that a change of form must not change, as JSON: run it on two trees and compare.

groceries, complaints and questions, laid out and fitted by the commands of the tree: score, source, verdict, what is shipped, and
each baseline's score. Features that are in the cache are used again: HEADSTART_CACHE names another.
Run: .venv/bin/python -m bench.quality.kept [--tree ../before] [--data groceries,questions] > before.json
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from bench.options import names, parse, parser_of

DATA = ["groceries", "complaints", "questions"]
BASELINES = ("baselines", "rivals")  # what trees call them, the newest first


def main() -> None:
    parser = parser_of(__doc__)
    parser.add_argument("--tree", type=Path, default=Path(), help="checkout with a .venv of its own")
    parser.add_argument("--data", type=names, default=DATA)
    parser.add_argument("--options", type=str.split, default=["--preset", "balanced"], help="of `headstart fit`")
    options = parse(parser, data=["questions"], options=["--baselines", "simple", "--source", "potion-base-8m"])
    found = {name: figures(fit(options.tree, name, options.options)) for name in options.data}
    print(json.dumps(found, indent=1))


def fit(tree: Path, name: str, options: list[str]) -> dict[str, Any]:
    """What `headstart fit --json` prints."""
    headstart = str(tree.absolute() / ".venv" / "bin" / "headstart")
    with tempfile.TemporaryDirectory() as folder:
        data, out = f"{folder}/{name}", f"{folder}/model"
        subprocess.run([headstart, "demo", name, "--out", data], stdout=sys.stderr, check=True)
        command = [headstart, "fit", data, "--out", out, "--json", *options]
        return dict(json.loads(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout))


def figures(fitted: dict[str, Any]) -> dict[str, Any]:
    """Those that depend on data and seed alone, not on the clock."""
    (baselines,) = [fitted[word] for word in BASELINES if word in fitted]
    return {
        **fitted["metric"],
        **{name: fitted[name] for name in ("source", "verdict", "deployed", "n_items", "n_groups", "gain")},
        "baselines": {one["name"]: one["value"] for one in baselines},
    }


if __name__ == "__main__":
    main()
