"""Addresses as people may see them: without their passwords."""

from __future__ import annotations

import re

_SECRET = re.compile(r"://[^:/@]*:(.*)@|[?&](?:ssl)?password=([^&]*)", re.IGNORECASE)
_SHORT = 4  # a shorter password may be a part of any word


def without_password(url: str) -> str:
    """Show an address to people.

    >>> without_password("postgresql://ada:p/w@host/models?registry=tickets&password=x")
    'postgresql://ada:…@host/models?registry=tickets&password=…'
    """
    return hidden(url, url)


def passwords_of(url: str) -> list[str]:
    """The passwords in an address, as they are written there.

    >>> passwords_of("postgresql://ada:p/w@host/models")
    ['p/w']
    """
    return [secret for found in _SECRET.finditer(url) for secret in found.groups() if secret]


def hidden(text: str, url: str) -> str:
    """A text in which the passwords of an address may stand, without them."""
    for secret in passwords_of(url):
        text = text.replace(f":{secret}@", ":…@").replace(f"password={secret}", "password=…")
        if len(secret) >= _SHORT:
            text = text.replace(secret, "…")
    return text
