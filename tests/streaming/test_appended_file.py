"""Tests of `streaming/appended_file.py`: durable whole lines, each key once, also after a crash."""

from __future__ import annotations

import json
import multiprocessing
import os
import subprocess
import sys

import pytest

from headstart.core.errors import StorageError
from headstart.streaming.appended_file import AppendedFile
from headstart.streaming.record import Output


def outputs(*keys):
    return [Output(key=str(key), value={"key": str(key), "text": "ä" * 10}) for key in keys]


def keys(path):
    return [json.loads(line)["key"] for line in path.read_bytes().splitlines()]


def append(path, *added, n_keys=100):
    file = AppendedFile(path, n_keys=n_keys)
    file.open()
    file.append(outputs(*added))
    file.close()


def test_a_key_is_written_once_also_after_a_reopen(tmp_path):
    path = tmp_path / "new" / "out.jsonl"
    append(path, 1, 2, 2)
    append(path, 2, 3)
    assert keys(path) == ["1", "2", "3"]


def test_keys_that_are_there_are_counted(tmp_path):
    file = AppendedFile(tmp_path / "out.jsonl")
    file.open()
    file.append(outputs(1, 1, 2))
    file.append(outputs(2, 1))
    file.close()
    assert file.n_left_out == 3


def test_what_another_process_has_added_is_known(tmp_path):
    path = tmp_path / "out.jsonl"
    first, second = AppendedFile(path), AppendedFile(path)
    for file in (first, second):
        file.open()
    first.append(outputs(1, 2))
    second.append(outputs(2, 3))
    first.append(outputs(3, 4))
    assert keys(path) == ["1", "2", "3", "4"]
    assert (first.n_left_out, second.n_left_out) == (1, 1)
    with path.open("ab") as out:  # killed in the middle of a line
        out.write(b'{"key": "5", "te')
    second.append(outputs(5, 6))
    path.write_bytes(path.read_bytes()[:-40])  # and cut short by somebody
    first.append(outputs(6, 7))
    assert keys(path) == ["1", "2", "3", "4", "5", "6", "7"]
    first.close()
    second.close()


@pytest.mark.parametrize("cut", range(1, 40))
def test_a_torn_last_line_is_cut_off(tmp_path, cut):
    path = tmp_path / "out.jsonl"
    append(path, 1, 2)
    os.truncate(path, path.stat().st_size - cut)
    append(path, 1, 2, 3)
    assert keys(path) == ["1", "2", "3"]


def test_a_torn_first_line_too(tmp_path):
    path = tmp_path / "out.jsonl"
    path.write_bytes(b'{"ke')
    append(path, 1)
    assert keys(path) == ["1"]


def test_what_is_none_of_ours_is_left_alone(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_bytes(b"remember the milk")
    with pytest.raises(StorageError, match="half a line that is no answer"):
        append(path, 1)
    assert path.read_bytes() == b"remember the milk"


def test_old_keys_are_forgotten(tmp_path):
    path = tmp_path / "out.jsonl"
    append(path, *range(10), n_keys=3)
    append(path, 0, 9, n_keys=3)
    assert keys(path) == [*map(str, range(10)), "0"]


def test_events_are_known_by_their_id(tmp_path):
    path = tmp_path / "out.jsonl"
    event = Output(key="7", value={"specversion": "1.0", "id": "7", "source": "/m"})
    for _ in range(2):
        file = AppendedFile(path)
        file.open()
        file.append([event])
        file.close()
    assert len(path.read_bytes().splitlines()) == 1


FULL = """
import resource, signal, sys
from pathlib import Path
from headstart.core.errors import StorageError
from headstart.streaming.appended_file import AppendedFile
from headstart.streaming.record import Output
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
file = AppendedFile(Path(sys.argv[1]))
file.open()
file.append([Output(key="a", value={"key": "a"})])
resource.setrlimit(resource.RLIMIT_FSIZE, (50, resource.RLIM_INFINITY))
batch = [Output(key=str(i), value={"key": str(i)}) for i in range(50)]
try:
    file.append(batch)
except StorageError as error:
    print(error)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
file.append(batch)
"""


def test_a_full_disk_leaves_nothing_of_a_batch_and_the_next_try_all_of_it(tmp_path):
    path = tmp_path / "out.jsonl"
    done = subprocess.run([sys.executable, "-c", FULL, str(path)], check=True, capture_output=True, text=True)
    assert "larger than is allowed" in done.stdout
    assert keys(path) == ["a", *map(str, range(50))]


def _append_some(path, name):
    file = AppendedFile(path)
    file.open()
    for i in range(50):
        file.append(outputs(f"{name}-{i}", f"{name}-{i}-again"))
    file.close()


def test_several_processes_write_whole_lines(tmp_path):
    path = tmp_path / "out.jsonl"
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_append_some, args=(path, name)) for name in "abc"]
    for one in writers:
        one.start()
    for one in writers:
        one.join()
    assert len(set(keys(path))) == 300
