"""Parts of a form (multipart/form-data, RFC 7578), counted before any of them is made."""

from __future__ import annotations

from email import message_from_string
from email.errors import MessageError
from email.message import Message
from email.utils import collapse_rfc2231_value
from typing import NamedTuple

from headstart.serving.asgi import RequestError

_MAX_HEAD = 8 << 10  # of one part
_MAX_BOUNDARY = 70  # as RFC 2046 has it
_NAME_LENGTH = 200
_MAX_PARAMETERS = 16  # of a header: what reads them takes the square of their number


class FormPart(NamedTuple):
    """A part of a form: its name, what people call it, and what it holds: text, or the bytes of a file."""

    name: str
    filename: str
    content: str | bytes


def read_form(body: bytes, content_type: str, max_parts: int) -> list[FormPart]:
    """Files and fields of a form, in their order.

    Raises
    ------
    RequestError
        400: it is not as it says; 413: it has more parts than `max_parts`.
    """
    boundary = _boundary_of(content_type)
    if not isinstance(boundary, str) or not 0 < len(boundary) <= _MAX_BOUNDARY or not boundary.isascii():
        raise _unreadable("its content type names no boundary of 1 to 70 characters")
    delimiter = b"--" + boundary.encode()
    if not body.startswith(delimiter):  # what is before the first delimiter is no part
        start = body.find(b"\r\n" + delimiter)
        if start < 0:
            raise _unreadable("its boundary is nowhere in it")
        body = body[start + 2 :]
    separator = b"\r\n" + delimiter
    if body.count(separator) > max_parts:
        raise RequestError(413, f"the form has more than {max_parts} parts. Send them in several requests.")
    *parts, end = body[len(delimiter) :].split(separator)
    if not end.startswith(b"--"):
        raise _unreadable("it is cut off before its last boundary")
    return [_part(part) for part in parts]


def _boundary_of(content_type: str) -> object:
    if content_type.count(";") > _MAX_PARAMETERS:
        raise _unreadable("its content type has too many parameters")
    described = Message()
    described["content-type"] = content_type
    try:
        return described.get_param("boundary")
    except (ValueError, TypeError) as error:
        raise _unreadable("its content type has parameters that cannot be read") from error


def _part(part: bytes) -> FormPart:
    # the line of the boundary may end with spaces, and a part without headers begins with an empty line
    position = part.find(b"\r\n\r\n", 0, _MAX_HEAD)
    if position < 0 or part[: part.find(b"\r\n")].strip(b" \t"):
        raise _unreadable("a part has no head, or a longer one than 8 KiB")
    name, filename = _names_in(part[part.find(b"\r\n") + 2 : position + 2])
    content = part[position + 4 :]
    if filename is None:
        return FormPart(name, name[:_NAME_LENGTH], _decoded(content))
    return FormPart(name, (filename or name)[:_NAME_LENGTH], content)


def _names_in(head: bytes) -> tuple[str, str | None]:
    """The name of a part, and that of its file if it is one."""
    if head.count(b";") > _MAX_PARAMETERS:
        raise _unreadable("the head of a part has too many parameters")
    described = _head_of(head)
    try:
        name, filename = (described.get_param(key, header="content-disposition") for key in ("name", "filename"))
        if described.get_content_disposition() != "form-data" or name is None:
            raise _unreadable("a part has no name")
        return collapse_rfc2231_value(name), None if filename is None else collapse_rfc2231_value(filename)
    except (
        ValueError,
        TypeError,
        LookupError,
    ) as error:  # names in an encoding that there is not, or that they are not in
        raise _unreadable("the name of a part cannot be read") from error


def _head_of(head: bytes) -> Message:
    try:
        return message_from_string(head.decode("utf-8"))  # browsers write names in UTF-8
    except (UnicodeDecodeError, MessageError) as error:
        raise _unreadable("the head of a part is not UTF-8") from error


def _decoded(content: bytes) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _unreadable("a field is not UTF-8; send bytes as a file") from error


def _unreadable(reason: str) -> RequestError:
    return RequestError(400, f"the form cannot be read: {reason}.")
