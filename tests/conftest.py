"""What all tests share: no network but this machine's own, and caches of their own."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings
from pytest_socket import socket_allow_hosts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytest_plugins = ["missing"]

_THIS_MACHINE = ["127.0.0.1", "::1"]
_N_ROWS, _N_PHOTOS = 90, 6

settings.register_profile(
    "no deadline", settings.default, deadline=None
)  # how long an example takes says how busy the machine is
settings.load_profile("no deadline")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Let a test reach another machine only if it is marked `network`; pytest-socket lifts the ban after each test."""
    if item.get_closest_marker("network") is None:
        socket_allow_hosts(_THIS_MACHINE, allow_unix_socket=True)


@pytest.fixture(autouse=True)
def _no_npm_registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine's own npm settings stay out of the tests: the registry is a folder that does not exist."""
    monkeypatch.setenv("npm_config_registry", (tmp_path / "registry").as_uri())


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache folder of the test's own."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("HEADSTART_CACHE", str(folder))
    return folder


@pytest.fixture(scope="session")
def new_cache(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Path]:
    """Makes a cache that has the fetched archives and weights, and neither features nor results."""
    real = Path(os.environ.get("HEADSTART_CACHE", Path.home() / ".cache" / "headstart"))

    def make() -> Path:
        folder = tmp_path_factory.mktemp("cache")
        for part in ("packages", "sources"):
            (folder / part).symlink_to(real / part)
        return folder

    return make


@pytest.fixture(scope="module")
def fetched_cache(new_cache: Callable[[], Path]) -> Iterator[Path]:
    """Such a cache, in use for all tests of a module."""
    with pytest.MonkeyPatch.context() as patch:
        folder = new_cache()
        patch.setenv("HEADSTART_CACHE", str(folder))
        yield folder


@pytest.fixture(scope="session")
def real_data(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Gives the folder of a demo, laid out once for all tests."""
    from headstart.data import demo

    return lambda name: demo(name, tmp_path_factory.getbasetemp() / "demos" / name)


@pytest.fixture
def links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of archives that is all that pip is set to look at."""
    folder = tmp_path / "links"
    folder.mkdir()
    for name in ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


@pytest.fixture(scope="session")
def small_data(
    tmp_path_factory: pytest.TempPathFactory, real_data: Callable[[str], Path], new_cache: Callable[[], Path]
) -> Path:
    """What pages and examples speak of: tickets.csv, photos/ and tickets-model, cut from real data."""
    import pandas as pd

    folder = tmp_path_factory.mktemp("small")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HEADSTART_CACHE", str(new_cache()))
        complaints = pd.read_csv(real_data("complaints") / "complaints.csv").query("split == 'train'")
        common = complaints["product"].value_counts().index[:3]
        rows = complaints[complaints["product"].isin(common)].head(_N_ROWS)[["text", "product"]]
        rows.to_csv(folder / "tickets.csv", index=False)
        for kind in ("Anjou", "Orange", "Watermelon"):
            (folder / "photos" / kind).mkdir(parents=True)
            for photo in sorted((real_data("groceries") / "train" / kind).iterdir())[:_N_PHOTOS]:
                (folder / "photos" / kind / photo.name).symlink_to(photo)
        _fit(folder / "tickets.csv", folder / "tickets-model", source="wordllama-256")
    return folder


@pytest.fixture(scope="session")
def photos_model(tmp_path_factory: pytest.TempPathFactory, small_data: Path, new_cache: Callable[[], Path]) -> Path:
    """The bundle of the small photos."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HEADSTART_CACHE", str(new_cache()))
        return _fit(small_data / "photos", tmp_path_factory.mktemp("fitted") / "photos-model", source="mobilenet-v2")


@pytest.fixture
def workplace(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to be in, with links to the small data where a test may use real data."""
    monkeypatch.chdir(tmp_path)
    if request.node.get_closest_marker("downloads") is None:
        monkeypatch.setenv("HEADSTART_CACHE", str(request.getfixturevalue("new_cache")()))
        return tmp_path
    request.getfixturevalue("fetched_cache")
    for path in request.getfixturevalue("small_data").iterdir():
        (tmp_path / path.name).symlink_to(path)
    return tmp_path


def _fit(data: Path, out: Path, *, source: str) -> Path:
    import headstart

    headstart.fit(data, out=out, source=source, tune="none", baselines="none", progress=None)
    return out
