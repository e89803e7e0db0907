"""Single files come out of archives; links, folders, bombs and damaged archives do not."""

from __future__ import annotations

import io
import tarfile
import zipfile

import pytest

from headstart.core.errors import SourceError
from headstart.downloads.archives import read_members


@pytest.fixture(params=["zip", "tgz"])
def archive(request, tmp_path):
    path = tmp_path / f"weights.{request.param}"
    contents = {"a/one.bin": b"one", "two.bin": b"two", "bomb.bin": bytes(100_000)}
    if request.param == "zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as box:
            for name, content in contents.items():
                box.writestr(name, content)
    else:
        with tarfile.open(path, "w:gz") as tar:
            for name, content in contents.items():
                member = tarfile.TarInfo(name)
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
            link = tarfile.TarInfo("link.bin")
            link.type, link.linkname = tarfile.SYMTYPE, "../../etc/passwd"
            tar.addfile(link)
    return path


def test_files_come_in_the_order_that_was_asked_for(archive):
    assert list(read_members(archive, ["two.bin", "a/one.bin"]).items()) == [("two.bin", b"two"), ("a/one.bin", b"one")]


def test_a_file_that_is_larger_than_allowed(archive):
    assert archive.stat().st_size < 1000
    with pytest.raises(SourceError, match="bomb.bin has 100000 bytes, at most 99999 are allowed"):
        read_members(archive, ["two.bin", "bomb.bin"], limit=99_999)
    assert len(read_members(archive, ["bomb.bin"], limit=100_000)["bomb.bin"]) == 100_000


def test_a_file_that_is_not_there(archive):
    with pytest.raises(SourceError, match="cannot read three.bin"):
        read_members(archive, ["three.bin"])


def test_a_link_is_not_followed(archive):
    if archive.suffix == ".tgz":
        with pytest.raises(SourceError, match="link.bin is not a file"):
            read_members(archive, ["link.bin"])


def test_an_archive_that_is_cut_short(archive):
    archive.write_bytes(archive.read_bytes()[:-60])
    with pytest.raises(SourceError, match="cannot read"):
        read_members(archive, ["bomb.bin"])
