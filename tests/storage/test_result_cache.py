"""What a result cache promises: the same arrays again, never a damaged one, unlike keys never meet."""

import errno
import os
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headstart.core.errors import StorageError
from headstart.storage.result_cache import SUFFIX, ResultCache, digest

PARTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.binary() | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=3).map(tuple),
    max_leaves=6,
)


def counted(result):
    calls = []

    def compute():
        calls.append(1)
        return result

    return compute, calls


def test_second_recall_computes_nothing(tmp_path):
    compute, calls = counted({"outputs": np.arange(6.0).reshape(2, 3), "names": np.array(["a", "bc"])})
    first = ResultCache(tmp_path / "new").get_or_compute(("fold", 1), compute)
    second = ResultCache(tmp_path / "new").get_or_compute(("fold", 1), compute)
    assert len(calls) == 1
    for name in ("outputs", "names"):
        np.testing.assert_array_equal(first[name], second[name])
        assert first[name].dtype == second[name].dtype


def test_other_key_computes_again(tmp_path):
    compute, calls = counted({"x": np.ones(1)})
    for key in (
        ("fold", 1),
        ("fold", 2),
        ("fold", 1.0),
        ("fold", "1"),
        ("fold", np.ones(2)),
        ("fold", np.ones((2, 1))),
    ):
        ResultCache(tmp_path).get_or_compute(key, compute)
    assert len(calls) == 6


def test_without_a_folder_nothing_is_kept():
    compute, calls = counted({"x": np.ones(1)})
    for _ in range(2):
        ResultCache(None).get_or_compute(("a",), compute)
    assert len(calls) == 2


@pytest.mark.parametrize("damage", ["truncated", "flipped", "empty", "foreign"])
def test_damaged_entry_is_computed_again(tmp_path, damage):
    compute, calls = counted({"x": np.arange(1000.0)})
    ResultCache(tmp_path).get_or_compute(("a",), compute)
    (path,) = tmp_path.iterdir()
    content = bytearray(path.read_bytes())
    content[4000] ^= 1
    path.write_bytes(
        {"truncated": path.read_bytes()[:-50], "flipped": bytes(content), "empty": b"", "foreign": b"no archive"}[
            damage
        ]
    )
    np.testing.assert_array_equal(ResultCache(tmp_path).get_or_compute(("a",), compute)["x"], np.arange(1000.0))
    assert len(calls) == 2


@settings(deadline=None)  # files
@given(place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_a_flipped_bit_anywhere_is_computed_again(place, bit):
    expected = {"x": np.arange(7.0), "names": np.array(["a", "bc"])}
    compute, calls = counted(expected)
    with tempfile.TemporaryDirectory() as folder:
        ResultCache(Path(folder)).get_or_compute(("a",), compute)
        (path,) = Path(folder).iterdir()
        content = bytearray(path.read_bytes())
        content[int(place * len(content))] ^= 1 << bit
        path.write_bytes(content)
        found = ResultCache(Path(folder)).get_or_compute(("a",), compute)
    assert len(calls) == 2
    for name, array in expected.items():
        np.testing.assert_array_equal(found[name], array)


def test_an_entry_under_another_name_is_computed_again(tmp_path):
    cache = ResultCache(tmp_path)
    cache.get_or_compute(("a",), lambda: {"x": np.ones(1)})
    (path,) = tmp_path.iterdir()
    path.rename(tmp_path / f"{digest(('b',))}{SUFFIX}")
    assert cache.get_or_compute(("b",), lambda: {"x": np.zeros(1)})["x"] == 0


def test_a_folder_that_may_not_be_written_serves_what_is_in_it(tmp_path, monkeypatch):
    cache = ResultCache(tmp_path)
    cache.get_or_compute(("a",), lambda: {"x": np.ones(1)})
    refuse_writes(monkeypatch, errno.EROFS)
    assert cache.get_or_compute(("a",), lambda: {"x": np.zeros(1)})["x"] == 1
    assert cache.get_or_compute(("b",), lambda: {"x": np.zeros(1)})["x"] == 0
    assert len(list(tmp_path.iterdir())) == 1


def test_a_full_disk_is_named(tmp_path, monkeypatch):
    refuse_writes(monkeypatch, errno.ENOSPC)
    with pytest.raises(StorageError, match="the disk is full"):
        ResultCache(tmp_path).get_or_compute(("a",), lambda: {"x": np.ones(1)})


def refuse_writes(monkeypatch, reason):
    def refuse(path, content):
        raise OSError(reason, os.strerror(reason), str(path))

    monkeypatch.setattr(Path, "write_bytes", refuse)


def test_failed_computation_leaves_nothing(tmp_path):
    def fail():
        raise RuntimeError

    with pytest.raises(RuntimeError):
        ResultCache(tmp_path).get_or_compute(("a",), fail)
    assert list(tmp_path.iterdir()) == []


def test_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="file"):
        ResultCache(tmp_path / "file" / "results").get_or_compute(("a",), lambda: {"x": np.ones(1)})


def test_objects_are_refused_as_keys():
    with pytest.raises(TypeError, match="object"):
        digest((object(),))
    with pytest.raises(TypeError, match="objects"):
        digest((np.array([None]),))


@given(st.tuples(PARTS, PARTS), st.tuples(PARTS, PARTS))
def test_unlike_keys_have_unlike_digests(one, other):
    assert (digest(one) == digest(other)) == (repr(one) == repr(other))
