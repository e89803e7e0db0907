"""Every bench runs: each in a process of its own with --quick, the real code on a little real data."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
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
    "bench.speed.serve_pair": needs("wrk", present=shutil.which("wrk") is not None),
    "bench.speed.web": needs("browser", present=shutil.which("chromium") is not None),
}
NO_DATA = {"bench.quality.paired_error", "tools.gain_prior"}
NOT_ALONE = {
    "tools.audit",
    "bench.peers.texts",
    "bench.peers.columns",
    "bench.peers.streams",
}  # `make check` and other benches run them


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


@pytest.mark.slow
@pytest.mark.downloads
def test_the_comparison_with_setfit_alone_uses_the_preset(shared_cache):
    peers = ["--peers", "headstart balanced", "--tasks", "questions-8", "--budget", "20"]
    printed = run("bench.peers.compare", "--beside-setfit", "--quick", *peers, cache=shared_cache)
    assert "headstart balanced" in printed


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


@pytest.mark.parametrize("name", ["tools.references", "tools.gain_prior"])
def test_a_quick_run_of_what_writes_into_the_package_cannot_write(name):
    done = subprocess.run(
        [sys.executable, "-m", name, "--quick", "--write"], cwd=ROOT, capture_output=True, check=False
    )
    assert done.returncode == 2


def test_the_prior_of_gains_leaves_out_the_noise_of_the_tests(tmp_path):
    (row,) = tomllib.loads(run("tools.gain_prior", "--quick", cache=tmp_path))["gains"]
    assert row["mean"] == pytest.approx(0.03, abs=0.01)
    assert row["deviation"] == pytest.approx(0.05, abs=0.01)  # with the noise it is 0.064


def test_the_prior_of_gains_can_leave_a_task_out(tmp_path):
    rows = [gain_row(task, value) for task, value in {"a": 0.02, "b": 0.04, "c": 0.06, "odd": 0.8}.items()]
    path = tmp_path / "fits.jsonl"
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    (row,) = tomllib.loads(run("tools.gain_prior", "--results", str(path), "--without", "odd", cache=tmp_path))["gains"]
    assert row == {"modality": "text", "n_items": 100, "mean": 0.04, "deviation": pytest.approx(0.02, abs=0.001)}


def gain_row(task, value):
    gain = {"value": value, "low": value - 0.001, "high": value + 0.001, "unit": "fraction"}
    fit = {"preset": "balanced", "budget": None, "modality": "text", "has_transfer": True}
    return {"task": task, "size": 100, "n": 100, **fit, "test_gain": gain}
