"""The pages of the documentation, for the tests that compare them with the code."""

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGES = ("README.md", *(f"docs/{path.name}" for path in sorted((ROOT / "docs").glob("*.md"))))
WORDS = (
    "no one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty "
    "twenty-one twenty-two twenty-three twenty-four"
).split()


def page(name: str) -> str:
    """A page whose lines are joined, so that a sentence is found wherever it is broken."""
    return re.sub(r"\s+", " ", (ROOT / name).read_text())
