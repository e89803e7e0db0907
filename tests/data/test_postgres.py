"""A query of a real PostgreSQL: what its types become, that nothing is written, and that a fit reads it."""

import gc
import os
import sys
import uuid
from contextlib import closing
from importlib.util import find_spec

import pytest

import missing
from headstart.core.errors import DataError, MissingExtraError
from headstart.data import load

URL = os.environ.get("HEADSTART_POSTGRES", "postgresql://postgres@127.0.0.1:5432/test")
TYPES = (
    "id serial, age integer, spent numeric(10, 2), city text, since date, paid boolean, seen timestamptz, leaves text"
)
N = 90


def connected():
    import psycopg

    return psycopg.connect(URL, connect_timeout=2, autocommit=True)


@pytest.fixture(scope="module")
def table():
    """The name of a table of this test's own, dropped at its end."""
    if find_spec("psycopg") is None:
        missing.skip("postgres")
    import psycopg

    try:
        connection = connected()
    except psycopg.Error:
        missing.skip("postgres")
    name = f"headstart_test_{uuid.uuid4().hex}"
    with closing(connection):
        connection.execute(f"CREATE TABLE {name} ({TYPES})")
        try:
            connection.execute(
                f"""INSERT INTO {name} (age, spent, city, since, paid, seen, leaves)
                SELECT 20 + i * 7 % 50, CASE WHEN i % 9 = 0 THEN NULL ELSE i * 1.25 END, (ARRAY['Oslo','Rome','Łódź'])[1 + i % 3],
                date '2026-01-01' + i, i % 2 = 0, timestamptz '2026-01-01 12:00+02' + i * interval '1 hour',
                CASE WHEN i * 7 % 50 > 24 THEN 'yes' ELSE 'no' END FROM generate_series(0, {N - 1}) AS i"""
            )
            yield name
        finally:
            connection.execute(f"DROP TABLE {name}")


def test_columns_of_its_types(table):
    dataset = load(URL, sql=f"SELECT * FROM {table} ORDER BY id", target="leaves")
    kinds = {field.name: field.modality for field in dataset.fields}
    assert kinds == {
        "age": "number", "spent": "number", "city": "category", "since": "date", "paid": "category", "seen": "date",
    }  # fmt: skip
    first = dataset.items[1]
    assert (first["age"], first["spent"], first["city"]) == (27.0, 1.25, "Rome")
    assert first["since"] == 1767312000.0
    assert first["seen"] == 1767265200.0
    assert len(dataset) == N


def test_a_url_as_some_hosts_write_it(table):
    url = URL.replace("postgresql://", "postgres://", 1)
    assert len(load(url, sql=f"SELECT age, city, leaves FROM {table} WHERE age > 30", target="leaves")) == sum(
        20 + i * 7 % 50 > 30 for i in range(N)
    )


@pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning"
)  # of a cursor that psycopg could not open
@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("SELECT * FROM nothing_there", 'relation "nothing_there" does not exist'),
        ("WITH gone AS (DELETE FROM {table} RETURNING *) SELECT * FROM gone", "does not answer the query"),
        ("DROP TABLE {table}", "takes a query that reads"),
        ("SELECT age, age FROM {table}", "two columns"),
    ],
)
def test_what_it_refuses(table, query, words):
    with pytest.raises(DataError) as error:
        load(URL, sql=query.format(table=table), target="leaves")
    assert words in str(error.value)
    del error
    gc.collect()
    assert len(load(URL, sql=f"SELECT age, leaves FROM {table}", input="age", target="leaves")) == N


def test_a_server_that_does_not_answer():
    if find_spec("psycopg") is None:
        missing.skip("postgres")
    with pytest.raises(DataError, match="the database does not answer the query"):
        load("postgresql://nobody@127.0.0.1:1/none", sql="SELECT 1", target="y")


def test_without_its_driver_the_error_names_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(MissingExtraError, match=r"needs the library 'psycopg'.*headstart\[postgres\]"):
        load("postgresql://nobody@127.0.0.1:1/none", sql="SELECT 1", target="y")


def test_a_whole_fit(table, tmp_path):
    from headstart import fit

    fitted = fit(
        URL, sql=f"SELECT age, spent, city, leaves FROM {table}", target="leaves", out=tmp_path / "model", progress=None,
        preset="fast",
    )  # fmt: skip
    assert fitted.predict([{"age": 65, "spent": None, "city": "Oslo"}]) == ["yes"]
