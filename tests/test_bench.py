"""Every bench runs: each in a process of its own with --quick, the real code on a little real data."""

import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from missing import needs

ROOT = Path(__file__).parent.parent
PROGRAMS = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for folder in ("bench", "tools")
    for path in (ROOT / folder).rglob("*.py")
    if path.read_text().endswith('if __name__ == "__main__":\n    main()\n')
)
NEEDS = {
    "bench.peers.compare": needs("peers", present=(ROOT / ".venv-peers" / "bin" / "python").exists()),
    "bench.robustness.fuzz": needs("atheris", present=find_spec("atheris") is not None),
    "bench.speed.serve": needs("wrk", present=shutil.which("wrk") is not None),
    "bench.speed.web": needs("browser", present=shutil.which("chromium") is not None),
}
NO_DATA = {"bench.quality.paired_error"}
NOT_ALONE = {"tools.audit", "bench.peers.texts"}  # `make check` runs the one, `bench.peers.compare` the other


def run(name: str, *options: str, cache: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-m", name, *options],
        cwd=ROOT,
        env={**os.environ, "HEADSTART_CACHE": str(cache)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        pytest.param(
            name,
            marks=[*([] if name in NO_DATA else [pytest.mark.downloads]), *([NEEDS[name]] if name in NEEDS else [])],
        )
        for name in PROGRAMS
        if name not in NOT_ALONE
    ],
)
def test_a_bench_runs_on_a_little_data(name, shared_cache):
    assert run(name, "--quick", cache=shared_cache).strip()


@pytest.mark.slow
@pytest.mark.downloads
def test_headstart_is_timed_where_its_peers_are_not_installed(shared_cache):
    printed = run(
        "bench.peers.compare", "--quick", "--tasks", "questions-8", "--peers", "headstart", cache=shared_cache
    )
    assert "questions-2" in printed


@pytest.fixture(scope="module")
def shared_cache(new_cache):
    """Without features or results at first; what one bench embeds, the next one finds."""
    return new_cache()


@pytest.mark.parametrize("name", [name for name in PROGRAMS if name not in NOT_ALONE])
def test_a_bench_is_on_the_page_and_runs_with_the_others(name):
    page, makefile = (ROOT / "docs" / "bench.md").read_text(), (ROOT / "Makefile").read_text()
    assert f"`python -m {name}`" in page
    assert re.search(rf"\b{re.escape(name.removeprefix('bench.'))}\b", makefile)


@pytest.mark.parametrize(
    "name", sorted(re.findall(r"`python -m ((?:bench|tools)\.[a-z_.]+)`", (ROOT / "docs" / "bench.md").read_text()))
)
def test_the_page_lists_no_bench_that_is_gone(name):
    assert name in PROGRAMS


def test_a_quick_run_of_what_writes_into_the_package_cannot_write():
    done = subprocess.run(
        [sys.executable, "-m", "tools.references", "--quick", "--write"], cwd=ROOT, capture_output=True, check=False
    )
    assert done.returncode == 2
