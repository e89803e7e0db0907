from __future__ import annotations

import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from headstart.core.errors import SourceError
from headstart.downloads import npm_settings as settings_module
from headstart.downloads.npm import download
from headstart.downloads.npm_settings import npm_settings

CONTENT = b"an archive" * 1000
PIN = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def npm(tmp_path, monkeypatch):
    """No npm, no settings but those of the test; gives the folder of the project."""
    for name in list(settings_module.os.environ):
        if name.lower().startswith("npm_config_"):
            monkeypatch.delenv(name)
    monkeypatch.setattr(settings_module.shutil, "which", lambda name: None)
    (tmp_path / "home").mkdir()
    (tmp_path / "project").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("NETRC", str(tmp_path / "none"))
    monkeypatch.chdir(tmp_path / "project")
    return tmp_path / "project"


@pytest.fixture
def registry():
    """A registry on this machine: `files` by address, and what it was asked with."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append((self.path, self.headers.get("Authorization")))
            found = files.get(self.path)
            self.send_response(404 if found is None else 200)
            self.end_headers()
            self.wfile.write(found or b"")

        def log_message(self, *arguments):
            pass

    files: dict[str, bytes] = {}
    asked: list[tuple[str, str | None]] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"127.0.0.1:{server.server_port}", files, asked
    server.shutdown()
    server.server_close()


def test_fetches_from_the_registry_of_the_environment_then_needs_it_no_more(cache, npm, registry, monkeypatch):
    host, files, asked = registry
    files["/npm/tiny/-/tiny-1.0.0.tgz"] = CONTENT
    monkeypatch.setenv("npm_config_registry", f"http://{host}/npm/")
    path = download("tiny", "1.0.0", "tiny-1.0.0.tgz", PIN, stream=None)
    assert path.read_bytes() == CONTENT
    assert path.is_relative_to(cache)
    assert download("tiny", "1.0.0", "tiny-1.0.0.tgz", PIN, stream=None) == path
    assert len(asked) == 1


def test_scope_has_a_registry_and_a_token_of_its_own(cache, npm, registry, monkeypatch):
    host, files, asked = registry
    monkeypatch.setenv("TOKEN_OF_TEST", "secret")
    (npm / ".npmrc").write_text(
        f"; mine\nregistry=http://127.0.0.1:9/\n@me:registry = http://{host}/own\n//{host}/own/:_authToken=${{TOKEN_OF_TEST}}\n"
    )
    files["/own/@me/tiny/-/tiny-1.0.0.tgz"] = CONTENT
    assert download("@me/tiny", "1.0.0", "me-tiny-1.0.0.tgz", PIN, stream=None).name == "me-tiny-1.0.0.tgz"
    assert asked == [("/own/@me/tiny/-/tiny-1.0.0.tgz", "Bearer secret")]
    settings = npm_settings()
    assert settings.authorisation(f"http://{host}/other/x") == ""
    assert "secret" not in repr(settings)


def test_asks_the_registry_where_it_keeps_the_archive(cache, npm, registry, monkeypatch):
    host, files, _ = registry
    monkeypatch.setenv("NPM_CONFIG_REGISTRY", f"http://{host}")
    files["/@me%2ftiny"] = json.dumps({"versions": {"1.0.0": {"dist": {"tarball": "/kept/a.tgz"}}}}).encode()
    files["/kept/a.tgz"] = CONTENT
    assert download("@me/tiny", "1.0.0", "me-tiny-1.0.0.tgz", PIN, stream=None).read_bytes() == CONTENT


@pytest.mark.parametrize("as_address", [True, False])
def test_a_folder_of_archives_is_a_registry(cache, npm, tmp_path, as_address):
    folder = tmp_path / "mirror"
    folder.mkdir()
    (folder / "tiny-1.0.0.tgz").write_bytes(CONTENT)
    (tmp_path / "home" / ".npmrc").write_text(f"registry={folder.as_uri() if as_address else folder}\n")
    assert download("tiny", "1.0.0", "tiny-1.0.0.tgz", PIN, stream=None).read_bytes() == CONTENT


def test_the_project_overrides_the_user_and_the_environment_both(npm, tmp_path, monkeypatch):
    (tmp_path / "home" / ".npmrc").write_text("registry=http://user\nstrict-ssl=false\ncafile='/my/certs.pem'")
    assert npm_settings().registry == "http://user"
    assert (npm_settings().trusted_hosts, npm_settings().cert) == (("*",), "/my/certs.pem")
    (npm / ".npmrc").write_text("registry=http://project")
    assert npm_settings().registry == "http://project"
    monkeypatch.setenv("npm_config_registry", "http://environment")
    assert npm_settings().registry == "http://environment"


def test_npm_is_asked_where_nothing_is_set(npm, tmp_path, monkeypatch):
    program = tmp_path / "npm"
    program.write_text('#!/bin/sh\necho \'{"registry": "http://said", "proxy": null, "strict-ssl": true}\'\n')
    program.chmod(0o755)
    monkeypatch.setattr(settings_module.shutil, "which", lambda name: str(program))
    found = npm_settings()
    assert (found.registry, found.proxy, found.trusted_hosts) == ("http://said", "", ())
    program.write_text("#!/bin/sh\necho broken\n")
    assert npm_settings().registry == ""


def test_another_content_is_refused_and_not_kept(cache, npm, registry, monkeypatch):
    host, files, _ = registry
    monkeypatch.setenv("npm_config_registry", f"http://{host}")
    files["/tiny/-/tiny-1.0.0.tgz"] = CONTENT + b"!"
    with pytest.raises(SourceError, match="not the expected one"):
        download("tiny", "1.0.0", "tiny-1.0.0.tgz", PIN, stream=None)
    assert list(cache.rglob("*.tgz")) == []


def test_without_a_registry_the_message_says_what_to_do(cache, npm):
    with pytest.raises(SourceError) as caught:
        download("tiny", "1.0.0", "tiny-1.0.0.tgz", PIN, stream=None)
    message = str(caught.value)
    assert all(part in message for part in ("no npm registry", "tiny@1.0.0", "npm config set", PIN, str(cache)))
    assert "\n" not in message


def test_a_registry_that_does_not_answer_is_named_without_its_password(cache, npm, monkeypatch):
    monkeypatch.setenv("npm_config_registry", "http://me:secret@127.0.0.1:9/npm")
    with pytest.raises(SourceError, match=r"127\.0\.0\.1:9/npm") as caught:
        download("tiny", "1.0.0", "tiny-1.0.0.tgz", PIN, stream=None)
    assert "secret" not in str(caught.value)
