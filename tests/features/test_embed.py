from __future__ import annotations

import io
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import tiny
from headstart.core.errors import DataError
from headstart.engines.context import RunContext
from headstart.features import embed, embedding, matrix

TEXTS = [" ".join(random.Random(i).choices(tiny.WORDS[4:], k=1 + i % 9)) + f" {i}" for i in range(300)]
N_KILLS = 6


@pytest.fixture
def source(tmp_path, cache):
    return tiny.source("bert", tmp_path / "source")


@pytest.fixture
def photos(tmp_path):
    paths = []
    for i in range(20):
        path = tmp_path / f"{i}.png"
        Image.fromarray(np.random.default_rng(i).integers(0, 256, (40, 50, 3), dtype=np.uint8)).save(path)
        paths.append(path)
    return paths


def test_features_are_the_networks_own(source):
    features = embed(TEXTS, source)
    session = source.session()
    expected = np.concatenate([session.run(None, source.input.transform([text]))[0] for text in TEXTS])
    np.testing.assert_allclose(features.values, expected, rtol=1e-4, atol=1e-5)
    assert features.values.dtype == np.float32
    assert features.n_computed == len(TEXTS)
    assert 0 < features.seconds_per_item < 1


def test_second_run_computes_nothing_and_needs_no_weights(source):
    first = embed(TEXTS, source)
    for path in source.folder.iterdir():
        path.unlink()
    again = embed(TEXTS, source)
    assert again.n_computed == 0
    assert again.seconds_per_item == 0
    np.testing.assert_array_equal(first.values, again.values)
    np.testing.assert_array_equal(first.keys, again.keys)


def test_equal_contents_are_computed_once(source):
    features = embed(["a kiwi", "the race", "a kiwi", "a kiwi"], source)
    assert features.n_computed == 2
    assert len(np.unique(features.keys)) == 2
    np.testing.assert_array_equal(features.values[[0, 0]], features.values[2:])


def test_new_items_are_added_to_known_ones(source):
    embed(TEXTS[:100], source)
    features = embed(TEXTS, source)
    assert features.n_computed == 200
    np.testing.assert_allclose(features.values, embed(TEXTS, source, cache=False).values, rtol=1e-4, atol=1e-5)


def test_without_cache_nothing_is_written(source, cache):
    embed(TEXTS[:5], source, cache=False)
    assert not cache.exists()


def test_keys_given_back_are_not_computed_again(source, monkeypatch):
    first = embed(TEXTS, source)
    monkeypatch.setattr(embedding, "content_keys", None)
    assert embed(TEXTS, source, keys=first.keys).n_computed == 0


def test_other_weights_have_other_features(source):
    first = embed(TEXTS[:9], source)
    other = embed(TEXTS[:9], source.with_random_weights(0))
    assert other.n_computed == 9
    assert not np.allclose(first.values, other.values)


def test_the_number_of_threads_changes_no_bit(source, monkeypatch):
    values = []
    for n in ("1", "2", "5"):
        monkeypatch.setenv("HEADSTART_THREADS", n)
        values.append(embed(TEXTS, source, cache=False).values)
    np.testing.assert_array_equal(values[0], values[1])
    np.testing.assert_array_equal(values[0], values[2])


def test_no_items_and_empty_texts(source):
    assert embed([], source).values.shape == (0, 16)
    assert np.isfinite(embed(["", " ", "\n"], source).values).all()


def test_large_features_lie_in_a_file_and_are_the_same(source, cache, monkeypatch):
    small = embed(TEXTS, source).values
    monkeypatch.setattr(matrix, "LARGEST_IN_MEMORY_MIB", 0)
    large = embed(TEXTS, source).values
    assert isinstance(large, np.memmap)
    np.testing.assert_array_equal(small, large)
    assert sorted(path.name for path in (cache / "features" / source.digest).iterdir()) == ["data.f32", "index", "lock"]


def test_says_how_far_it_is_and_what_the_cache_had(source):
    embed(TEXTS[:64], source)
    stream = io.StringIO()
    embed(TEXTS, source, context=RunContext.default(progress=stream))
    assert stream.getvalue() == "embedding with tiny-bert: 64 of 300 from the cache\n"


class TestPhotos:
    def test_files_bytes_and_arrays_of_one_content(self, photos, tmp_path, cache):
        source = tiny.source("efficientnet-lite", tmp_path / "source")
        by_path = embed(photos, source)
        assert embed([path.read_bytes() for path in photos], source).n_computed == 0
        arrays = embed([np.asarray(Image.open(path)) for path in photos], source)
        np.testing.assert_allclose(by_path.values, arrays.values, rtol=1e-4, atol=1e-5)

    def test_unreadable_ones_are_reported_and_the_rest_kept(self, photos, tmp_path, cache):
        source = tiny.source("efficientnet-lite", tmp_path / "source")
        good = embed(photos, source, cache=False).values
        photos[3].write_bytes(photos[3].read_bytes()[:100])
        photos[7].unlink()
        photos.append(photos[3])
        for _ in range(2):
            bad: dict[int, DataError] = {}
            features = embed(photos, source, on_bad=bad.__setitem__)
            assert sorted(bad) == [3, 7, 20]
            assert "3.png" in str(bad[3])
            assert "7.png" in str(bad[7])
            assert np.flatnonzero(np.isnan(features.values[:, 0])).tolist() == [3, 7, 20]
        readable = [i for i in range(20) if i not in bad]
        np.testing.assert_allclose(features.values[readable], good[readable], rtol=1e-4, atol=1e-5)

    @pytest.mark.parametrize("damage", ["missing", "truncated"])
    def test_unreadable_one_is_an_error_if_nobody_listens(self, photos, tmp_path, cache, damage):
        if damage == "missing":
            photos[7].unlink()
        else:
            photos[7].write_bytes(b"")
        with pytest.raises(DataError, match=r"7\.png"):
            embed(photos, tiny.source("efficientnet-lite", tmp_path / "source"))


SCRIPT = """
import sys, time, pathlib, numpy as np
sys.path.insert(0, sys.argv[1])
import tiny
from headstart.features import embed, embedding
from test_embed import TEXTS
forward = embedding._forward
def slow(*arguments):
    time.sleep(0.02)
    return forward(*arguments)
embedding._forward = slow
source = tiny.source("bert", pathlib.Path(sys.argv[2]))
source.batch_size = 4
source.session()
print("ready", flush=True)
features = embed(TEXTS, source)
np.save(sys.argv[3], features.values)
print(features.n_computed)
"""


def test_killed_at_random_moments_it_goes_on_to_the_same_bits(tmp_path, monkeypatch):
    unbroken = _run(tmp_path, monkeypatch, "unbroken", kill_after_s=None)
    rng = random.Random(0)
    for _ in range(N_KILLS):
        _run(tmp_path, monkeypatch, "broken", kill_after_s=rng.uniform(0.05, 0.25))
    resumed = _run(tmp_path, monkeypatch, "broken", kill_after_s=None)
    assert unbroken is not None
    assert resumed is not None
    assert resumed[1] < unbroken[1] == len(TEXTS)
    np.testing.assert_array_equal(unbroken[0], resumed[0])


def _run(tmp_path, monkeypatch, cache, *, kill_after_s):
    monkeypatch.setenv("HEADSTART_CACHE", str(tmp_path / cache))
    monkeypatch.setenv("HEADSTART_THREADS", "2")
    here = Path(__file__).parent
    output = tmp_path / f"{cache}.npy"
    command = [sys.executable, "-c", SCRIPT, str(here.parent), str(tmp_path / "source"), str(output)]
    environment = {"PYTHONPATH": str(here)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, **environment}) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        if kill_after_s is not None:
            time.sleep(kill_after_s)
            process.send_signal(signal.SIGKILL)
            return None
        n_computed = int(process.stdout.read())
        return np.load(output), n_computed
