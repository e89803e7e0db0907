"""What a test needs and a machine may lack, each with the line that brings it; a run ends with the list of both.

A skip that names no such line is an error, so that nothing goes untested unseen. A case that can never apply is not made in the
first place.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NoReturn, TypeVar

import pytest

from headstart.testing.brokers import BROKERS

if TYPE_CHECKING:
    from collections.abc import Generator

Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)

NEEDS = {
    "atheris": ("atheris is not installed", "make install  # on Linux with x86-64"),
    "browser": ("Chromium is not installed", "apt-get install chromium"),
    "catboost": ("CatBoost is not installed", 'pip install "headstart[boost]"'),
    "full device": ("this system has no /dev/full", "make test  # on Linux"),
    "gpu": ("torch sees no GPU", "make test  # on a machine with an NVIDIA GPU and torch's CUDA build"),
    "lightgbm": ("LightGBM is not installed", 'pip install "headstart[boost]"'),
    "kafka": (
        "no Kafka answers at 127.0.0.1:9092, and Tansu is not installed",
        "make services  # or name it: HEADSTART_KAFKA=kafka://HOST:PORT",
    ),
    "mlflow": ("MLflow's environment is not made", "make mlflow-env"),
    "mount": ("no file system can be mounted", "sudo make test  # in a container: with --cap-add SYS_ADMIN"),
    "node": ("Node.js is not installed", "apt-get install nodejs"),
    "peers": ("the environment of the peers is not made", "make peers-env"),
    "postgres": (
        "no PostgreSQL answers at 127.0.0.1:5432, or psycopg is not installed",
        "make services  # or name it: HEADSTART_POSTGRES=postgresql://HOST:PORT/DATABASE",
    ),
    "river": ("river is not installed", 'pip install "headstart[watch]"'),
    "ssh-keygen": ("OpenSSH is not installed", "apt-get install openssh-client"),
    "tensorflow": ("TensorFlow is not installed", "make tensorflow"),
    "xgboost": ("XGBoost is not installed", 'pip install "headstart[boost]"'),
    **{name: one.missing for name, one in BROKERS.items() if name != "kafka"},
    "wrk": ("wrk is not installed", "apt-get install wrk"),
}
_RUN_WITH = "; run it with: "
_NOT_INSTALLED = "could not import"  # how pytest.importorskip begins


def skip(need: str) -> NoReturn:
    """Skip the test that asks, for want of `need`."""
    pytest.skip(_reason(need))


def needs(need: str, *, present: bool) -> pytest.MarkDecorator:
    """Mark a test to be skipped unless `need` is present."""
    return pytest.mark.skipif(not present, reason=_reason(need))


def _reason(need: str) -> str:
    return _RUN_WITH.join(NEEDS[need])


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    return _with_remedy((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    return _with_remedy((yield))


def _with_remedy(report: Report) -> Report:
    """Make a skip that names no remedy an error."""
    if report.outcome == "skipped" and not hasattr(report, "wasxfail") and _RUN_WITH not in (reason := _said(report)):
        report.outcome = "failed"
        report.longrepr = f"skipped without the line that would run it ({reason}): use missing.skip or missing.needs"
    return report


def _said(report: pytest.TestReport | pytest.CollectReport) -> str:
    """Why a test was skipped; a library that is missing belongs to the development install."""
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    reason = reason.removeprefix("Skipped: ")
    return f"{reason}{_RUN_WITH}make install" if reason.startswith(_NOT_INSTALLED) else reason


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what was skipped, why, and what would run it."""
    reasons = Counter(_said(report) for report in terminalreporter.stats.get("skipped", ()))
    if not reasons:
        terminalreporter.write_line("Nothing was skipped.")
        return
    terminalreporter.section("skipped, and what would run it")
    for reason, n_tests in sorted(reasons.items()):
        why, _, line = reason.partition(_RUN_WITH)
        terminalreporter.write_line(f"{n_tests:>4}  {why}")
        terminalreporter.write_line(f"      $ {line}")
