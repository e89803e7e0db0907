from __future__ import annotations

import errno
import os
import resource
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import missing
from headstart.core.errors import StorageError
from headstart.storage.files import cache_folder, cache_notice, check_writable, replacing, write_file


def test_cache_folder_is_the_environments_choice(monkeypatch, tmp_path):
    monkeypatch.setenv("HEADSTART_CACHE", str(tmp_path / "x"))
    assert cache_folder() == tmp_path / "x"
    monkeypatch.delenv("HEADSTART_CACHE")
    assert cache_folder() == Path.home() / ".cache" / "headstart"


def test_a_cache_that_is_read_only_is_said(monkeypatch, tmp_path):
    monkeypatch.setenv("HEADSTART_CACHE", str(tmp_path))
    assert cache_notice() == ""
    monkeypatch.setattr("os.access", lambda path, mode: False)  # root may write everywhere
    assert str(tmp_path) in cache_notice()
    assert "HEADSTART_CACHE" in cache_notice()


def test_a_cache_that_is_no_folder_is_an_error_that_names_the_setting(monkeypatch, tmp_path):
    (tmp_path / "cache").write_text("a file")
    monkeypatch.setenv("HEADSTART_CACHE", str(tmp_path / "cache"))
    with pytest.raises(StorageError, match="HEADSTART_CACHE"):
        write_file(cache_folder() / "a", b"x")


def test_written_file_replaces_the_old_one_and_leaves_nothing_beside(tmp_path):
    target = tmp_path / "new" / "a.bin"
    write_file(target, b"one")
    write_file(target, b"two")
    assert target.read_bytes() == b"two"
    assert _names(target.parent) == ["a.bin"]


def test_folder_replaces_a_folder(tmp_path):
    for text in ("one", "two"):
        with replacing(tmp_path / "bundle") as partial:
            partial.mkdir()
            (partial / text).write_text(text)
    assert _names(tmp_path) == ["bundle"]
    assert _names(tmp_path / "bundle") == ["two"]


def test_failure_inside_leaves_the_old_one(tmp_path):
    write_file(tmp_path / "a", b"old")
    with pytest.raises(TypeError), replacing(tmp_path / "a") as partial, partial.open("wb") as file:
        file.write("not bytes")
    assert (tmp_path / "a").read_bytes() == b"old"
    assert _names(tmp_path) == ["a"]


def test_what_a_killed_writer_left_is_swept_away(tmp_path):
    script = (
        "import os, signal, sys, pathlib\nfrom headstart.storage.files import replacing\n"
        "with replacing(pathlib.Path(sys.argv[1])) as p:\n    p.write_bytes(b'half')\n    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path / "a")], check=False)
    assert done.returncode == -signal.SIGKILL
    assert len(_names(tmp_path)) == 1
    write_file(tmp_path / "a", b"whole")
    assert _names(tmp_path) == ["a"]


def test_a_full_disk_is_named_of_the_copy_of_a_folder_too(tmp_path):
    def full(source, target):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), source, None, target)

    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "file").touch()
    with pytest.raises(StorageError, match="the disk is full. Free some space"), replacing(tmp_path / "b") as partial:
        shutil.copytree(tmp_path / "a", partial, copy_function=full)
    assert not (tmp_path / "b").exists()


def test_full_disk_is_named(tmp_path):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        with pytest.raises(StorageError, match=r"cannot write .*big.bin: the file would be larger"):
            write_file(tmp_path / "big.bin", bytes(5000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)
    assert _names(tmp_path) == []


@missing.needs("full device", present=Path("/dev/full").exists())
def test_no_space_left_is_named(tmp_path):
    full = Path("/dev/full").open("wb", buffering=0)  # noqa: SIM115
    with pytest.raises(StorageError, match="the disk is full"), full, replacing(tmp_path / "a"):
        full.write(b"x")


def test_file_in_the_way_of_a_folder_is_named(tmp_path):
    (tmp_path / "a").write_text("")
    with pytest.raises(StorageError, match="cannot write"):
        write_file(tmp_path / "a" / "b", b"x")


def test_what_cannot_be_written_in_the_cache_names_its_variable(tmp_path, monkeypatch):
    monkeypatch.setenv("HEADSTART_CACHE", str(written_file(tmp_path / "home") / "cache"))
    with pytest.raises(StorageError, match="Set HEADSTART_CACHE to a folder that you may write to"):
        write_file(cache_folder() / "results" / "a", b"x")
    with pytest.raises(StorageError, match="Choose another path"):
        write_file(tmp_path / "home" / "b", b"x")


def test_without_a_home_the_variable_is_named(monkeypatch):
    monkeypatch.setenv("HEADSTART_CACHE", "~no-such-user-here/cache")
    with pytest.raises(StorageError, match="Set HEADSTART_CACHE"):
        cache_folder()


@pytest.mark.parametrize("durable", [True, False])
def test_what_must_not_be_lost_is_on_the_disk_before_it_takes_its_place(tmp_path, monkeypatch, durable):
    events = []
    flush, rename = os.fsync, Path.replace
    monkeypatch.setattr(os, "fsync", lambda file: (events.append("on the disk"), flush(file)))
    monkeypatch.setattr(Path, "replace", lambda path, new: (events.append("in place"), rename(path, new)))
    with replacing(tmp_path / "bundle", durable=durable) as partial:
        (partial / "input").mkdir(parents=True)
        (partial / "input" / "a").write_bytes(b"x")
    # a file and two folders, then the entry of the new name
    assert events == (["on the disk"] * 3 + ["in place", "on the disk"] if durable else ["in place"])


def written_file(path):
    path.write_text("a file")
    return path


def test_other_errors_pass_through(tmp_path):
    with pytest.raises(FileNotFoundError), replacing(tmp_path / "a"):
        Path("/no/such/file").read_bytes()


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("name", ["x.csv", "new/x.csv"])
def test_a_folder_that_takes_no_files(name):
    """/proc gives ENOENT to whoever writes there."""
    place = Path("/proc") / name
    for write in (check_writable, lambda path: write_file(path, b"x")):
        with pytest.raises(StorageError, match="cannot write /proc/.* Choose another folder"):
            write(place)


def test_a_file_that_is_missing_elsewhere_is_no_fault_of_the_place(tmp_path):
    with pytest.raises(FileNotFoundError), replacing(tmp_path / "a") as partial:
        partial.write_bytes((tmp_path / "sub" / "gone").read_bytes())


def test_asking_whether_a_place_can_be_written_leaves_nothing(tmp_path):
    check_writable(tmp_path / "a.csv")
    check_writable(tmp_path / "new" / "deeper" / "a.csv")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="a part of the path is a file"):
        check_writable(tmp_path / "file" / "a.csv")
