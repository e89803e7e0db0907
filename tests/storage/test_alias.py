"""An alias is there or not, and points at one version."""

import pytest

from headstart.core.errors import StorageError
from headstart.storage.alias import is_registry, point_alias, read_alias, remove_alias, version_folder


def test_an_alias_moves_and_goes(tmp_path):
    assert read_alias(tmp_path, "champion") is None
    for number in (1, 12):
        version_folder(tmp_path, number).mkdir(parents=True)
        point_alias(tmp_path, "champion", number)
        assert read_alias(tmp_path, "champion") == number
        assert (tmp_path / "champion").resolve() == version_folder(tmp_path, number).resolve()
    assert is_registry(tmp_path)
    remove_alias(tmp_path, "champion")
    remove_alias(tmp_path, "champion")
    assert not is_registry(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["versions"]


def test_what_is_no_alias_is_said(tmp_path):
    (tmp_path / "champion").mkdir()
    with pytest.raises(StorageError, match="is no alias"):
        read_alias(tmp_path, "champion")
    (tmp_path / "challenger").symlink_to("/etc")
    with pytest.raises(StorageError, match="versions/NUMBER"):
        read_alias(tmp_path, "challenger")
