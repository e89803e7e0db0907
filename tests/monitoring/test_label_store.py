import os
import signal
import sqlite3
import subprocess
import sys

import pytest

from headstart.core.errors import DataError, StorageError
from headstart.monitoring.label_store import LabelStore, read_label_rows


def test_the_last_label_of_a_key_holds_and_none_is_forgotten(tmp_path) -> None:
    with LabelStore(tmp_path / "labels.db") as store:
        assert store.give([("a", "yes"), ("b", ["x", "y"])], by="page") == 2
        store.give([("a", "no")], by="later.csv")
    with LabelStore(tmp_path / "labels.db") as store:
        assert store.current() == {"b": ["x", "y"], "a": "no"}
        assert [(one["label"], one["by"]) for one in store.history("a")] == [("yes", "page"), ("no", "later.csv")]
        assert store.after(2) == [(3, "a", "no")]


def test_labels_are_kept_all_or_none(tmp_path) -> None:
    with LabelStore(tmp_path / "labels.db") as store:
        with pytest.raises(StorageError):
            store.give([("a", "yes"), (None, "no")])
        assert store.current() == {}


WRITER = """
import sys
from pathlib import Path
from headstart.monitoring.label_store import LabelStore
store = LabelStore(Path(sys.argv[1]))
for number in range(100_000):
    store.give([(f"k{number}", "yes")])
    print(number, flush=True)
"""


def test_a_label_that_was_taken_survives_a_kill(tmp_path) -> None:
    path = tmp_path / "labels.db"
    with subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True) as process:
        said = [process.stdout.readline() for _ in range(30)]
        os.kill(process.pid, signal.SIGKILL)
        last = int((said + process.stdout.read().splitlines())[-1])
    with LabelStore(path) as store:
        held = store.current()
    assert all(f"k{number}" in held for number in range(last + 1)), (last, len(held))


def test_what_is_no_store_is_refused(tmp_path) -> None:
    path = tmp_path / "labels.db"
    path.write_text("key,label\n" * 100)
    with pytest.raises(StorageError, match=r"labels\.db"):
        LabelStore(path)
    sqlite3.connect(tmp_path / "other.db").execute("CREATE TABLE labels (number)").connection.close()
    with pytest.raises(StorageError, match=r"other\.db"), LabelStore(tmp_path / "other.db") as store:
        store.current()


def test_rows_of_keys_and_labels(tmp_path) -> None:
    path = tmp_path / "labels.csv"
    path.write_text("answer,key,label\nno,a,yes\nno,b,\n")
    assert read_label_rows(path) == [(2, "a", "yes")]
    path.write_text("a,yes\nb,no\n")
    assert read_label_rows(path) == [(1, "a", "yes"), (2, "b", "no")]
    for header in ("id,category", "Key,Product", "ticket,label"):
        path.write_text(f"{header}\na,yes\n")
        assert read_label_rows(path) == [(2, "a", "yes")]
    for separator, encoding in ((";", "cp1252"), ("\t", "utf-16"), (",", "utf-8-sig")):  # as spreadsheets save them
        path.write_bytes("key;label;answer\r\na;süß;x\r\nb;;y\r\n".replace(";", separator).encode(encoding))
        assert read_label_rows(path) == [(2, "a", "süß")]
    path.write_text("")
    assert read_label_rows(path) == []
    path.write_text("key,label,answer\na,yes\n")
    with pytest.raises(DataError, match="line 2 has 2 cells; its header has 3"):
        read_label_rows(path)
