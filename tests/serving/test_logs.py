"""The log's lines: whole, in ASCII, and never waited for."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys

from headstart.serving import logs


def test_nothing_in_a_line_ends_it(capsys):
    logs.write("request", path="/a\n\u2028\u2029\x85\x1b[31m", model=None)
    (line,) = capsys.readouterr().err.splitlines()
    assert line.isascii()
    assert json.loads(line)["path"] == "/a\n\u2028\u2029\x85\x1b[31m"
    assert "model" not in json.loads(line)


LIBRARY = """
import os
from headstart.serving import logs
logs.write("before")
with logs.standard_error_in_lines():
    os.write(2, b"Fax4Decode: Bad code word" + bytes([10]))
    for _ in range(20_000):
        try:
            os.write(2, b"and again, and again" + bytes([10]))
        except BlockingIOError:
            pass
    logs.write("within")
logs.write("after")
"""


def test_what_a_library_writes_becomes_lines_of_the_log():
    done = subprocess.run([sys.executable, "-c", LIBRARY], capture_output=True, check=True, text=True, timeout=120)
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert (lines[0]["event"], lines[-1]["event"]) == ("before", "after")
    assert "within" in {line["event"] for line in lines}
    assert "Fax4Decode: Bad code word" in {line.get("message") for line in lines if line["event"] == "stderr"}


def test_a_value_is_cut(capsys):
    logs.write("request", path="\u2028" * 9_000)
    assert len(capsys.readouterr().err) < 4_096


def test_a_pipe_that_nobody_reads_is_not_waited_for(monkeypatch):
    reader, writer = os.pipe()
    with os.fdopen(reader, "rb") as read, os.fdopen(writer, "w") as stream:
        monkeypatch.setattr(sys, "stderr", stream)
        for number in range(5_000):
            logs.write("request", number=number)
        written = read.read1(1 << 20).splitlines()
        assert len(written) < 5_000
        logs.write("request", number=5_000)
        last = json.loads(read.read1(1 << 20).splitlines()[-1])
    assert last["number"] == 5_000
    assert last["lines_lost"] == 5_000 - len(written)


def test_a_log_that_cannot_be_written_stops_nothing(monkeypatch):
    class Full(io.StringIO):
        def write(self, text):
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(sys, "stderr", Full())
    logs.write("request")
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    logs.write("request")
    assert json.loads(stream.getvalue())["lines_lost"] == 1
