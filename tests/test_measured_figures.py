"""Scores that the pages quote stand where they were measured: in the log, or with command and commit on the page of the benches."""

import re

import pytest

from pages import PAGES, ROOT, page

KEPT = ("docs/log.md", "docs/bench.md")
SCORE = r"(?<![\d.:])[01]\.\d{3}(?![\d.]|,\d)"
QUOTING = [name for name in PAGES if name not in KEPT]


def blocks(name: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", (ROOT / name).read_text(), flags=re.MULTILINE | re.DOTALL)


def prose(name: str) -> str:
    return re.sub(r"^```.*?^```$", "", (ROOT / name).read_text(), flags=re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("name", QUOTING)
def test_a_score_that_a_page_quotes_is_kept_where_it_was_measured(name):
    kept = "".join(page(one) for one in KEPT)
    assert not [score for score in re.findall(SCORE, prose(name)) if score not in kept]


def test_what_the_readme_shows_of_a_command_is_what_the_page_of_the_benches_keeps():
    kept = {line.strip() for block in blocks("docs/bench.md", "text") for line in block.splitlines()}
    shown = [line.strip() for block in blocks("README.md", "text") for line in block.splitlines()]
    assert not [line for line in shown if line != "…" and line not in kept]
    assert len(shown) > 10


def test_what_is_kept_for_the_readme_names_its_command_and_its_commit():
    kept = (ROOT / "docs/bench.md").read_text().partition("## What the README shows")[2].partition("\n## ")[0]
    named = re.findall(r"`([^`]+)`, (\d{4}-\d{2}-\d{2}), commit `([0-9a-f]{7})`", kept)
    assert len(named) == len(re.findall(r"^```text$", kept, flags=re.MULTILINE))
