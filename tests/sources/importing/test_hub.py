"""Models named 'hub:ORG/NAME', from a local hub folder and without a network."""

from __future__ import annotations

import sys

import numpy as np
import pytest

import tiny_hub
from headstart.core.errors import MissingExtraError, OptionError, SourceError
from headstart.sources import add, cards, find, open_source
from headstart.storage.untrusted_folder import pins

FIRST, SECOND = "a" * 40, "b" * 40
pytestmark = pytest.mark.usefixtures("cache")


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """A local hub folder, the only place that is asked."""
    pytest.importorskip("huggingface_hub")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("HF_HUB_CACHE", raising=False)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    return tmp_path / "home" / "hub"


def test_the_name_is_pinned_to_the_commit(hub):
    tiny_hub.bert(tiny_hub.snapshot(hub, "fruit/bert", FIRST))
    card = find("hub:fruit/bert")
    assert card.name == f"hub:fruit/bert@{FIRST}"
    assert (card.provenance["repository"], card.provenance["revision"]) == ("fruit/bert", FIRST)
    assert find("hub:fruit/bert@main").name == card.name
    assert open_source("hub:fruit/bert").name == card.name
    assert card in cards()


def test_a_pinned_one_needs_no_hub_any_more(hub, monkeypatch):
    tiny_hub.bert(tiny_hub.snapshot(hub, "fruit/bert", FIRST))
    pinned = find("hub:fruit/bert").name
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    assert np.isfinite(open_source(pinned).session().run(None, open_source(pinned).input.transform(["a"]))[0]).all()
    with pytest.raises(MissingExtraError, match=r'huggingface_hub.*pip install "headstart\[hub\]"'):
        find("hub:fruit/bert")


def test_a_newer_commit_is_another_source(hub):
    tiny_hub.bert(tiny_hub.snapshot(hub, "fruit/bert", FIRST))
    old = find("hub:fruit/bert")
    newer = tiny_hub.bert(hub / "models--fruit--bert" / "snapshots" / SECOND)
    (newer / "model.safetensors").write_bytes((newer / "model.safetensors").read_bytes()[:-4] + b"\x00\x00\x00\x3f")
    (hub / "models--fruit--bert" / "refs" / "main").write_text(SECOND)
    new = find("hub:fruit/bert")
    assert new.name.endswith(SECOND)
    assert open_source(new).digest != open_source(old).digest
    assert find(old.name) == old


def test_blobs_are_checked_by_the_sha256_that_names_them(hub):
    folder = tiny_hub.bert(tiny_hub.snapshot(hub, "fruit/bert", FIRST))
    weights = folder / "model.safetensors"
    content = weights.read_bytes()
    blob = hub / "models--fruit--bert" / "blobs" / pins({"w": content})["w"]
    blob.parent.mkdir()
    blob.write_bytes(content)
    weights.unlink()
    weights.symlink_to(blob)
    assert find("hub:fruit/bert").dimensions == 16
    blob.write_bytes(content[:-1] + b"~")
    with pytest.raises(SourceError, match="its sha256 does not match the name of its blob"):
        add("hub:fruit/bert", name="mine")


def test_without_a_license_it_can_be_added_with_one(hub):
    folder = tiny_hub.bert(tiny_hub.snapshot(hub, "fruit/bert", FIRST))
    (folder / "README.md").unlink()
    with pytest.raises(OptionError, match="states its license.*headstart sources add hub:fruit/bert@aaa"):
        find("hub:fruit/bert")
    card = add("hub:fruit/bert", license="isc")
    assert (card.name, card.license, card.provenance["revision"]) == ("bert", "ISC", FIRST)


@pytest.mark.parametrize("name", ["hub:bert", "hub:fruit/bert@", "hub:../x/y", "hub:"])
def test_names_of_another_form(hub, name):
    with pytest.raises(OptionError, match="is named hub:ORG/NAME"):
        find(name)


def test_offline_and_absent_is_one_line(hub):
    with pytest.raises(SourceError, match="hub:fruit/pear is not available in the local hub folder") as caught:
        find("hub:fruit/pear")
    assert "\n" not in str(caught.value)


def test_no_network_is_one_line(hub, monkeypatch):
    import huggingface_hub

    def unreachable(*args, **settings):
        assert not settings["local_files_only"]
        raise ConnectionError("no route\nto host")

    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    monkeypatch.setattr(huggingface_hub, "snapshot_download", unreachable)
    with pytest.raises(SourceError, match="is not available from the hub: ConnectionError: no route. Check") as caught:
        find("hub:fruit/bert")
    assert "\n" not in str(caught.value)


def test_only_safe_kinds_of_files_are_asked_for(hub, monkeypatch):
    import huggingface_hub

    asked = []

    def record(repository, **settings):
        asked.extend(settings["allow_patterns"])
        return str(tiny_hub.bert(tiny_hub.snapshot(hub, "fruit/bert", FIRST)))

    monkeypatch.setattr(huggingface_hub, "snapshot_download", record)
    find("hub:fruit/bert")
    assert asked
    assert all(pattern.endswith((".json", ".txt", ".md", ".safetensors", ".onnx", ".onnx_data")) for pattern in asked)
