"""Who may ask, from where, over what; and what is written down."""

from __future__ import annotations

import http.client
import shutil
import ssl
import subprocess
from pathlib import Path

import pytest
from running import start_server

from headstart.core.errors import BundleError, OptionError
from headstart.packaging import sign_bundle
from headstart.packaging.signing import new_key
from headstart.serving import ServerSettings
from headstart.serving.asgi import RequestError
from headstart.serving.models import open_models
from headstart.serving.security import Pages, Tokens
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
    ("content", "words"),
    [
        (b"", "holds no token"),
        (b"# none\n", "holds no token"),
        (b"short\n", "16 characters"),
        (b"# \xfcber\n\nt\xf6ken-of-some-length\n", "line 3 of .* is no token"),
        ((TOKEN + "\n").encode("utf-16"), "line 1 of .* is no token"),
        (b"two words in a line\n", "is no token"),
    ],
)
def test_token_files_that_are_refused(tmp_path, content, words):
    (tmp_path / "tokens").write_bytes(content)
    with pytest.raises(OptionError, match=words):
        Tokens(tmp_path / "tokens")


@pytest.mark.parametrize("before", [b"\xef\xbb\xbf", b"# f\xfcr die Kasse\r\n", b"\xef\xbb\xbf# \xc3\xa4\n"])
def test_token_files_as_editors_write_them(tmp_path, before):
    (tmp_path / "tokens").write_bytes(before + TOKEN.encode() + b"\r\n")
    asked = {"path": "/v1/predict", "headers": [(b"authorization", f"Bearer {TOKEN}".encode())]}
    Tokens(tmp_path / "tokens").check(asked)


def page(origin="", host="127.0.0.1:8000"):
    headers = [(b"host", host.encode())] + ([(b"origin", origin.encode())] if origin else [])
    return {"method": "POST", "path": "/v1/predict", "headers": headers}


def reading(host, path="/metrics"):
    """A browser reads for a page that calls itself of this server."""
    return {"method": "GET", "path": path, "headers": [(b"host", host.encode()), (b"accept-language", b"en")]}


@pytest.mark.parametrize(
    ("asked", "names", "origins", "needs_token", "status"),
    [
        (page(), [], [], False, None),
        (page(host="any.example"), [], [], False, None),  # no browser: nothing to protect
        (page("http://127.0.0.1:8000"), [], [], False, None),
        (page("http://localhost:8000", "localhost:8000"), [], [], False, None),
        (page("http://[::1]:8000", "[::1]:8000"), [], [], False, None),
        (page("http://evil.example"), [], [], False, 403),
        (page("null"), [], [], False, 403),
        (page("http://[::1"), [], [], False, 403),
        (page("http://[x]", "]"), [], [], False, 403),
        (page("http://[::1]evil.example", "[::1]evil.example"), [], [], False, 403),
        (page("http://evil.example"), [], [], True, None),  # who has no token gets no further
        (page("http://evil.example", "evil.example"), [], [], False, 403),  # its name was made to point here
        (reading("evil.example"), [], [], False, 403),
        (reading("evil.example", "/v2/health/live"), [], [], False, None),
        (reading("evil.example"), [], [], True, None),
        (reading("localhost:8000"), [], [], False, None),
        (reading("shop.example:8000"), ["shop.example"], [], False, None),
        (page("http://shop.example", "shop.example"), ["Shop.example"], [], False, None),
        (page("https://shop.example"), [], ["https://shop.example"], False, None),
        (page("https://shop.example"), [], ["*"], False, None),
        (page(host="shop.example:8000"), ["shop.example"], [], True, None),
        (page(), ["shop.example"], [], False, None),  # an address cannot be made to point elsewhere
        (page(host="evil.example"), ["shop.example"], [], True, 421),
        (page(host=""), ["shop.example"], [], False, 421),
    ],
)
def test_pages_and_hosts(asked, names, origins, needs_token, status):
    pages = Pages(names, origins)
    if status is None:
        pages.check(asked, needs_token=needs_token)
    else:
        with pytest.raises(RequestError) as caught:
            pages.check(asked, needs_token=needs_token)
        assert caught.value.status == status


def test_a_page_of_another_origin_gets_nothing_done(server):
    reply = server.post("/v1/models/words/predict", "plum", content_type="text/plain", origin="https://evil.example")
    assert reply.status == 403
    assert "--cors ORIGIN" in reply.json["error"]


def test_settings_that_are_refused(tmp_path, server):
    (tmp_path / "file").touch()
    for log in (tmp_path / "file", tmp_path / "file" / "log", Path("/proc/headstart")):
        with pytest.raises(OptionError, match="the prediction log cannot be written"):
            serve(["x"], ServerSettings(prediction_log=log))
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
