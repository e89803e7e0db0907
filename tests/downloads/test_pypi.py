from __future__ import annotations

import hashlib

import pytest

from headstart.core.errors import SourceError
from headstart.downloads import pip_settings as settings_module
from headstart.downloads.pip_settings import PipSettings, pip_settings
from headstart.downloads.pypi import download
from headstart.downloads.transport import basic, public

CONTENT = b"an archive" * 1000
PIN = hashlib.sha256(CONTENT).hexdigest()


def test_fetches_from_a_folder_then_needs_it_no_more(cache, links):
    (links / "tiny-1.tar.gz").write_bytes(CONTENT)
    path = download("tiny", "1", "tiny-1.tar.gz", PIN, stream=None)
    assert path.read_bytes() == CONTENT
    assert path.is_relative_to(cache)
    (links / "tiny-1.tar.gz").unlink()
    assert download("tiny", "1", "tiny-1.tar.gz", PIN, stream=None) == path


def test_finds_the_file_on_the_page_of_an_index(cache, links, tmp_path, monkeypatch):
    page = tmp_path / "simple" / "tiny-pack"
    page.mkdir(parents=True)
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "Tiny_Pack-1.0+x.whl").write_bytes(CONTENT)
    (page / "index.html").write_text('<a href="../../files/Tiny_Pack-1.0%2Bx.whl#sha256=00">Tiny_Pack-1.0+x.whl</a>')
    monkeypatch.setenv("PIP_NO_INDEX", "0")
    monkeypatch.setenv("PIP_INDEX_URL", (tmp_path / "simple").as_uri())
    assert download("Tiny_Pack", "1.0", "Tiny_Pack-1.0+x.whl", PIN, stream=None).read_bytes() == CONTENT


def test_another_content_is_refused_and_not_kept(cache, links):
    (links / "tiny-1.tar.gz").write_bytes(CONTENT + b"!")
    with pytest.raises(SourceError, match="not the expected one"):
        download("tiny", "1", "tiny-1.tar.gz", PIN, stream=None)
    assert list(cache.rglob("*.gz")) == []


def test_damaged_copy_in_the_cache_is_fetched_again(cache, links):
    (links / "tiny-1.tar.gz").write_bytes(CONTENT)
    path = download("tiny", "1", "tiny-1.tar.gz", PIN, stream=None)
    path.write_bytes(CONTENT[:-1])
    assert download("tiny", "1", "tiny-1.tar.gz", PIN, stream=None).read_bytes() == CONTENT


def test_without_network_the_message_says_what_to_put_where(cache, links, monkeypatch):
    monkeypatch.setenv("PIP_NO_INDEX", "0")
    monkeypatch.setenv("PIP_INDEX_URL", "http://user:secret@127.0.0.1:9/simple")
    with pytest.raises(SourceError) as caught:
        download("tiny", "1", "tiny-1.tar.gz", PIN, stream=None)
    message = str(caught.value)
    assert all(part in message for part in ("tiny-1.tar.gz", PIN, str(cache / "packages"), "127.0.0.1:9"))
    assert "secret" not in message
    assert "\n" not in message


def test_the_later_section_of_pips_settings_wins(monkeypatch):
    listing = (
        "global.index-url='https://a/simple'\nglobal.extra-index-url='\\nfile:///b/simple\\nhttps://c/simple'\n"
        "download.timeout='60'\n:env:.timeout='7'\nfreeze.timeout='1'"
    )
    monkeypatch.setattr(settings_module, "_pip", lambda *arguments: listing)
    found = pip_settings()
    assert found.indexes == ("https://a/simple", "file:///b/simple", "https://c/simple")
    assert found.timeout_s == 7


def test_the_default_index_is_pips_own(monkeypatch):
    for name in ("PIP_INDEX_URL", "PIP_NO_INDEX"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    (index,) = pip_settings().indexes
    assert index.startswith("https://")


def test_pip_that_does_not_run_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr(settings_module.sys, "executable", "/bin/false")
    with pytest.raises(SourceError, match="does not run"):
        pip_settings()


def test_password_goes_to_its_own_host_only(monkeypatch, tmp_path):
    monkeypatch.setenv("NETRC", str(tmp_path / "none"))
    monkeypatch.setenv("HOME", str(tmp_path))
    settings = PipSettings(indexes=("https://me:p%40ss@mirror.example/simple",))
    assert settings.authorisation("https://mirror.example/files/x") == basic("me:p@ss")
    assert settings.authorisation("https://elsewhere.example/x") == ""
    assert public("https://me:secret@host/simple") == "https://host/simple"
