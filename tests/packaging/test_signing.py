"""Who made a bundle: only a trusted key's signature of exactly this manifest is taken where one is required."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys

import pytest

import missing
from headstart.cli.app import app
from headstart.core.errors import BundleError, OptionError, StorageError
from headstart.packaging import load_bundle, sign_bundle
from headstart.packaging.manifest import open_sealed, seal
from headstart.packaging.signing import new_key


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    """Two key pairs: the maker's and a stranger's."""
    folder = tmp_path_factory.mktemp("keys")
    for name in ("maker", "stranger"):
        new_key(folder / name, name=f"{name}@example.org")
    return folder


@pytest.fixture
def signed(bundle, keys):
    sign_bundle(bundle, keys / "maker")
    return bundle


def refused(folder, pattern, trust):
    with pytest.raises(BundleError, match=pattern) as caught:
        load_bundle(folder, trust=trust)
    assert "\n" not in str(caught.value)


def test_a_signed_bundle_says_whose_it_is(signed, keys):
    assert load_bundle(signed, trust=keys / "maker.pub").signer == "maker@example.org"
    assert load_bundle(signed).signer == ""
    assert load_bundle(signed, trust=str(keys / "maker.pub")).signer == "maker@example.org"


def test_the_keys_may_be_several_and_given_as_lines(signed, keys, tmp_path):
    lines = [(keys / f"{name}.pub").read_text().strip() for name in ("stranger", "maker")]
    assert load_bundle(signed, trust=lines).signer == "maker@example.org"
    assert load_bundle(signed, trust=lines[1]).signer == "maker@example.org"
    (tmp_path / "trusted").write_text("# those we know\n\n" + "\n".join(lines))
    assert load_bundle(signed, trust=tmp_path / "trusted").signer == "maker@example.org"


def test_a_key_without_a_name_is_its_own_name(bundle, tmp_path):
    line = new_key(tmp_path / "key")
    sign_bundle(bundle, tmp_path / "key")
    assert f"ssh-ed25519 {load_bundle(bundle, trust=line).signer}" == line


def test_an_unsigned_bundle(bundle, keys):
    refused(bundle, "fruit is not signed, and a trusted signature is required", keys / "maker.pub")


def test_a_bundle_that_a_stranger_signed(signed, keys):
    refused(signed, "signed by a key that is not trusted: ssh-ed25519 AAAA", keys / "stranger.pub")


def test_a_bundle_that_was_changed_and_sealed_again(signed, keys):
    content = json.loads((signed / "manifest.json").read_text())
    del content["sha256"], content["files"]
    signature = (signed / "manifest.sig").read_bytes()
    seal(signed, {**content, "labels": ["kiwi", "apple", "lime"]})
    refused(signed, "is not signed", keys / "maker.pub")
    (signed / "manifest.sig").write_bytes(signature)
    assert load_bundle(signed).labels[0] == "kiwi"
    refused(signed, "manifest.sig is not a signature of its manifest.json", keys / "maker.pub")


def test_a_signature_under_another_name(signed, keys):
    stranger = (keys / "stranger.pub").read_text().split()[1]
    words = (signed / "manifest.sig").read_text().split()
    (signed / "manifest.sig").write_text(" ".join([words[0], stranger, words[2]]))
    refused(
        signed, "not a signature of its manifest.json", [(keys / f"{n}.pub").read_text() for n in ("maker", "stranger")]
    )


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"ssh-rsa AAAA BBBB", b"ssh-ed25519 AAAA", b"x " * 4])
def test_a_signature_that_cannot_be_read(signed, keys, content):
    (signed / "manifest.sig").write_bytes(content)
    refused(signed, "manifest.sig is not a signature that can be read", keys / "maker.pub")


@pytest.mark.parametrize("signature", ["!!!", "AAAA", ""])
def test_a_signature_cut_short(signed, keys, signature):
    words = (signed / "manifest.sig").read_text().split()
    (signed / "manifest.sig").write_text(" ".join([*words[:2], signature]))
    refused(signed, "not a signature", keys / "maker.pub")


def test_a_signature_that_is_a_link_or_huge(signed, keys, tmp_path):
    (signed / "manifest.sig").rename(tmp_path / "manifest.sig")
    (signed / "manifest.sig").symlink_to(tmp_path / "manifest.sig")
    refused(signed, "manifest.sig is not a plain file", keys / "maker.pub")
    (signed / "manifest.sig").unlink()
    (signed / "manifest.sig").write_bytes(b"x" * 5000)
    refused(signed, "manifest.sig is too large", keys / "maker.pub")


def test_a_changed_file_of_a_signed_bundle(signed, keys):
    (signed / "model.onnx").write_bytes((signed / "model.onnx").read_bytes()[:-1] + b"\0")
    refused(signed, "model.onnx has been changed", keys / "maker.pub")
    with pytest.raises(BundleError, match=r"model\.onnx has been changed"):
        sign_bundle(signed, keys / "maker")


def test_the_environment_requires_signatures_everywhere(bundle, keys, monkeypatch):
    monkeypatch.setenv("HEADSTART_TRUST", str(keys / "maker.pub"))
    refused(bundle, "is not signed", None)
    with pytest.raises(BundleError, match="is not signed"):
        open_sealed(bundle)
    assert load_bundle(bundle, trust=()).signer == ""  # what was made here a moment ago
    sign_bundle(bundle, keys / "maker")
    assert load_bundle(bundle).signer == "maker@example.org"


@pytest.mark.parametrize(
    "trust", ["", "/no/such/file", ["ssh-rsa AAAA me"], ["ssh-ed25519 AAAA me"], ["nonsense"], ["#"]]
)
def test_keys_that_are_none(signed, trust):
    with pytest.raises(OptionError, match=r"cannot be read|is not an Ed25519 public key|there is no public key"):
        load_bundle(signed, trust=trust)


def test_the_private_key_is_for_its_owner_and_never_written_over(tmp_path):
    new_key(tmp_path / "key")
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600
    before = (tmp_path / "key").read_bytes()
    with pytest.raises(StorageError, match="a key is never written over"):
        new_key(tmp_path / "key")
    assert (tmp_path / "key").read_bytes() == before


@pytest.mark.parametrize("key", ["maker.pub", "missing"])
def test_what_is_no_private_key(bundle, keys, key):
    with pytest.raises(OptionError, match=r"is not an Ed25519 private key|cannot be read"):
        sign_bundle(bundle, keys / key)


@missing.needs("ssh-keygen", present=shutil.which("ssh-keygen") is not None)
def test_a_key_of_openssh_signs_too(bundle, tmp_path):
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "me", "-f", tmp_path / "id"], check=True)
    sign_bundle(bundle, tmp_path / "id")
    assert load_bundle(bundle, trust=tmp_path / "id.pub").signer == "me"


def run(*words):
    command = [sys.executable, "-c", "from headstart.cli import main; main()", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=dict(os.environ))


def test_the_commands(bundle, tmp_path):
    made = run("keys", "new", tmp_path / "key", "--name", "ada")
    assert made.stdout == (tmp_path / "key.pub").read_text()
    unsigned = run("report", bundle, "--trust", tmp_path / "key.pub")
    assert (unsigned.returncode, unsigned.stderr.count("\n")) == (2, 1)
    assert "is not signed" in unsigned.stderr
    assert run("sign", bundle, "--key", tmp_path / "key").returncode == 0
    assert "signed by ada" in run("report", bundle, "--trust", tmp_path / "key.pub").stderr


@pytest.mark.parametrize("command", ["predict", "prove", "report", "export"])
def test_every_command_that_loads_a_bundle_takes_trust(command):
    import typer

    options = {option for p in typer.main.get_command(app).commands[command].params for option in p.opts}
    assert "--trust" in options
