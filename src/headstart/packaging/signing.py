"""Who made a bundle: Ed25519 keys as OpenSSH writes them, and a detached signature of the manifest's bytes.

The manifest holds the hash of every other file, so that a signature of it is a signature of all of them.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from headstart.core.errors import BundleError, OptionError, StorageError, require
from headstart.storage.files import storage_errors, write_file

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

Trust = str | Path | Sequence[str]
"""Whose signatures count: a file with a public key a line (`ssh-ed25519 AAAA… name`), or such lines themselves."""

SIGNATURE = "manifest.sig"
MAX_SIGNATURE_BYTES = 4096
_ALGORITHM = "ssh-ed25519"
_CONTEXT = b"headstart bundle manifest 1\n"  # a signature of anything else with the same key is none of a bundle


def new_key(path: Path, *, name: str = "") -> str:
    """Make a key pair: the private key at `path`, which only you may read, the public one at `path`.pub.

    Parameters
    ----------
    name : whose the key is, for people; stands at the end of the public key's line

    Returns
    -------
    The public key's line.

    Raises
    ------
    StorageError
        There is a file already, or it cannot be written.
    """
    serialization = require("cryptography.hazmat.primitives.serialization", extra="sign", purpose="making a key")
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key = Ed25519PrivateKey.generate()
    private: bytes = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    )
    public = " ".join([_public_line(key.public_key()), *name.split()])
    with storage_errors(path):
        try:
            file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError as error:
            raise StorageError(f"{path} exists, and a key is never written over. Choose a new name.") from error
        with os.fdopen(file, "wb") as stream:
            stream.write(private)
    write_file(path.with_name(f"{path.name}.pub"), f"{public}\n".encode())
    return public


def sign(manifest: bytes, key: Path) -> bytes:
    """Sign a manifest: the content of `manifest.sig`.

    Raises
    ------
    OptionError
        `key` is not an Ed25519 private key without passphrase.
    """
    private = _private_key(key)
    signature = base64.b64encode(private.sign(_CONTEXT + manifest)).decode()
    return f"{_public_line(private.public_key())} {signature}\n".encode()


def required_trust(trust: Trust | None) -> Trust:
    """Give the keys of which one must have signed: those given, or else those in the file that HEADSTART_TRUST names."""
    return (os.environ.get("HEADSTART_TRUST") or ()) if trust is None else trust


def check_signature(signature: bytes | None, manifest: bytes, trust: Trust, where: Path) -> str:
    """Check that a trusted key signed exactly this manifest, and return whose key it is.

    Parameters
    ----------
    signature : the content of `manifest.sig`; None where there is none
    where : the bundle, for messages

    Raises
    ------
    BundleError
        The bundle is not signed, signed by a key that is not trusted, or the signature is not of this manifest.
    OptionError
        `trust` names no keys.
    """
    known = _trusted_keys(trust)
    if signature is None:
        raise BundleError(
            f"{where} is not signed, and a trusted signature is required (--trust, HEADSTART_TRUST). "
            "Ask its maker to run 'headstart sign' on it."
        )
    words = signature.decode("ascii", "replace").split()
    if len(words) != 3 or words[0] != _ALGORITHM:
        raise BundleError(f"{where / SIGNATURE} is not a signature that can be read. Do not trust this bundle.")
    name = known.get(words[1])
    if name is None:
        raise BundleError(
            f"{where} is signed by a key that is not trusted: {_ALGORITHM} {words[1][:100]}. Do not use it unless you know "
            "whose key that is."
        )
    from cryptography.exceptions import InvalidSignature

    try:
        _public_key(f"{_ALGORITHM} {words[1]}").verify(base64.b64decode(words[2]), _CONTEXT + manifest)
    except (InvalidSignature, ValueError) as error:  # ValueError: it is no Base64
        raise BundleError(
            f"{where / SIGNATURE} is not a signature of its manifest.json: one of the two was changed. "
            "Do not trust this bundle."
        ) from error
    return name or words[1]


def _trusted_keys(trust: Trust) -> dict[str, str]:
    """Whose each trusted key is, by its Base64; '' for a key without a name."""
    require("cryptography", extra="sign", purpose="checking a signature")
    lines = _lines(trust)
    keys = [line.split(maxsplit=2) for line in lines if line.strip() and not line.lstrip().startswith("#")]
    if not keys:
        raise OptionError(f"there is no public key in '{trust}'. A line such as 'ssh-ed25519 AAAA… name' was expected.")
    for words in keys:
        _public_key(" ".join(words[:2]))
    return {words[1]: " ".join(words[2:]).strip() for words in keys}


def _lines(trust: Trust) -> Sequence[str]:
    if isinstance(trust, str) and trust.startswith(_ALGORITHM):
        return trust.splitlines()
    if not isinstance(trust, str | Path):
        return trust
    try:
        return Path(trust).expanduser().read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise OptionError(
            f"the file of trusted keys '{trust}' cannot be read ({getattr(error, 'strerror', None) or 'it is no text'}). "
            "Give a file with a public key a line, such as KEY.pub of 'headstart keys new KEY'."
        ) from error


def _public_line(key: Ed25519PublicKey) -> str:
    from cryptography.hazmat.primitives import serialization

    form = serialization.PublicFormat.OpenSSH
    line: str = key.public_bytes(serialization.Encoding.OpenSSH, form).decode()
    return line


def _public_key(line: str) -> Ed25519PublicKey:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_ssh_public_key

    try:
        key = load_ssh_public_key(line.encode())
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PublicKey):
        raise OptionError(f"'{line[:60]}' is not an Ed25519 public key. 'ssh-ed25519 AAAA… name' was expected.")
    return key


def _private_key(path: Path) -> Ed25519PrivateKey:
    serialization = require("cryptography.hazmat.primitives.serialization", extra="sign", purpose="signing")
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    try:
        key = serialization.load_ssh_private_key(path.read_bytes(), None)
    except OSError as error:
        raise OptionError(
            f"the key {path} cannot be read ({error.strerror}). Make one: headstart keys new FILE"
        ) from error
    except (ValueError, TypeError, UnsupportedAlgorithm):  # TypeError: it has a passphrase
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise OptionError(
            f"{path} is not an Ed25519 private key in OpenSSH's form without passphrase. Make one: headstart keys new FILE"
        )
    return key
