"""Names as messages show them: what cannot be seen is written out."""

from __future__ import annotations

import unicodedata

_INVISIBLE = ("Cc", "Cf", "Co", "Cn", "Zl", "Zp")


def visible(name: str) -> str:
    r"""Write invisible characters out.

    >>> visible("text\u200b")
    'text\\u200b'
    """
    return "".join(
        one.encode("unicode_escape").decode() if unicodedata.category(one) in _INVISIBLE or one == "\u00a0" else one
        for one in name
    )


def without_invisible(name: str) -> str:
    r"""Leave out invisible characters and superfluous spaces, such as spreadsheets and web pages put into names of columns.

    >>> without_invisible("\ufefftext\u200b  of\u00a0mail ")
    'text of mail'
    """
    kept = "".join(one for one in name if unicodedata.category(one) != "Cf")
    return " ".join(unicodedata.normalize("NFC", kept).split())
