"""Forms: what browsers and command lines send, what is cut off, and what would be too much."""

from __future__ import annotations

import time

import pytest

from headstart.serving.asgi import RequestError
from headstart.serving.form import FormPart, read_form

TYPE = "multipart/form-data; boundary=XX"


def form(*parts, end=b"--XX--\r\n"):
    return b"".join(b"--XX\r\n" + head + b"\r\n\r\n" + content + b"\r\n" for head, content in parts) + end


def field(name, content, more=""):
    return f'Content-Disposition: form-data; name="{name}"{more}'.encode(), content


def test_files_and_fields_in_their_order():
    body = form(
        field("a", "plüm".encode()), field("f", b"\0\xff\r\n--X", '; filename="päar.jpg"\r\nContent-Type: image/jpeg')
    )
    assert read_form(body, TYPE, 9) == [FormPart("a", "a", "plüm"), FormPart("f", "päar.jpg", b"\0\xff\r\n--X")]


def test_names_as_clients_write_them():
    body = form(
        field('a\\"b', b"x"), field("f", b"y", "; filename*=utf-8''%C3%A4.jpg"), field("g", b"z", '; filename=""')
    )
    assert [part[:2] for part in read_form(body, TYPE, 9)] == [('a"b', 'a"b'), ("f", "ä.jpg"), ("g", "g")]


def test_what_is_around_the_parts_is_none_of_them():
    body = b"preamble\r\n" + form(field("a", b"x")).replace(b"--XX\r\n", b"--XX \t\r\n", 1) + b"epilogue"
    assert read_form(body, 'multipart/form-data; boundary="XX"', 1) == [FormPart("a", "a", "x")]


@pytest.mark.parametrize(
    ("body", "content_type", "words"),
    [
        (form(field("a", b"x")), "multipart/form-data", "names no boundary"),
        (form(field("a", b"x")), f"multipart/form-data; boundary={'b' * 71}", "names no boundary"),
        (b"nothing", TYPE, "nowhere"),
        (form(field("a", b"x"), end=b""), TYPE, "cut off"),
        (form((b"X: y", b"x")), TYPE, "no name"),
        (form((b"Content-Disposition: attachment; name=a", b"x")), TYPE, "no name"),
        (form(field("n" * 9_000, b"x")), TYPE, "no head, or a longer one"),
        (form((b"Content-Disposition: form-data; name=\xff", b"x")), TYPE, "not UTF-8"),
        (form(field("a", b"\xff")), TYPE, "not UTF-8"),
        (b"--XX\r\nabc\r\n--XX--", TYPE, "no head"),
    ],
)
def test_what_is_no_form(body, content_type, words):
    with pytest.raises(RequestError, match=words) as caught:
        read_form(body, content_type, 9)
    assert caught.value.status == 400


def test_parts_are_counted_first():
    with pytest.raises(RequestError, match="more than 9 parts") as caught:
        read_form(form(*[(b"", b"")] * 10), TYPE, 9)
    assert caught.value.status == 413


@pytest.mark.parametrize(
    "head",
    [
        b"Content-Disposition: form-data; name=a" + b';"' * 3_000,
        b"Content-Disposition: form-data; name*=idna''abc",
        b"Content-Disposition: form-data; name*=undefined''abc",
        b"Content-Disposition: form-data; name*=a\0b''x",
    ],
)
def test_a_name_that_cannot_be_read_is_refused_at_once(head):
    body = b"".join(b"--X\r\n" + head + b"\r\n\r\nx\r\n" for _ in range(30)) + b"--X--"
    started = time.perf_counter()
    with pytest.raises(RequestError) as refused:
        read_form(body, "multipart/form-data; boundary=X", 100)
    assert refused.value.status == 400
    assert time.perf_counter() - started < 1.0


@pytest.mark.parametrize("parameters", [";a*0*=x" * 3, ";a*0*=x" * 10_000])
def test_parameters_of_the_content_type_that_cannot_be_read_are_refused(parameters):
    with pytest.raises(RequestError, match="content type"):
        read_form(b"--X--", "multipart/form-data" + parameters, 100)
