"""Of several formats either all are written or none, as far as that can be known."""

from __future__ import annotations

import pytest
from tiny_table import make_table_bundle
from typer.testing import CliRunner

from headstart.cli.app import app
from headstart.core.errors import StorageError
from headstart.packaging import load_bundle
from headstart.packaging.exports import check


def test_what_is_refused_is_refused_before_anything_is_written(tmp_path):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "thesis.tex").write_text("years of work")
    folder = make_table_bundle(tmp_path / "table")
    asked = ["export", folder, "--onnx", tmp_path / "model.onnx", "--web", tmp_path / "thesis"]
    done = CliRunner().invoke(app, [str(word) for word in asked])
    assert done.exit_code != 0
    assert not (tmp_path / "model.onnx").exists()
    with pytest.raises(StorageError, match="holds other things"):
        check(load_bundle(folder), "web", tmp_path / "thesis")


def test_a_format_that_refuses_nothing_beforehand(tmp_path):
    check(load_bundle(make_table_bundle(tmp_path / "table")), "onnx", tmp_path / "model.onnx")
