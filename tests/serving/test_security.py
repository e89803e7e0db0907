"""Who may ask, from where, over what; and what is written down."""

from __future__ import annotations

import http.client
import shutil
import ssl
import subprocess

import pytest
from running import start_server

from headstart.core.errors import BundleError, OptionError
from headstart.packaging import sign_bundle
from headstart.packaging.signing import new_key
from headstart.serving import ServerSettings
from headstart.serving.models import open_models
from headstart.serving.security import Tokens
from headstart.serving.workers import serve

TOKEN = "a-token-of-some-length"
SECRET = "my secret plum"


@pytest.fixture(scope="module")
def guarded(words_bundle, tmp_path_factory):
    file = tmp_path_factory.mktemp("tokens") / "tokens"
    file.write_text(f"# for the tests\n\n{TOKEN}\nanother-token-of-some-length\n")
    server = start_server(words_bundle, "--token-file", file, "--cors", "https://shop.example")
    server.token = TOKEN
    yield server
    assert server.stop() == 0
    lines = [line for line in server.log if line["event"] == "request"]
    assert {"time", "request_id", "method", "path", "status", "ms", "model", "version"} <= set(lines[-1])
    assert SECRET not in str(server.log)
    assert TOKEN not in str(server.log)


def test_tokens(guarded):
    assert guarded.post("/v1/predict", {"items": [SECRET]}).status == 200
    assert (
        guarded.post("/v1/predict", {"items": ["a"]}, authorization="bearer another-token-of-some-length").status == 200
    )
    for wrong in ("", "Bearer", f"Bearer {TOKEN}x", f"Basic {TOKEN}", "Bearer tökén"):
        for path in ("/v1/predict", "/v2/models/words", "/metrics", "/v2/repository/index"):
            reply = guarded.post(path, b"", authorization=wrong.encode("latin-1"))
            assert reply.status == 401
            assert reply.headers["www-authenticate"].startswith("Bearer")
    for path in ("/v2/health/live", "/v2/health/ready", "/docs", "/openapi.json"):
        assert guarded.get(path, authorization="").status == 200


def test_pages_of_other_origins(guarded):
    asked = {"access_control_request_method": "POST", "access_control_request_headers": "authorization"}
    reply = guarded.ask("OPTIONS", "/v1/predict", origin="https://shop.example", **asked)
    assert reply.headers["access-control-allow-origin"] == "https://shop.example"
    assert guarded.ask("OPTIONS", "/v1/predict", origin="https://evil.example", **asked).status == 400
    reply = guarded.post("/v1/predict", {"items": ["plum"]}, origin="https://evil.example")
    assert "access-control-allow-origin" not in reply.headers


def test_closed_to_other_origins_by_default(server):
    reply = server.post("/v1/models/words/predict", {"items": ["plum"]}, origin="https://shop.example")
    assert not [name for name in reply.headers if name.startswith("access-control")]


def test_tls(words_bundle, tmp_path):
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(
        [*"openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -keyout".split(), key, "-out", certificate],
        check=True,
        capture_output=True,
    )  # fmt: skip
    server = start_server(words_bundle, "--certificate", certificate, "--private-key", key, is_ready=False)
    try:
        trusted = ssl.create_default_context(cafile=str(certificate))
        trusted.check_hostname = False
        connection = http.client.HTTPSConnection("127.0.0.1", server.port, timeout=20, context=trusted)
        connection.request("GET", "/v2/health/live")
        assert connection.getresponse().read() == b'{"live":true}'
        connection.close()
    finally:
        assert server.stop() == 0


@pytest.mark.parametrize(
    ("content", "words"), [("", "holds no token"), ("# none\n", "holds no token"), ("short\n", "16 characters")]
)
def test_token_files_that_are_refused(tmp_path, content, words):
    (tmp_path / "tokens").write_text(content)
    with pytest.raises(OptionError, match=words):
        Tokens(tmp_path / "tokens")


def test_settings_that_are_refused(tmp_path, server):
    with pytest.raises(OptionError, match="--private-key"):
        serve(["x"], ServerSettings(certificate=tmp_path / "c.pem"))
    with pytest.raises(OptionError, match="never fit"):
        serve(["x"], ServerSettings(max_items=600))
    with pytest.raises(OptionError, match="not a file that can be read"):
        serve(["x"], ServerSettings(token_file=tmp_path / "tokens"))
    with pytest.raises(OptionError, match="Choose another --host or --port"):
        serve(["x"], ServerSettings(port=server.port))


def test_only_signed_bundles_are_served_where_a_signature_is_required(fruit_bundle, tmp_path):
    key, signed = tmp_path / "key", shutil.copytree(fruit_bundle, tmp_path / "signed")
    new_key(key)
    settings = ServerSettings(trust=f"{key}.pub")
    with pytest.raises(BundleError, match="signed"):
        open_models([str(fruit_bundle)], settings)
    sign_bundle(signed, key)
    assert open_models([str(signed)], settings).names == ("signed",)
