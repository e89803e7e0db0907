"""Tests of `streaming/connectors/file.py`, `folder.py`, `stdio.py`, `journal.py` and `json_lines.py`."""

from __future__ import annotations

import asyncio
import json
import os
import time

import pytest

from headstart.core.errors import DataError, OptionError
from headstart.streaming import json_lines
from headstart.streaming.connecting import inlet_of, outlet_of
from headstart.streaming.connector import EndOfStream
from headstart.streaming.connectors import folder
from headstart.streaming.journal import Journal
from headstart.streaming.record import Output


def run(work, *values):
    return asyncio.run(work(*values))


async def all_of(inlet, *, acknowledges=True):
    await inlet.open()
    found = []
    while True:
        try:
            came = await inlet.receive(5, 0.2)
        except EndOfStream:
            break
        if not came:
            break
        found += came
        if acknowledges:
            await inlet.acknowledge(came)
    await inlet.close()
    return found


def contents(found):
    return [one.record.content for one in found]


class TestFile:
    def test_positions_advance_only_over_what_is_done(self, tmp_path):
        path = tmp_path / "in.jsonl"
        path.write_text("".join(f"{i}\n" for i in range(6)))

        async def work():
            inlet = inlet_of(path, state=tmp_path / "state")
            await inlet.open()
            came = await inlet.receive(4, 1)
            await inlet.acknowledge(came[2:])  # in another order than they came
            await inlet.close()
            again = inlet_of(path, state=tmp_path / "state")
            assert contents(await all_of(again, acknowledges=False)) == [b"%d" % i for i in range(6)]
            await inlet.open()
            came = await inlet.receive(4, 1)
            await inlet.acknowledge(came[2:])
            await inlet.acknowledge(came[:2])
            await inlet.close()
            return await all_of(inlet_of(path, state=tmp_path / "state"))

        assert contents(run(work)) == [b"4", b"5"]

    def test_keys_differ_where_the_place_is_the_same_and_the_record_is_not(self, tmp_path):
        path = tmp_path / "in.jsonl"
        keys = set()
        for word in ("a", "b", "a"):
            with path.open("r+" if path.exists() else "w") as out:  # the same inode, the same offset
                out.write(json.dumps(word) + "\n")
            keys.add(run(all_of, inlet_of(path))[0].record.key)
        assert len(keys) == 2

    def test_a_row_without_its_cells_has_a_key_of_its_own(self, tmp_path):
        (tmp_path / "in.csv").write_text("id,text\n1\n2\n3,x\n")
        found = run(all_of, inlet_of(tmp_path / "in.csv"))
        assert [bool(one.error) for one in found] == [True, True, False]
        assert len({one.record.key for one in found}) == 3
        assert found[0].raw == b"1"

    @pytest.mark.parametrize("options", ["", "?partition=who"])
    def test_workers_share_a_file(self, tmp_path, options):
        path = tmp_path / "in.jsonl"
        path.write_text("".join(json.dumps({"text": f"{i}", "who": i % 7}) + "\n" for i in range(70)))
        parts = [
            run(all_of, inlet_of(f"{path}{options}", state=tmp_path / "state", worker=worker, n_workers=2))
            for worker in (0, 1)
        ]
        found = [json.loads(one) for part in parts for one in contents(part)]
        assert sorted(int(one["text"]) for one in found) == list(range(70))
        assert all(parts)
        if options:
            whos = [{json.loads(one)["who"] for one in contents(part)} for part in parts]
            assert not whos[0] & whos[1]
        for worker in (0, 1):  # what another worker does is done for this one
            inlet = inlet_of(f"{path}{options}", state=tmp_path / "state", worker=worker, n_workers=2)
            assert run(all_of, inlet) == []

    def test_the_format_can_be_said(self, tmp_path):
        (tmp_path / "log").write_text("text\nlate\n")
        assert contents(run(all_of, inlet_of(f"{tmp_path}/log?format=csv"))) == [{"text": "late"}]
        with pytest.raises(OptionError, match="must be csv or jsonl, not 'xml'"):
            inlet_of(f"{tmp_path}/log?format=xml")

    def test_an_outlet_is_durable_when_it_returns(self, tmp_path, monkeypatch):
        synced = []
        fsync = os.fsync
        monkeypatch.setattr(os, "fsync", lambda descriptor: (synced.append(descriptor), fsync(descriptor)))

        async def work():
            outlet = outlet_of(tmp_path / "out.jsonl")
            await outlet.open()
            await outlet.send([Output(key="1", value={"key": "1"})])
            await outlet.close()

        run(work)
        assert len(synced) == 1


class TestFolder:
    def test_a_file_that_grows_is_left_until_it_has_settled(self, tmp_path):
        async def work():
            inlet = inlet_of(f"folder://{tmp_path}?settle_ms=300")
            await inlet.open()
            path = tmp_path / "a.txt"
            found = []
            for _ in range(5):
                with path.open("a") as out:
                    out.write("x")
                found += await inlet.receive(9, 0.1)
            assert found == []
            end = time.monotonic() + 10
            while not found and time.monotonic() < end:
                found += await inlet.receive(9, 0.2)
            await inlet.close()
            return found

        assert contents(run(work)) == [b"xxxxx"]

    def test_what_is_not_finished_is_left_alone(self, tmp_path):
        for name in ("a.txt", ".hidden", "b.part", "c.TMP"):
            (tmp_path / name).write_text("x")
        (tmp_path / "folder").mkdir()
        found = run(all_of, inlet_of(f"folder://{tmp_path}?settle_ms=0&follow=0"))
        assert [one.record.attributes["file"] for one in found] == ["a.txt"]

    def test_done_files_are_moved(self, tmp_path):
        for _ in range(2):  # a second of the same name does not take the place of the first
            (tmp_path / "a.txt").write_text("x")
            assert len(run(all_of, inlet_of(f"folder://{tmp_path}?settle_ms=0&follow=0&done=answered"))) == 1
        assert not (tmp_path / "a.txt").exists()
        assert len(list((tmp_path / "answered").iterdir())) == 2

    def test_a_file_that_is_written_anew_is_a_new_record(self, tmp_path):
        path, state = tmp_path / "a.txt", tmp_path / "state"
        address = f"folder://{tmp_path}?settle_ms=0&follow=0"
        keys = set()
        for word in ("x", "y"):
            path.write_text(word)
            os.utime(path, ns=(0, ord(word)))
            for _ in range(2):
                keys |= {one.record.key for one in run(all_of, inlet_of(address, state=state))}
        assert keys == {f"a.txt@{ord('x')}", f"a.txt@{ord('y')}"}

    def test_a_folder_that_is_missing_or_its_own(self, tmp_path):
        with pytest.raises(DataError, match="no folder"):
            run(inlet_of(f"folder://{tmp_path}/none").open)
        with pytest.raises(OptionError, match="is the folder that is watched"):
            inlet_of(f"folder://{tmp_path}?done=.")
        with pytest.raises(OptionError, match="must be a number from 0, not 'soon'"):
            inlet_of(f"folder://{tmp_path}?settle_ms=soon")

    def test_links_are_not_followed(self, tmp_path):
        secret, inbox = tmp_path / "secret.txt", tmp_path / "inbox"
        secret.write_text("password")
        inbox.mkdir()
        (inbox / "a.txt").symlink_to(secret)
        (one,) = run(all_of, inlet_of(f"folder://{inbox}?settle_ms=0&follow=0&done=answered"))
        assert "is a link" in one.error
        assert b"password" not in (one.raw, one.record.content)
        assert secret.read_text() == "password"
        assert [path.name for path in inbox.iterdir()] == ["answered"]

    def test_a_file_that_is_too_large_is_one_dead_letter(self, tmp_path, monkeypatch):
        monkeypatch.setattr(folder, "_MAX_FILE_BYTES", 1 << 20)
        (tmp_path / "a.txt").write_bytes(b"x" * ((1 << 20) + 1))
        (tmp_path / "b.txt").write_bytes(b"x" * (1 << 20))
        found = run(all_of, inlet_of(f"folder://{tmp_path}?settle_ms=0&follow=0"))
        assert sorted(one.error for one in found) == [
            "",
            f"{tmp_path / 'a.txt'} is larger than 1 MiB. Make it smaller.",
        ]

    def test_outputs_whose_key_is_there_are_counted(self, tmp_path):
        outlet = outlet_of(f"folder://{tmp_path}/answers")

        async def work():
            await outlet.open()
            for _ in range(2):
                await outlet.send([Output(key=key, value={"key": key}) for key in ("ключ", "键")])
            await outlet.close()

        run(work)
        assert outlet.n_left_out == 2
        assert {json.loads(path.read_bytes())["key"] for path in (tmp_path / "answers").iterdir()} == {"ключ", "键"}

    def test_json_files_are_json(self, tmp_path):
        (tmp_path / "a.json").write_text('"late"')
        (one,) = run(all_of, inlet_of(f"folder://{tmp_path}?settle_ms=0&follow=0"))
        assert one.record.attributes["content-type"] == "application/json"


@pytest.mark.parametrize("place", ["file", "folder"])
@pytest.mark.parametrize(
    "damage",
    [
        '{"inode": INODE}',
        '{"inode": INODE, "offset": -5, "line": 1}',
        '{"inode": INODE, "offset": 1e99, "line": 1}',
        '{"inode": "x", "offset": "y", "line": []}',
        '{"done": 5}',
        '{"done": [[1]]}',
        "[]",
        "\0",
        "[" * 100_000,
    ],
)
def test_a_damaged_position_is_read_from_the_beginning(tmp_path, place, damage):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.jsonl").write_text("1\n2\n")
    address = f"{tmp_path}/in/a.jsonl" if place == "file" else f"folder://{tmp_path}/in?settle_ms=0&follow=0"
    assert run(all_of, inlet_of(address, state=tmp_path / "state"))
    (kept,) = (tmp_path / "state").iterdir()
    kept.write_text(damage.replace("INODE", str((tmp_path / "in" / "a.jsonl").stat().st_ino)))
    assert len(run(all_of, inlet_of(address, state=tmp_path / "state"))) == (2 if place == "file" else 1)


class TestJournal:
    def test_what_is_saved_is_there_again(self, tmp_path):
        journal = Journal(tmp_path / "new", "/a/b c?d")
        assert journal.load() == {}
        for i in range(3):
            journal.save({"n": i})
        assert Journal(tmp_path / "new", "/a/b c?d").load() == {"n": 2}
        assert Journal(tmp_path / "new", "/a/b c?e").load() == {}
        assert len(list((tmp_path / "new").iterdir())) == 1

    @pytest.mark.parametrize("content", [b"", b"{", b"[1]"])
    def test_a_damaged_one_is_none(self, tmp_path, content):
        journal = Journal(tmp_path, "x")
        journal.path.write_bytes(content)
        assert journal.load() == {}

    def test_without_a_folder_it_is_in_memory(self):
        journal = Journal(None, "x")
        journal.save({"n": 1})
        assert journal.load() == {"n": 1}


def test_of_a_line_without_end_the_beginning_is_left(monkeypatch):
    monkeypatch.setattr(json_lines, "MAX_LINE_BYTES", 100)
    monkeypatch.setattr(json_lines, "N_SHOWN_BYTES", 5)
    cutter = json_lines.LineCutter()
    assert [cutter.feed(b"0123456789") for _ in range(30)] == [[]] * 30
    assert cutter._parts == []  # nothing of it is held but its beginning
    first, second = cutter.feed(b"x\nnext\n")
    assert (first, type(first), second) == (b"01234", json_lines.LongLine, b"next\n")
    cutter.feed(b"y" * 101)
    assert isinstance(cutter.rest, json_lines.LongLine)


def test_keys_of_standard_input_are_new_in_every_run():
    from headstart.streaming.connectors.stdio import StandardInput

    assert StandardInput()._run != StandardInput()._run
