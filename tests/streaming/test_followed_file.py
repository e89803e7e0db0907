"""Tests of `streaming/followed_file.py`: whole records only, from where it was, through rotation and truncation."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headstart.core.errors import DataError
from headstart.streaming import followed_file, json_lines
from headstart.streaming.followed_file import FollowedFile


def opened(path, *, is_table=False, follows=True, saved=None):
    file = FollowedFile(path, is_table=is_table, follows=follows)
    file.open(saved or {})
    return file


def raws(file, n=100):
    return [one.raw for one in file.read(n)]


def position(record):
    return {"inode": record.inode, "offset": record.end, "line": record.line}


class TestLines:
    def test_half_a_last_line_is_no_record_yet(self, tmp_path):
        path = tmp_path / "in.jsonl"
        path.write_bytes(b"1\n2")
        file = opened(path)
        assert raws(file) == [b"1"]
        assert not file.is_at_end
        with path.open("ab") as out:
            out.write(b"3\n\n4\n")
        assert raws(file) == [b"23", b"4"]
        file.close()

    def test_without_following_it_is(self, tmp_path):
        path = tmp_path / "in.jsonl"
        path.write_bytes(b"1\r\n2")
        file = opened(path, follows=False)
        assert raws(file) == [b"1", b"2"]
        assert raws(file) == []
        assert file.is_at_end
        file.close()

    def test_no_more_than_asked_and_on_from_a_position(self, tmp_path):
        path = tmp_path / "in.jsonl"
        path.write_bytes(b"".join(b"%d\n" % i for i in range(10)))
        file = opened(path)
        first = file.read(4)
        assert len(first) == 4
        file.close()
        again = opened(path, saved=position(first[-1]))
        found = again.read(100)
        assert [one.raw for one in found] == [b"%d" % i for i in range(4, 10)]
        assert (found[0].start, found[0].line) == (first[-1].end, 5)
        again.close()

    def test_a_missing_file_is_named(self, tmp_path):
        with pytest.raises(DataError, match="no file .*nothing"):
            opened(tmp_path / "nothing.jsonl")


class TestRotation:
    def test_by_renaming_everything_of_both_files_is_read(self, tmp_path):
        path = tmp_path / "in.jsonl"
        path.write_bytes(b"1\n2\n")
        file = opened(path)
        assert raws(file) == [b"1", b"2"]
        path.rename(tmp_path / "in.jsonl.1")
        assert not file.is_at_end  # there is no other file yet
        with (tmp_path / "in.jsonl.1").open("ab") as out:
            out.write(b"3")
        path.write_bytes(b"4\n")
        found = []
        for _ in range(6):
            found += raws(file)
            assert not file.is_at_end
        assert found == [b"3", b"4"]
        file.close()

    def test_while_nobody_read(self, tmp_path):
        path = tmp_path / "in.jsonl"
        path.write_bytes(b"1\n2\n3\n")
        file = opened(path)
        first = file.read(1)[0]
        file.close()
        path.rename(tmp_path / "in.jsonl.1")
        path.write_bytes(b"4\n")
        file = opened(path, saved=position(first))
        found = []
        for _ in range(6):
            found += raws(file)
            assert not file.is_at_end
        assert found == [b"2", b"3", b"4"]
        file.close()

    def test_a_file_that_is_gone_is_told(self, tmp_path, caplog):
        path = tmp_path / "in.jsonl"
        path.write_bytes(b"1\n")
        file = opened(path, saved={"inode": 1, "offset": 2, "line": 1})
        assert raws(file) == [b"1"]
        assert "is gone" in caplog.text
        file.close()

    def test_cut_short(self, tmp_path, caplog):
        path = tmp_path / "in.jsonl"
        path.write_bytes(b"1111\n2222\n")
        file = opened(path)
        last = file.read(9)[-1]
        os.truncate(path, 0)
        with path.open("ab") as out:
            out.write(b"3\n")
        assert raws(file) == []
        assert not file.is_at_end
        assert raws(file) == [b"3"]
        assert "cut short" in caplog.text
        file.close()
        file = opened(path, saved=position(last))
        assert raws(file) == [b"3"]
        assert "shorter than it was" in caplog.text
        file.close()


class TestTables:
    def read(self, tmp_path, content, n=100, **settings):
        path = tmp_path / "in.csv"
        path.write_bytes(content)
        file = opened(path, is_table=True, **settings)
        try:
            return file.read(n)
        finally:
            file.close()

    @pytest.mark.parametrize("separator", [b",", b";", b"\t"])
    def test_rows_are_fields_by_the_header(self, tmp_path, separator):
        content = b"id,text\n1,late\n2,again\n".replace(b",", separator)
        assert [one.fields for one in self.read(tmp_path, content)] == [
            {"id": "1", "text": "late"},
            {"id": "2", "text": "again"},
        ]

    def test_quotes_may_hold_line_feeds_and_separators(self, tmp_path):
        content = b'\xef\xbb\xbfid,text\n1,"late,\nand ""again"""\n2,5" screen\n3,x\n'
        found = self.read(tmp_path, content)
        assert [one.fields["text"] for one in found] == ['late,\nand "again"', '5" screen', "x"]
        assert [one.line for one in found] == [2, 4, 5]

    def test_half_a_quoted_row_is_waited_for(self, tmp_path):
        path = tmp_path / "in.csv"
        path.write_bytes(b'id,text\n1,"late\n')
        file = opened(path, is_table=True)
        assert file.read(9) == []
        with path.open("ab") as out:
            out.write(b'again"\n2,x\n')
        assert [one.fields["text"] for one in file.read(9)] == ["late\nagain", "x"]
        file.close()

    def test_a_header_that_is_not_there_yet(self, tmp_path):
        path = tmp_path / "in.csv"
        path.write_bytes(b"id,te")
        file = opened(path, is_table=True)
        assert file.read(9) == []
        with path.open("ab") as out:
            out.write(b"xt\n1,late\n")
        assert [one.fields for one in file.read(9)] == [{"id": "1", "text": "late"}]
        file.close()

    def test_on_from_a_position(self, tmp_path):
        content = b"id;text\n1;late\n2;again\n"
        first = self.read(tmp_path, content, n=1)[0]
        file = opened(tmp_path / "in.csv", is_table=True, saved=position(first))
        assert [one.fields for one in file.read(9)] == [{"id": "2", "text": "again"}]
        file.close()

    @pytest.mark.parametrize(
        ("row", "words"),
        [
            (b"1,a,b\n", "line 2 of in.csv has 3 cells, but the header has 2"),
            (b"1\n", "has 1 cells"),
            (b"1,\xff\n", "not UTF-8"),
            (b'1,"late\n', "quote that is not closed"),
        ],
    )
    def test_a_row_that_cannot_be_read_says_why_and_the_others_are_read(self, tmp_path, row, words):
        content = b"id,text\n" + (b"" if b'"' in row else row) + b"2,x\n" + (row if b'"' in row else b"")
        found = self.read(tmp_path, content, follows=False)
        assert (
            sum(words.replace("line 2", f"line {2 if chr(34) not in words else 3}") in one.error for one in found) == 1
        )
        assert [one.fields["text"] for one in found if one.fields] == ["x"]

    @pytest.mark.parametrize(
        ("header", "is_told"),
        [("1,where is it?", True), ("I love apples", True), ("id,text", False), ("text", False), ("depot,at", False)],
    )
    def test_a_first_line_that_may_be_data_is_told(self, tmp_path, caplog, header, is_told):
        self.read(tmp_path, f"{header}\n2,again\n".encode())
        assert ("if it is data, write a header above it" in caplog.text) is is_told

    def test_two_values_of_a_first_line_that_is_data(self, tmp_path):
        with pytest.raises(DataError, match=r"named '0.0'. Write a header above its first line, which looks like data"):
            self.read(tmp_path, b"0.0,0.0,x\n1,2,y\n")

    def test_two_columns_of_one_name(self, tmp_path):
        with pytest.raises(DataError, match="two columns named 'a'"):
            self.read(tmp_path, b"a,a\n1,2\n")


class TestALineThatIsTooLong:
    @pytest.fixture(autouse=True)
    def limits(self, monkeypatch):
        monkeypatch.setattr(json_lines, "MAX_LINE_BYTES", 100_000)
        monkeypatch.setattr(json_lines, "N_SHOWN_BYTES", 4)

    @pytest.mark.parametrize("follows", [True, False])
    @pytest.mark.parametrize("is_table", [True, False])
    def test_is_one_record_that_cannot_be_read(self, tmp_path, follows, is_table):
        path = tmp_path / "in.x"
        path.write_bytes((b"text\n" if is_table else b"") + b"one\n" + b"23" * 150_000 + b"\nthree\n")
        file = opened(path, is_table=is_table, follows=follows)
        found = [file.read(1)[0] for _ in range(3)]
        assert [one.raw for one in found] == [b"one", b"2323", b"three"]
        assert [bool(one.error) for one in found] == [False, True, False]
        assert f"line {3 if is_table else 2} of in.x is longer than" in found[1].error
        again = opened(path, is_table=is_table, follows=follows, saved=position(found[1]))
        assert [one.raw for one in again.read(9)] == [b"three"]  # it is not met again
        file.close()
        again.close()

    def test_may_come_in_pieces(self, tmp_path):
        path = tmp_path / "in.jsonl"
        path.write_bytes(b"1" * 150_000)
        file = opened(path)
        assert file.read(9) == []
        for piece in (b"2" * 150_000, b"3\nnext\n"):
            assert file.is_at_end is False  # it was not cut short
            with path.open("ab") as out:
                out.write(piece)
            found = file.read(9)
        assert [one.raw for one in found] == [b"1111", b"next"]
        assert found[0].end == path.stat().st_size - len(b"next\n")
        file.close()

    def test_one_without_end_leaves_others_their_turn(self, monkeypatch):
        monkeypatch.setattr(followed_file, "_TURN_BYTES", 1 << 20)
        file = opened(Path("/dev/zero"), follows=False)
        for _ in range(5):
            assert (file.read(9), file.is_at_end) == ([], False)
        file.close()

    def test_at_the_end_of_a_file_that_is_rotated(self, tmp_path):
        path = tmp_path / "in.jsonl"
        path.write_bytes(b"1" * 150_000)
        file = opened(path)
        assert file.read(9) == []
        path.rename(tmp_path / "in.jsonl.1")
        path.write_bytes(b"next\n")
        found = []
        for _ in range(4):
            assert file.is_at_end is False
            found += file.read(9)
        assert [one.raw for one in found] == [b"1111", b"next"]
        file.close()


@given(
    lines=st.lists(
        st.text(st.characters(exclude_characters="\n\r", codec="utf-8"), min_size=1, max_size=30), max_size=12
    ),
    cuts=st.lists(st.integers(0, 400), max_size=8),
)
def test_however_a_file_grows_each_line_comes_once(tmp_path_factory, lines, cuts):
    path = tmp_path_factory.mktemp("grown") / "in.jsonl"
    content = "".join(f"{i} {line}\n" for i, line in enumerate(lines)).encode()
    path.touch()
    file = opened(path)
    found, start = [], 0
    for end in sorted({min(cut, len(content)) for cut in cuts} | {len(content)}):
        with path.open("ab") as out:
            out.write(content[start:end])
        start = end
        found += raws(file, n=3)
    found += raws(file)
    file.close()
    assert b"".join(one + b"\n" for one in found) == content
