"""Registries of every kind, as tests make, copy and damage them."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote, urlsplit
from uuid import uuid4

import pytest

import missing
from headstart.packaging.registries.address import parse
from headstart.packaging.registries.mlflow_client import MlflowClient
from headstart.packaging.registries.mlflow_store import MlflowStore
from headstart.storage.alias import read_alias
from servers import free_port, running

ROOT = Path(__file__).parent.parent.parent
MLFLOW_PYTHON = Path(os.environ.get("HEADSTART_MLFLOW_PYTHON", ROOT / ".venv-mlflow" / "bin" / "python"))
OWN = ("updating", "storage", "registries")
POSTGRES = os.environ.get("HEADSTART_POSTGRES", "postgresql://postgres@127.0.0.1:5432/test")


class AnyKind:
    """What the kinds have in common."""

    least_points = 30

    def is_point(self, frame, event):
        """Where a process is killed: at every line of ours."""
        return event == "line" and Path(frame.f_code.co_filename).parent.name in OWN


class Folders(AnyKind):
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

    def rewrite(self, place, change):
        """Change the rows of the log behind the registry's back."""
        with closing(sqlite3.connect(place / "registry.sqlite")) as database, database:
            rows = database.execute("SELECT n, at, step, detail, hash FROM log ORDER BY n").fetchall()
            database.execute("DELETE FROM log")
            database.executemany("INSERT INTO log VALUES (?, ?, ?, ?, ?)", change([list(row) for row in rows]))

    def crown(self, place, number):
        (place / "champion").unlink()
        (place / "champion").symlink_to(f"versions/{number}")

    def damage(self, place, number):
        (place / "versions" / str(number) / "manifest.json").write_text("{}")


class Postgres(AnyKind):
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

    def rewrite(self, place, change):
        name = parse(place).name
        rows = self.connection.execute(
            "DELETE FROM headstart_registry_log WHERE registry = %s RETURNING n, at, step, detail, hash", [name]
        ).fetchall()
        for row in change([list(row) for row in sorted(rows)]):
            self.connection.execute("INSERT INTO headstart_registry_log VALUES (%s, %s, %s, %s, %s, %s)", [name, *row])

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


class Mlflow(AnyKind):
    """Registered models of a real server of MLflow's."""

    least_points = 15

    def __init__(self, folder, server):
        self._folder, self._server = folder, server
        self._prefix = uuid4().hex[:8]
        self.url = f"mlflow+{server.url}"
        self.client = MlflowClient(server.url)

    def is_point(self, frame, event):
        """Where a process is killed: before and after every request, for nothing in between changes anything."""
        where = Path(frame.f_code.co_filename).name, frame.f_code.co_name
        return where[0] == "mlflow_client.py" and where[1] in ("call", "put", "remove") and event in ("call", "return")

    def close(self):
        pass

    def place(self, name="registry"):
        return f"{self.url}/{self._prefix}-{name}?copy={quote(str(self._folder / name))}"

    def tags(self, place):
        return MlflowStore(parse(place), keeps=False).model()

    def folder(self, place):
        """Where the server keeps its files."""
        return self._server.artifacts / self.tags(place)["headstart.files"]

    def copied(self, place, name):
        run = uuid4().hex
        tags, before, after = self.tags(place), parse(place), parse(self.place(name))
        files = tags["headstart.files"].replace(tags["headstart.run"], run)
        shutil.copytree(self.folder(place), self._server.artifacts / files)
        said = {**tags, "headstart.files": files, "headstart.run": run}
        listed = [{"key": key, "value": value} for key, value in said.items()]
        self.client.call("POST", "registered-models/create", {"name": after.name, "tags": listed})
        found = self.client.call("GET", "registered-models/get", {"name": before.name})["registered_model"]
        for number in range(1, 1 + int(found["latest_versions"][0]["version"])):
            query = {"name": before.name, "version": number}
            source = self.client.call("GET", "model-versions/get", query)["model_version"]["source"]
            said = {"name": after.name, "source": source, "run_id": tags["headstart.run"]}
            self.client.call("POST", "model-versions/create", said)
        for alias in found["aliases"]:
            said = {"name": after.name, "alias": alias["alias"], "version": alias["version"]}
            self.client.call("POST", "registered-models/alias", said)
        return self.place(name)

    def drop(self, place):
        pass

    def champion(self, place):
        return MlflowStore(parse(place), keeps=False).alias("champion")

    def rewrite(self, place, change):
        sha256 = self.tags(place)["headstart.state"]
        said = json.loads((self.folder(place) / "state" / f"{sha256}.json").read_text())
        content = json.dumps({**said, "log": change(said["log"])}).encode()
        sha256 = hashlib.sha256(content).hexdigest()
        (self.folder(place) / "state" / f"{sha256}.json").write_bytes(content)
        said = {"name": parse(place).name, "key": "headstart.state", "value": sha256}
        self.client.call("POST", "registered-models/set-tag", said)

    def crown(self, place, number):
        said = {"name": parse(place).name, "alias": "champion", "version": str(number)}
        self.client.call("POST", "registered-models/alias", said)

    def damage_model(self, place, number):
        largest = max((self.folder(place) / "bundles").glob("*/*"), key=lambda path: path.stat().st_size)
        content = bytearray(largest.read_bytes())
        content[99] ^= 255
        largest.write_bytes(content)

    def damage(self, place, number):
        (self._bundle(place, number) / "manifest.json").write_text("{}")

    def _bundle(self, place, number):
        query = {"name": parse(place).name, "version": number}
        source = self.client.call("GET", "model-versions/get", query)["model_version"]["source"]
        return self._server.artifacts / urlsplit(source).path.strip("/")


@dataclass(frozen=True)
class MlflowServer:
    """Where it is, and where it keeps files."""

    url: str
    artifacts: Path


@pytest.fixture(scope="session")
def mlflow_server(tmp_path_factory):
    """A server of MLflow's environment, which sends nothing anywhere."""
    if not MLFLOW_PYTHON.exists():
        missing.skip("mlflow")
    folder = tmp_path_factory.mktemp("mlflow")
    url = f"http://127.0.0.1:{(port := free_port())}"
    command = [
        MLFLOW_PYTHON, "-m", "mlflow", "server", "--backend-store-uri", f"sqlite:///{folder}/mlflow.db",
        "--artifacts-destination", folder / "artifacts", "--host", "127.0.0.1", "--port", str(port), "--workers", "1",
    ]  # fmt: skip
    settings = {
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "PATH": f"{MLFLOW_PYTHON.parent}{os.pathsep}{os.environ['PATH']}",
    }
    with running(command, ready=f"{url}/health", log=folder / "log", folder=folder, patience_s=300, **settings):
        yield MlflowServer(url, folder / "artifacts")


def opened(kind, request, folder):
    """Yield registries of a kind, in an empty folder or a corner of their own."""
    made = Mlflow(folder, request.getfixturevalue("mlflow_server")) if kind == "mlflow" else KINDS[kind](folder)
    yield made
    made.close()


KINDS = {"folder": Folders, "postgres": Postgres, "mlflow": Mlflow}


@pytest.fixture(params=list(KINDS))
def stores(request, tmp_path):
    """One kind of registry after the other."""
    yield from opened(request.param, request, tmp_path)


@pytest.fixture(params=[kind for kind in KINDS if kind != "folder"])
def remote(request, tmp_path):
    """One kind after the other of those that are no folder."""
    yield from opened(request.param, request, tmp_path)


@pytest.fixture
def postgres(request, tmp_path):
    """Those in PostgreSQL."""
    yield from opened("postgres", request, tmp_path)


@pytest.fixture
def mlflow(request, tmp_path):
    """Those in MLflow."""
    yield from opened("mlflow", request, tmp_path)
