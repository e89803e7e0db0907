from __future__ import annotations

import errno
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headstart.core.errors import StorageError
from headstart.features import store as module
from headstart.features.store import KEY_DTYPE, Store

keys = st.binary(min_size=1, max_size=16).filter(lambda key: key.strip(b"\0") != b"")
batches = st.lists(st.lists(keys, min_size=1, max_size=4, unique_by=lambda key: key.rstrip(b"\0")), max_size=6)


@given(batches=batches, seed=st.integers(0, 2**32 - 1), reopen=st.booleans())
def test_what_was_put_is_got_in_any_order(batches, seed, reopen):
    rng, put = np.random.default_rng(seed), {}
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder), 3)
        for batch in batches:
            rows = rng.normal(size=(len(batch), 3)).astype(np.float32)
            store.append(_keys(batch), rows)
            put |= {key.rstrip(b"\0"): row for key, row in zip(batch, rows, strict=True)}
            store = Store(Path(folder), 3) if reopen else store
            wanted = rng.permutation([*put, b"never put"])
            got = store.read(store.find(_keys(wanted)))
            for key, row in zip(wanted, got, strict=True):
                np.testing.assert_array_equal(row, put.get(bytes(key), np.full(3, np.nan)))


@given(cut=st.integers(0, 400), which=st.sampled_from(["index", "data.f32"]))
def test_truncated_tail_is_dropped_by_whole_batches(cut, which):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rows = _fill(folder, n_batches=3)
        content = (folder / which).read_bytes()
        (folder / which).write_bytes(content[: max(0, len(content) - cut)])
        n_kept = int((Store(folder, 5).find(_numbered(range(12))) >= 0).sum())
        assert n_kept % 4 == 0
        again = _fill(folder, n_batches=3)
        np.testing.assert_array_equal(rows, again)
        store = Store(folder, 5)
        np.testing.assert_array_equal(store.read(store.find(_numbered(range(12)))), rows)


@settings(deadline=None)  # files
@given(place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7), which=st.sampled_from(["index", "data.f32"]))
def test_a_flipped_bit_anywhere_counts_as_missing(place, bit, which):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rows = _fill(folder, n_batches=3)
        content = bytearray((folder / which).read_bytes())
        content[int(place * len(content))] ^= 1 << bit
        (folder / which).write_bytes(content)
        store = Store(folder, 5)
        found = store.read(store.find(_numbered(range(12))))
        is_kept = ~np.isnan(found[:, 0])
        np.testing.assert_array_equal(found[is_kept], rows[is_kept])


def test_a_folder_that_may_not_be_written_is_read_and_left_alone(tmp_path, monkeypatch):
    rows = _fill(tmp_path, n_batches=3)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def refuse(path, mode="r", *others, **more):
        if set(mode) & set("wa+"):
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))
        return open_file(path, mode, *others, **more)

    open_file = Path.open
    monkeypatch.setattr(Path, "open", refuse)
    store = Store(tmp_path, 5)
    store.append(_numbered([99]), np.ones((1, 5), np.float32))
    np.testing.assert_array_equal(store.read(store.find(_numbered(range(12)))), rows)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    assert np.isnan(Store(tmp_path / "none", 5).read(np.array([0]))).all()


def test_damaged_row_counts_as_missing_and_is_replaced(tmp_path):
    rows = _fill(tmp_path, n_batches=2)
    content = bytearray((tmp_path / "data.f32").read_bytes())
    content[5 * 4 * 3 + 1] ^= 1
    (tmp_path / "data.f32").write_bytes(content)
    store = Store(tmp_path, 5)
    got = store.read(store.find(_numbered(range(8))))
    assert np.flatnonzero(np.isnan(got[:, 0])).tolist() == [3]
    store.append(_numbered([3]), rows[3:4])
    np.testing.assert_array_equal(store.read(store.find(_numbered(range(8)))), rows)


def test_processes_that_write_at_once_lose_nothing(tmp_path):
    script = (
        "import sys, pathlib, numpy as np\nfrom headstart.features.store import Store, KEY_DTYPE\n"
        "store, start = Store(pathlib.Path(sys.argv[1]), 5), int(sys.argv[2])\n"
        "for i in range(start, start + 60, 2):\n"
        "    keys = np.array([b'%d' % j for j in (i, i + 1)], KEY_DTYPE)\n"
        "    store.append(keys, np.array([[i] * 5, [i + 1] * 5], np.float32))\n"
    )
    processes = [subprocess.Popen([sys.executable, "-c", script, str(tmp_path), str(start)]) for start in (0, 60, 120)]
    assert [process.wait() for process in processes] == [0, 0, 0]
    store = Store(tmp_path, 5)
    got = store.read(store.find(_numbered(range(180))))
    np.testing.assert_array_equal(got[:, 0], np.arange(180))


def test_full_disk_is_named(tmp_path, monkeypatch):
    store = Store(tmp_path, 5)

    def refuse(*arguments):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(module, "_write_at", refuse)
    with pytest.raises(StorageError, match="the disk is full"):
        store.append(_numbered([1]), np.zeros((1, 5), np.float32))


def test_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot write"):
        Store(tmp_path / "file" / "features", 5)


def _fill(folder: Path, *, n_batches: int) -> np.ndarray:
    """Put what is missing of batches of four rows, and give all rows."""
    rows = np.random.default_rng(0).normal(size=(4 * n_batches, 5)).astype(np.float32)
    store = Store(folder, 5)
    for batch in np.arange(4 * n_batches).reshape(n_batches, 4):
        if (store.find(_numbered(batch)) < 0).any():
            store.append(_numbered(batch), rows[batch])
    return rows


def _keys(names) -> np.ndarray:
    return np.array([bytes(name) for name in names], KEY_DTYPE)


def _numbered(numbers) -> np.ndarray:
    return np.array([b"%d" % number for number in numbers], KEY_DTYPE)
