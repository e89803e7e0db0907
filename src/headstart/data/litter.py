"""Litter: files and folders that desktops, file servers and editors leave beside the user's own."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_FILES = frozenset({"thumbs.db", "ehthumbs.db", "ehthumbs_vista.db", "desktop.ini", "picasa.ini", "zbthumbnail.info", "icon\r",
    "thumbs.db:encryptable", "autorun.inf"})  # fmt: skip
_FOLDERS = frozenset({"$recycle.bin", "recycler", "recycled", "system volume information", "lost+found", "__macosx", "_macosx", "__pycache__",
    "@eadir", "@tmp", "@recycle", "@recently-snapshot", "#recycle", "#snapshot", "_gsdata_", "network trash folder", "temporary items",
    "thevolumesettingsfolder", "aspnet_client", "node_modules"})  # fmt: skip
_ENDINGS = re.compile(r"\.(?:tmp|temp|part|partial|crdownload|download|bak|swp|lnk|url|webloc)$|~$|:zone\.identifier$")


def is_litter(name: str) -> bool:
    """Whether a file or folder of this name is none of the user's data: hidden, a thumbnail cache, a trash, a half download.

    >>> is_litter("Thumbs.db"), is_litter("@eaDir"), is_litter("._1.jpg"), is_litter("kiwi")
    (True, True, True, False)
    """
    plain = name.casefold()
    return (
        plain.startswith((".", "~$", "__macosx"))
        or plain in _FILES
        or plain in _FOLDERS
        or bool(_ENDINGS.search(plain))
    )


def files_below(folder: Path) -> Iterator[Path]:
    """Give all files at any depth below a folder, litter left out; links to folders are not followed."""
    for root, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not is_litter(name))
        yield from (Path(root) / name for name in sorted(names) if not is_litter(name))
