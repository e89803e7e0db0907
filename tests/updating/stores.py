"""Registries of every kind, as tests make, copy and damage them."""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing
from importlib.util import find_spec
from urllib.parse import quote
from uuid import uuid4

import pytest

import missing
from headstart.packaging.registries.address import parse
from headstart.storage.alias import read_alias

POSTGRES = os.environ.get("HEADSTART_POSTGRES", "postgresql://postgres@127.0.0.1:5432/test")


class Folders:
    """Registries in folders."""

    def __init__(self, folder):
        self._folder = folder

    def close(self):
        pass

    def place(self, name="registry"):
        return self._folder / name

    def copied(self, place, name):
        shutil.copytree(place, self.place(name), symlinks=True)
        return self.place(name)

    def drop(self, place):
        shutil.rmtree(place)

    def champion(self, place):
        return read_alias(place, "champion")

    def execute(self, place, statement):
        """Run a statement behind the registry's back; {log} is the table of the log."""
        with closing(sqlite3.connect(place / "registry.sqlite")) as database, database:
            database.execute(statement.format(log="log"))

    def crown(self, place, number):
        (place / "champion").unlink()
        (place / "champion").symlink_to(f"versions/{number}")

    def damage(self, place, number):
        (place / "versions" / str(number) / "manifest.json").write_text("{}")


class Postgres:
    """Registries in a schema of their own of a real PostgreSQL."""

    def __init__(self, folder):
        if find_spec("psycopg") is None:
            missing.skip("postgres")
        import psycopg

        self._folder = folder
        self.schema = f"headstart_test_{uuid4().hex[:12]}"
        try:
            self.connection = psycopg.connect(POSTGRES, connect_timeout=2, autocommit=True)
        except psycopg.Error:
            missing.skip("postgres")
        self.connection.execute(f"CREATE SCHEMA {self.schema}")
        self.connection.execute(f"SET search_path TO {self.schema}")

    def close(self):
        self.connection.execute(f"DROP SCHEMA {self.schema} CASCADE")
        self.connection.close()

    def place(self, name="registry"):
        options = quote(f"-csearch_path={self.schema}")
        return f"{POSTGRES}?options={options}&registry={name}&copy={quote(str(self._folder / name))}"

    def copied(self, place, name):
        before = parse(place).name
        for table, columns in {
            "log": "n, at, step, detail, hash",
            "aliases": "name, version",
            "fitted": "version, key",
        }.items():
            self.connection.execute(
                f"INSERT INTO headstart_registry_{table} SELECT %s, {columns} FROM headstart_registry_{table} WHERE registry = %s",
                [name, before],
            )
        rows = self.connection.execute(
            "SELECT id, said, is_open FROM headstart_registry_comparisons WHERE registry = %s ORDER BY id", [before]
        ).fetchall()
        for number, said, is_open in rows:
            made = self.connection.execute(
                "INSERT INTO headstart_registry_comparisons (registry, said, is_open) VALUES (%s, %s, %s) RETURNING id",
                [name, said, is_open],
            ).fetchone()
            self.connection.execute(
                "INSERT INTO headstart_registry_counted SELECT %s, key FROM headstart_registry_counted WHERE comparison = %s",
                [made[0], number],
            )
        return self.place(name)

    def drop(self, place):
        pass

    def champion(self, place):
        row = self.connection.execute(
            "SELECT version FROM headstart_registry_aliases WHERE registry = %s AND name = 'champion'",
            [parse(place).name],
        ).fetchone()
        return row[0]

    def execute(self, place, statement):
        self.connection.execute(statement.format(log="headstart_registry_log"))

    def crown(self, place, number):
        self.connection.execute("UPDATE headstart_registry_aliases SET version = %s WHERE name = 'champion'", [number])

    def damage_model(self, place, number):
        """Change a byte of its largest file."""
        self.connection.execute(
            "UPDATE headstart_registry_files SET content = set_byte(content, 99, 255 - get_byte(content, 99)) "
            "WHERE octet_length(content) = (SELECT max(octet_length(content)) FROM headstart_registry_files)"
        )

    def damage(self, place, number):
        self.connection.execute(
            "UPDATE headstart_registry_files SET content = 'x' WHERE sha256 = "
            "(SELECT detail::json->>'seal' FROM headstart_registry_log WHERE step = 'added' AND detail::json->>'version' = %s)",
            [str(number)],
        )


def opened(kind, folder):
    """Yield registries of a kind, in an empty folder or a database's own corner."""
    made = KINDS[kind](folder)
    yield made
    made.close()


KINDS = {"folder": Folders, "postgres": Postgres}


@pytest.fixture(params=list(KINDS))
def stores(request, tmp_path):
    """One kind of registry after the other."""
    yield from opened(request.param, tmp_path)


@pytest.fixture(params=[kind for kind in KINDS if kind != "folder"])
def remote(request, tmp_path):
    """One kind after the other of those that are no folder."""
    yield from opened(request.param, tmp_path)
