"""Two photos that everybody has seen, out of a pinned archive; run as a program, it fetches them into the cache."""

from __future__ import annotations

import zipfile

from headstart.downloads.pypi import download

_ARCHIVE = "scikit_image-0.25.2-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl"
_SHA256 = "24cc986e1f4187a12aa319f777b36008764e856e5013666a4a83f8df083c2641"
_PATHS = {"cat": "skimage/data/chelsea.png", "coffee": "skimage/data/coffee.png"}


def known_photo(name: str) -> bytes:
    """The file of the 'cat' or the 'coffee'."""
    with zipfile.ZipFile(download("scikit-image", "0.25.2", _ARCHIVE, _SHA256)) as archive:
        return archive.read(_PATHS[name])


if __name__ == "__main__":
    known_photo("cat")
