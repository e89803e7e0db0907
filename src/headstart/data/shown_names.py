"""Names that look the same: invisible characters, and the two Unicode forms of letters with accents."""

from __future__ import annotations

import unicodedata
from pathlib import Path

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


def existing_form(path: Path) -> Path:
    """The path in the Unicode form in which the disk has it; as it is given where it has none.

    >>> existing_form(Path("/nowhere")).name
    'nowhere'
    """
    forms = (path, *(Path(unicodedata.normalize(form, str(path))) for form in ("NFC", "NFD")))
    return next((one for one in forms if one.exists()), path)
