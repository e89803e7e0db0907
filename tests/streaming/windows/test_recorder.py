"""Tests of `streaming/windows/recorder.py`, `observing.py`, `query.py` and the sinks: from records to rows."""

from __future__ import annotations

import json
import os
import socket
from urllib.parse import urlsplit
from uuid import uuid4

import pytest

import headstart
from headstart.core.errors import DataError, OptionError, ServiceError
from headstart.engines.reporters import SilentReporter
from headstart.streaming.answers import Answers
from headstart.streaming.record import Output, Record
from headstart.streaming.windows.query import query
from headstart.streaming.windows.recorder import WindowRecorder
from headstart.streaming.windows.settings import WindowSettings
from headstart.testing.small_bundles import make_items
from missing import skip

BEGIN = 1_760_000_040  # a whole minute
POSTGRES = os.environ.get("HEADSTART_POSTGRES", "postgresql://postgres@127.0.0.1:5432/test")
SAID = []


def answers(*rows):
    """One batch: key, second, shop, label, and the fields of truth."""
    records = [
        Record(
            key=key,
            content=json.dumps({"at": BEGIN + second, "shop": shop, **rest}).encode(),
            time=BEGIN + second + 3600,
        )
        for key, second, shop, _, rest in rows
    ]
    values = [
        {"key": key, "error": "no"}
        if label is None
        else {"key": key, "label": label, "probability": 0.75, "prediction_set": [label]}
        for key, _, _, label, _ in rows
    ]
    outputs = [Output(key=value["key"], value=value) for value in values]
    dead = ["error" in value for value in values]
    return Answers(records=records, items=[], rows=None, outputs=outputs, is_dead=dead)


BATCH = answers(
    ("1", 0, "a", "good", {"truth": "good", "known": BEGIN + 60}),
    ("2", 10, "a", "bad", {"truth": "good", "known": "2025-10-09T08:55:10Z"}),
    ("3", 20, "b", None, {}),
    ("4", 70, "a", "good", {}),
)


def recorder(to, state, **said):
    said = {"size": "1m", "by": "shop", "time": "at", "label": "truth", "label_time": "known", **said}
    return WindowRecorder(WindowSettings(to=str(to), **said), state=state, tell=lambda kind, text: SAID.append(text))


def record(made, *batches, end=True):
    SAID.clear()
    for batch in batches:
        made.record(batch)
    if end:
        made.end(is_complete=True)
    made.close()


class TestParquet:
    def test_rows_by_window_group_and_class(self, tmp_path):
        record(recorder(tmp_path / "w", None), BATCH)
        columns = "group_value, n, n_dead, anomaly_rate, accuracy, label_delay_p50_s"
        _, rows = query(tmp_path / "w", f"SELECT {columns} FROM windows ORDER BY window_start, group_value")
        assert rows[0][:5] == ("a", 2, 0, 0.0, 0.5)
        assert rows[0][5] == pytest.approx(60, rel=0.02)
        assert rows[1][:5] == ("b", 1, 1, 1.0, None)
        assert rows[2][:3] == ("a", 1, 0)
        _, classes = query(tmp_path / "w", "SELECT label, sum(n)::INT FROM classes GROUP BY ALL ORDER BY label")
        assert classes == [("bad", 1), ("good", 2)]
        _, times = query(tmp_path / "w", "SELECT min(window_start), max(window_end) FROM windows")
        assert [one.timestamp() - BEGIN for one in times[0]] == [0, 120]

    def test_late_and_untimed_records_are_said(self, tmp_path):
        untimed = Answers(
            records=[Record(key="u", content=b"{}")],
            items=[],
            rows=None,
            outputs=[Output(key="u", value={"label": "good"})],
            is_dead=[False],
        )
        record(recorder(tmp_path / "w", None), BATCH, answers(("5", 1, "a", "good", {})), untimed)
        assert "the field 'at'" in SAID[0]
        assert "3 windows written" in SAID[-1]
        assert "1 records came too late" in SAID[-1]
        assert "1 have no time" in SAID[-1]
        _, rows = query(tmp_path / "w", "SELECT group_value, n FROM late")
        assert rows == [("a", 1)]

    @pytest.mark.parametrize("kind", [{"size": "1m"}, {"size": "1d", "every": "1m"}, {"size": None, "gap": "1m"}])
    def test_times_of_no_calendar_are_none(self, tmp_path, kind):
        times = [
            -1e308,
            1e308,
            float("nan"),
            float("-inf"),
            "1e400",
            -1e18,
            1e18,
            "0999-12-31",
            "9999-12-31",
            True,
            [1],
            "2025-13-01",
        ]
        odd = [(str(i), 0, "a", "good", {"at": at, "known": 1e308, "truth": "good"}) for i, at in enumerate(times)]
        first = ("first", 0, "a", "good", {"at": "1000-01-01T00:00:00Z", "known": float("nan"), "truth": "good"})
        record(recorder(tmp_path / "w", None, **kind), answers(*odd, first), BATCH)
        assert f"{len(times)} have no time" in SAID[-1]
        assert query(tmp_path / "w", "SELECT count(*) FROM windows WHERE window_start < '1001-01-01'")[1][0][0] > 0

    def test_records_without_a_group_are_told_of(self, tmp_path):
        record(recorder(tmp_path / "w", None, by="shop"), BATCH)
        assert not any("field 'shop'" in one for one in SAID)
        record(recorder(tmp_path / "x", None, by="shp"), BATCH, answers(("5", 90, "a", "good", {})))
        assert sum("nothing in the field 'shp'" in one for one in SAID) == 1

    def test_the_records_own_time_is_used_where_no_field_is_named(self, tmp_path):
        record(recorder(tmp_path / "w", None, time=None), BATCH)
        _, rows = query(tmp_path / "w", "SELECT min(window_start) FROM windows")
        assert rows[0][0].timestamp() == BEGIN + 3600

    def test_stopped_and_started_again_gives_what_one_run_gives(self, tmp_path):
        first, last = answers(("1", 0, "a", "good", {})), answers(("2", 5, "a", "bad", {}), ("3", 61, "a", "bad", {}))
        made = recorder(tmp_path / "w", None)
        made.record(first)
        made.end(is_complete=False)
        made.close()
        record(recorder(tmp_path / "w", None), first, last)
        assert query(tmp_path / "w", "SELECT n FROM windows ORDER BY window_start")[1] == [(2,), (1,)]

    def test_windows_are_kept_open_for_the_next_run(self, tmp_path):
        first, last = answers(("1", 0, "a", "good", {})), answers(("2", 5, "a", "bad", {}), ("3", 61, "a", "bad", {}))
        record(recorder(tmp_path / "w", None, keep_open=True), first)
        record(recorder(tmp_path / "w", None), last)
        assert query(tmp_path / "w", "SELECT n FROM windows ORDER BY window_start")[1] == [(2,), (1,)]


class TestQuery:
    def test_only_one_select_is_answered(self, tmp_path):
        record(recorder(tmp_path / "w", None), BATCH)
        for sql in (
            "COPY windows TO 'x.csv'",
            "SELECT 1; SELECT 2",
            "CREATE TABLE t AS SELECT 1",
            "",
            "SET threads = 1",
        ):
            with pytest.raises(OptionError, match="one SELECT"):
                query(tmp_path / "w", sql)

    def test_nothing_else_is_read(self, tmp_path):
        record(recorder(tmp_path / "w", None), BATCH)
        secret = tmp_path / "secret.txt"
        secret.write_text("secret")
        with pytest.raises(OptionError, match="Permission"):
            query(tmp_path / "w", f"SELECT * FROM read_text('{secret}')")

    def test_wrong_sql_names_the_tables(self, tmp_path):
        record(recorder(tmp_path / "w", None), BATCH)
        with pytest.raises(OptionError, match="The tables are: windows, classes, late"):
            query(tmp_path / "w", "SELECT * FROM wndows")

    def test_a_table_without_rows_is_there(self, tmp_path):
        record(recorder(tmp_path / "w", None), BATCH)
        assert query(tmp_path / "w", "SELECT window_start, n, day FROM late") == (["window_start", "n", "day"], [])

    def test_an_alarm_is_an_exit_code(self, tmp_path, capsys):
        import typer

        from headstart.cli.query import query as command

        record(recorder(tmp_path / "w", None), BATCH)
        with pytest.raises(typer.Exit) as ended:
            command(tmp_path / "w", "SELECT n, window_start FROM windows WHERE n = 2", alarm=True, as_json=True)
        assert ended.value.exit_code == 3
        assert json.loads(capsys.readouterr().out) == [{"n": 2, "window_start": "2025-10-09T08:54:00+00:00"}]
        command(tmp_path / "w", "SELECT n, window_start FROM windows WHERE n = 9", alarm=True)
        assert capsys.readouterr().out.split() == ["n", "window_start"]

    def test_what_senders_chose_moves_no_cursor(self, tmp_path, capsys):
        from headstart.cli.query import query as command

        record(recorder(tmp_path / "w", None), answers(("1", 0, "\x1b[2Jshop", "good", {})))
        command(tmp_path / "w", 'SELECT group_value AS "\x1b[31mred" FROM windows')
        assert capsys.readouterr().out.splitlines() == [r"\x1b[31mred", r"\x1b[2Jshop"]

    def test_two_columns_of_one_name_are_no_json(self, tmp_path):
        from headstart.cli.query import query as command

        record(recorder(tmp_path / "w", None), BATCH)
        with pytest.raises(OptionError, match="two columns of the answer are named 'n'"):
            command(tmp_path / "w", "SELECT n, n_dead AS n FROM windows", as_json=True)

    def test_an_interruption_is_one(self):
        from headstart.streaming.windows import query as module

        class Interrupted:
            """What DuckDB raises where Ctrl-C meets a query."""

            def extract_statements(self, sql):
                raise RuntimeError("Query interrupted")

        with pytest.raises(KeyboardInterrupt):
            module._answer(pytest.importorskip("duckdb"), Interrupted(), "SELECT 1", ["windows"])

    def test_a_damaged_file_is_named(self, tmp_path):
        record(recorder(tmp_path / "w", None), BATCH)
        path = next((tmp_path / "w" / "windows").glob("day=*/*.parquet"))
        path.write_bytes(path.read_bytes()[:100])
        with pytest.raises(DataError, match=path.name):
            query(tmp_path / "w", "SELECT 1")

    def test_no_windows(self, tmp_path):
        with pytest.raises(DataError, match="holds no windows"):
            query(tmp_path, "SELECT 1")


class TestEvents:
    def test_an_event_for_each_row_and_each_once(self, tmp_path):
        out = tmp_path / "windows.jsonl"
        record(recorder(out, tmp_path / "one"), BATCH)
        record(recorder(out, tmp_path / "two"), BATCH)
        rows = [json.loads(line) for line in out.read_text().splitlines()]
        assert [(one["table"], one["group_value"], one["n"]) for one in rows if one["table"] == "windows"] == [
            ("windows", "a", 2),
            ("windows", "b", 1),
            ("windows", "a", 1),
        ]
        assert sum(one["table"] == "classes" for one in rows) == 3

    def test_state_is_wanted(self, tmp_path):
        with pytest.raises(OptionError, match="--state"):
            recorder(tmp_path / "windows.jsonl", None)


@pytest.fixture
def schema():
    place = urlsplit(POSTGRES)
    try:
        socket.create_connection((place.hostname, place.port or 5432), timeout=2).close()
    except OSError:
        skip("postgres")
    import psycopg

    name = f"headstart_test_{uuid4().hex[:8]}"
    with psycopg.connect(POSTGRES, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {name}")
        yield connection, name
        connection.execute(f"DROP SCHEMA {name} CASCADE")


class TestPostgres:
    def test_rows_are_there_once_however_often_they_are_written(self, schema, tmp_path):
        connection, name = schema
        to = f"{POSTGRES}?options=-csearch_path%3D{name}"
        for state in ("one", "two"):
            record(recorder(to, tmp_path / state), BATCH, answers(("5", 1, "a", "good", {})))
        rows = connection.execute(
            f"SELECT group_value, n, accuracy FROM {name}.headstart_windows ORDER BY window_start, group_value"
        )
        assert rows.fetchall() == [("a", 2, 0.5), ("b", 1, None), ("a", 1, None)]
        assert connection.execute(f"SELECT sum(n) FROM {name}.headstart_classes").fetchone() == (3,)
        assert connection.execute(f"SELECT n FROM {name}.headstart_late").fetchall() == [(1,)]

    def test_a_server_that_is_away_may_be_tried_again(self, schema, tmp_path):
        made = recorder("postgresql://postgres:secret@127.0.0.1:1/test", tmp_path / "s")
        with pytest.raises(ServiceError, match="does not take windows") as raised:
            made.record(BATCH)
        assert "secret" not in str(raised.value)
        with pytest.raises(ServiceError):
            made.record(BATCH)
        assert made._store.counts()["repeated"] == 4

    def test_a_database_that_is_not_there_ends_the_stream_or_is_tried(self, schema, tmp_path):
        made = recorder(POSTGRES.rpartition("/")[0] + "/no_such_database", tmp_path / "s")
        with pytest.raises((ServiceError, OptionError), match="no_such_database"):
            made.record(BATCH)


class TestStream:
    @pytest.mark.parametrize("workers", [1, 2])
    def test_a_whole_stream(self, texts_bundle, tmp_path, workers):
        texts = list(make_items("products")[0])
        with (tmp_path / "in.jsonl").open("w") as out:
            for i in range(200):
                out.write(json.dumps({"text": texts[i], "at": BEGIN + i, "shop": "ab"[i % 2]}) + "\n")
            out.write('{"wrong": 1, "at": 1760000100, "shop": "a"}\n')
        windows = WindowSettings(to=str(tmp_path / "w"), size="1m", by="shop", time="at", lateness="10m")
        headstart.stream(
            texts_bundle,
            tmp_path / "in.jsonl",
            tmp_path / "out.jsonl",
            windows=windows,
            workers=workers,
            batch=16,
            progress=SilentReporter(),
        )
        _, rows = query(tmp_path / "w", "SELECT sum(n)::INT, sum(n_dead)::INT, count(*)::INT FROM windows")
        assert rows == [(201, 1, 8)]
        answered = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
        _, classes = query(tmp_path / "w", "SELECT label, sum(n)::INT FROM classes GROUP BY ALL")
        labels = [one["label"] for one in answered if "label" in one]
        assert dict(classes) == {label: labels.count(label) for label in set(labels)}
