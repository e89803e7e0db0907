"""Licenses of weights by their SPDX names, and which of them are permissive."""

from __future__ import annotations

import difflib
import re

from headstart.core.errors import OptionError
from headstart.core.words import listed_words

PERMISSIVE = frozenset(
    {"0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "ISC", "MIT", "Unlicense", "Zlib"}
)
_OTHERS = frozenset(
    {
        *("AGPL-3.0-only", "AGPL-3.0-or-later", "GPL-2.0-only", "GPL-2.0-or-later", "GPL-3.0-only", "GPL-3.0-or-later"),
        *("LGPL-2.1-only", "LGPL-2.1-or-later", "LGPL-3.0-only", "LGPL-3.0-or-later", "MPL-2.0", "EPL-2.0", "EUPL-1.2"),
        *("CC-BY-3.0", "CC-BY-4.0", "CC-BY-SA-3.0", "CC-BY-SA-4.0", "CC-BY-ND-4.0", "CC-BY-NC-2.0", "CC-BY-NC-3.0"),
        *("CC-BY-NC-4.0", "CC-BY-NC-SA-3.0", "CC-BY-NC-SA-4.0", "CC-BY-NC-ND-4.0", "AFL-3.0", "Artistic-2.0"),
        *("BSL-1.0", "MS-PL", "NCSA", "OFL-1.1", "PostgreSQL", "WTFPL", "ODbL-1.0", "PDDL-1.0"),
    }
)
_NAMES = {name.lower(): name for name in PERMISSIVE | _OTHERS}
_OWN = re.compile(r"LicenseRef-[A-Za-z0-9.-]+")


def spdx(name: str) -> str:
    """Give a license's SPDX name, whatever its case; 'LicenseRef-…' stands for one that SPDX does not list.

    Raises
    ------
    OptionError
        It is neither.

    >>> spdx("apache-2.0"), spdx("LicenseRef-our-own")
    ('Apache-2.0', 'LicenseRef-our-own')
    """
    name = name.strip()
    if _OWN.fullmatch(name):
        return name
    if name.lower() not in _NAMES:
        near = difflib.get_close_matches(name.lower(), _NAMES, n=1)
        hint = f" Did you mean '{_NAMES[near[0]]}'?" if near else ""
        raise OptionError(
            f"'{name}' is not the SPDX name of a license that Headstart knows.{hint} Name one such as Apache-2.0, MIT or "
            "CC-BY-NC-4.0, or LicenseRef-NAME for one of its own."
        )
    return _NAMES[name.lower()]


def is_permissive(license: str) -> bool:
    """Tell whether a license lets anyone use, change and sell, asking for little more than its own text.

    >>> is_permissive("MIT"), is_permissive("CC-BY-NC-4.0")
    (True, False)
    """
    return license in PERMISSIVE


def allows(wanted: str, license: str) -> bool:
    """Tell whether a license is among those wanted: SPDX names with commas between, or the word 'permissive'.

    >>> allows("permissive", "MIT"), allows("CC-BY-4.0,mit", "MIT"), allows("mit", "ISC")
    (True, True, False)
    """
    names = set(listed_words(wanted))
    return ("permissive" in names and is_permissive(license)) or license in {
        spdx(name) for name in names - {"permissive"}
    }
