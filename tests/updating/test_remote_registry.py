"""A registry that is no folder, through every door: made, updated, served, followed, and what is wrong with it said."""

import hashlib
import itertools
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from base64 import b64encode
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

import pandas as pd
import pytest
from commands import go_through, run
from load import Load
from running import start_server
from stores import MLFLOW_PYTHON, POSTGRES
from tiny_texts import make_text_bundle

from headstart import load_bundle, update
from headstart.cli import main as run_main
from headstart.core.errors import BundleError, MissingExtraError, OptionError, ServiceError, StorageError
from headstart.packaging.registries.address import parse, shown
from headstart.packaging.registries.local_copy import checked_parts
from headstart.packaging.registries.mlflow_store import ABSENT, MlflowStore
from headstart.serving.repository import find_model_versions
from headstart.storage.alias import read_alias
from headstart.updating.betting import Bet
from headstart.updating.comparison import CHALLENGE, Comparison
from headstart.updating.contest import ContestFeed
from headstart.updating.old_items import keep_items
from headstart.updating.opening import create_registry, look_into, open_registry

TOKEN = "a-token-of-some-length"
PROMOTED_S = 10  # on a machine that others keep busy


@pytest.fixture(scope="session")
def words_bundle(tmp_path_factory):
    return make_text_bundle(tmp_path_factory.mktemp("registered") / "words")


def test_a_world_that_turned_makes_a_new_champion(remote, models, make_table, tmp_path):
    place = remote.place()
    create_registry(place, models / "good")
    path = tmp_path / "old.csv"
    pd.DataFrame(make_table(300, 10)).to_csv(path, index=False)
    with open_registry(place) as store:
        assert keep_items(store, path, {"target": "label"}) == 300
    turned = make_table(400, 7, turned=1.0)
    kept = update(place, turned, target="label", challengers="residual")
    assert kept.tried[0].worse_on  # the items were kept, and fetched again
    with open_registry(place) as store:
        store.note("items kept", files=None)
    done = update(place, turned, target="label", challengers="residual,recalibrate")
    assert (done.decision, done.former) == ("promoted", 1)
    assert load_bundle(place).labels == ("no", "yes")
    assert read_alias(parse(place).copy, "champion") == done.champion
    assert ContestFeed(place)().champion == str(done.champion)
    with look_into(place) as store:
        assert store.problems() == []


def test_the_command(remote, models, make_table, tmp_path, capsys):
    place, path = remote.place(), tmp_path / "recent.csv"
    pd.DataFrame(make_table(400, 16, turned=1.0)).to_csv(path, index=False)
    go_through(capsys, place, shown(place), models / "good", path)
    remote.damage_model(place, 2)
    code, figures = run(capsys, place, "--verify")
    assert code == 1
    assert "sha256" in figures["problems"][0]


def test_what_was_changed_there_is_not_opened(remote, words_bundle):
    place = remote.place()
    create_registry(place, words_bundle)
    remote.damage_model(place, 1)
    with pytest.raises(BundleError, match="not the file that was added"):
        load_bundle(place)
    create_registry(place := remote.place("other"), words_bundle)  # which puts what is missing anew, where it can
    remote.rewrite(place, lambda rows: [[*rows[0][:3], rows[0][3].replace("given", "taken"), rows[0][4]], *rows[1:]])
    with pytest.raises(BundleError, match="entry 1 of the log"):
        load_bundle(place)


def test_the_local_copy_is_not_changed_by_itself(remote, words_bundle):
    create_registry(remote.place(), words_bundle)
    load_bundle(remote.place())
    with pytest.raises(BundleError, match="is a copy of"), open_registry(parse(remote.place()).copy):
        pass
    shutil.rmtree(parse(remote.place()).copy / "versions" / "1")  # what is missing is fetched again
    assert load_bundle(remote.place()).labels


@pytest.mark.parametrize("n_workers", [1, 2])
def test_a_promotion_under_load_is_followed_and_no_request_fails(remote, words_bundle, n_workers):
    place = remote.place("words")
    create_registry(place, words_bundle)
    server = start_server(f"words={place}", "--workers", n_workers, "--quiet", token=TOKEN)
    try:
        with Load(server) as load, open_registry(place) as registry:
            for number in (2, 3):
                registry.promote(registry.add(words_bundle, "planted"), "asked")
                promoted = time.monotonic()
                while not load.answers[str(number)] and time.monotonic() < promoted + PROMOTED_S:
                    time.sleep(0.02)
                assert load.answers[str(number)]
            seen = load.answers["2"]
            registry.roll_back("asked")
            load.wait_for(20)
            promoted = time.monotonic()
            while load.answers["2"] == seen and time.monotonic() < promoted + PROMOTED_S:
                time.sleep(0.02)
            assert load.answers["2"] > seen
        assert load.lost == []
    finally:
        assert server.stop() == 0


def test_a_server_does_not_take_up_what_was_changed_there(remote, words_bundle):
    place = remote.place("words")
    create_registry(place, words_bundle)
    server = start_server(f"words={place}", token=TOKEN)
    try:
        with open_registry(place) as registry:
            registry.add(words_bundle, "planted")
        remote.damage_model(place, 2)
        remote.crown(place, 2)
        time.sleep(3)
        assert server.post("/v1/predict", {"items": ["kiwi"]}).json["version"] == "1"
    finally:
        assert server.stop() == 0
    (said,) = [line["message"] for line in server.log if line["event"] == "registry"]
    assert "is not the file that was added" in said


def test_no_more_is_read_than_a_file_may_have():
    given = (b"x" * 1000 for _ in itertools.count())
    found = [*checked_parts(lambda _: given, hashlib.sha256(b"x" * 9000).hexdigest(), 9000)]
    assert found == [*[b"x" * 1000] * 9, None]


class Doorway:
    """Passes connections on to PostgreSQL, until it is shut."""

    def __init__(self):
        place = urlsplit(POSTGRES)
        self._to = (place.hostname, place.port or 5432)
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self._open = []
        self.passes = threading.Event()
        self.passes.set()
        self._threads = []
        self._door = threading.Thread(target=self._accept, daemon=True)
        self._door.start()

    def shut(self):
        """Take no connection any more, and cut those there are."""
        with suppress(OSError):  # it was shut before
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        for one in self._open:
            with suppress(OSError):  # whose other side has gone already
                one.shutdown(socket.SHUT_RDWR)

    def close(self):
        """Shut it, and let go of everything."""
        self.passes.set()
        self.shut()
        for one in (*self._threads, self._door):
            one.join(20)
        for one in self._open:
            one.close()

    def _accept(self):
        while True:
            try:
                near = self._socket.accept()[0]
            except OSError:
                return
            far = socket.create_connection(self._to)
            self._open += [near, far]
            for source, sink in ((near, far), (far, near)):
                self._threads.append(threading.Thread(target=self._pass_on, args=(source, sink), daemon=True))
                self._threads[-1].start()

    def _pass_on(self, source, sink):
        try:
            while content := source.recv(1 << 16):
                self.passes.wait()
                sink.sendall(content)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass


@pytest.fixture
def doorway():
    made = Doorway()
    yield made
    made.close()


def test_a_server_whose_registry_is_away_goes_on_and_says_so_once(postgres, words_bundle, doorway, capfd):
    create_registry(postgres.place("words"), words_bundle)
    place = postgres.place("words").replace(urlsplit(POSTGRES).netloc, f"postgres:geheim@127.0.0.1:{doorway.port}")
    server = start_server(place, token=TOKEN)
    try:
        doorway.shut()
        end = time.monotonic() + 3
        while time.monotonic() < end:
            assert server.post("/v1/predict", {"items": ["kiwi"]}).status == 200
            time.sleep(0.1)
    finally:
        assert server.stop() == 0
    (said,) = [line["message"] for line in server.log if line["event"] == "registry"]
    assert "…@127.0.0.1" in said
    assert "geheim" not in json.dumps(server.log)
    with pytest.raises(ServiceError, match="What came last is version 1: ") as raised:
        load_bundle(place)
    assert "geheim" not in str(raised.value)
    (found,) = find_model_versions([f"plums={place}"])  # a server that is started then
    assert (found.name, found.version) == ("plums", "1")
    assert "Version 1 answers, which came before." in capfd.readouterr().err


def test_a_database_that_hangs_is_given_up(postgres, words_bundle, doorway, monkeypatch):
    monkeypatch.setattr("headstart.storage.postgres._SILENT_S", 0.5)
    create_registry(postgres.place(), words_bundle)
    place = postgres.place().replace(urlsplit(POSTGRES).netloc, f"postgres@127.0.0.1:{doorway.port}")
    with look_into(place) as registry:
        assert registry.champion == 1
        doorway.passes.clear()
        started = time.monotonic()
        with pytest.raises(ServiceError, match="said nothing"):
            registry.history()
        assert time.monotonic() < started + 5
        doorway.passes.set()


@contextmanager
def answering(reply):
    """A server that answers each connection in one way; give its port."""
    listening = socket.create_server(("127.0.0.1", 0))

    def answer():
        while True:
            try:
                one = listening.accept()[0]
            except OSError:
                return
            with one, suppress(OSError):
                reply(one)

    thread = threading.Thread(target=answer, daemon=True)
    thread.start()
    try:
        yield listening.getsockname()[1]
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join(20)


def refuse_as_postgres(one):
    request = one.recv(1000)
    if request[4:8] != (196608).to_bytes(4, "big"):  # may it be encrypted?
        one.sendall(b"N")
        one.recv(1000)
    fields = b'SFATAL\0VFATAL\0C28P01\0Mpassword authentication failed for user "ada"\0\0'
    one.sendall(b"E" + (len(fields) + 4).to_bytes(4, "big") + fields)


def test_a_wrong_password_is_said_and_not_shown(capsys):
    pytest.importorskip("psycopg")
    with answering(refuse_as_postgres) as port:
        place = f"postgresql://ada:geheim@127.0.0.1:{port}/models?registry=words"
        for words in (["update", place, "--verify"], ["report", place], ["serve", place], ["prove", place, "x.csv"]):
            assert run_command(words) == 2
            said = capsys.readouterr().err
            assert "Look at the user, the password and the database" in said
            assert said.startswith(f"headstart: postgresql://ada:…@127.0.0.1:{port}/models refuses the connection")
            assert "geheim" not in said


def answer_http(status, body="{}", **headers):
    """Answers HTTP with a status; what it was asked is kept in `asked`."""

    def reply(one):
        reply.asked.append(one.recv(10_000).decode())
        lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        one.sendall("\r\n".join([*lines, "", body]).encode())

    reply.asked = []
    return reply


@pytest.mark.parametrize(
    ("reply", "error", "said"),
    [
        (answer_http("401 Unauthorized", "You are not authenticated."), OptionError, "MLFLOW_TRACKING_USERNAME"),
        (answer_http("404 Not Found", "no such page"), OptionError, "does not answer as MLflow does"),
        (answer_http("200 OK", "<html>"), OptionError, "does not answer as MLflow does"),
        (answer_http("302 Found", Location="http://127.0.0.1:1/elsewhere"), OptionError, "HTTP 302"),
        (answer_http("503 Busy", "later"), ServiceError, "fails"),
    ],
)
def test_what_is_no_registry_in_mlflow(reply, error, said, words_bundle):
    with answering(reply) as port:
        place = f"mlflow+http://ada:geheim@127.0.0.1:{port}/words"
        for door in (load_bundle, look_into, open_registry):
            with pytest.raises(error, match=said) as raised, suppress(TypeError), door(place):
                pass
            assert "geheim" not in str(raised.value)
        basic = b64encode(b"ada:geheim").decode()
        assert all(f"Authorization: Basic {basic}" in one for one in reply.asked)


def test_mlflow_that_is_away_is_said():
    with pytest.raises(ServiceError, match="does not answer.*Look whether MLflow's server runs there"):
        load_bundle("mlflow+http://127.0.0.1:1/words")
    with pytest.raises(OptionError, match="Write mlflow"):
        load_bundle("mlflow+http://127.0.0.1:1/")


IN_MLFLOW = """
import json, sys, mlflow, headstart

url, name = sys.argv[1:]
mlflow.set_tracking_uri(url)
client = mlflow.MlflowClient()
found = {alias: client.get_model_version_by_alias(name, alias).version for alias in ("champion", "challenger")}
folder = mlflow.artifacts.download_artifacts(f"models:/{name}@champion")
print(json.dumps({**found, "labels": headstart.load_bundle(folder).labels}))
"""


def test_mlflow_itself_knows_the_aliases_and_the_bundles(mlflow, mlflow_server, words_bundle, models):
    create_registry(mlflow.place(), words_bundle)
    with open_registry(mlflow.place()) as registry:
        registry.promote(registry.add(words_bundle, "planted"), "asked")
        number = registry.add(models / "good", "planted")
        registry.challenge(number, Comparison(kind=CHALLENGE, first=2, second=number, bet=Bet(level=0.05)), ())
    words = [MLFLOW_PYTHON, "-c", IN_MLFLOW, mlflow_server.url, parse(mlflow.place()).name]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    labels = list(load_bundle(words_bundle).labels)
    assert json.loads(done.stdout) == {"champion": "2", "challenger": "3", "labels": labels}


def test_an_alias_that_is_moved_in_mlflow_is_followed_and_shown(mlflow, words_bundle):
    create_registry(mlflow.place(), words_bundle)
    with open_registry(mlflow.place()) as registry:
        registry.add(words_bundle, "planted")
    mlflow.crown(mlflow.place(), 2)
    load_bundle(mlflow.place())
    assert read_alias(parse(mlflow.place()).copy, "champion") == 2
    with look_into(mlflow.place()) as registry:
        assert registry.problems() == ["the champion is version 2, and by the log it is version 1"]


def test_a_lock_of_another_machine_is_said_and_one_of_the_dead_is_taken_over(mlflow, words_bundle):
    place, name = mlflow.place(), f"{parse(mlflow.place()).name}.lock"
    create_registry(place, words_bundle)
    for host, process in (("elsewhere", "1"), (socket.gethostname(), str(os.getpid()))):
        tags = {"headstart.host": host, "headstart.process": process, "headstart.since": "2026-11-29"}
        said = {"name": name, "tags": [{"key": key, "value": value} for key, value in tags.items()]}
        mlflow.client.call("POST", "registered-models/create", said)
        with (
            pytest.raises(
                OptionError, match=f"by process {process} on {host}, since 2026.*delete the registered model"
            ),
            open_registry(place),
        ):
            pass
        mlflow.client.call("DELETE", "registered-models/delete", {"name": name})
    child = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    tags = {"headstart.host": socket.gethostname(), "headstart.process": child.stdout.decode().strip()}
    said = {"name": name, "tags": [{"key": key, "value": value} for key, value in tags.items()]}
    mlflow.client.call("POST", "registered-models/create", said)
    with open_registry(place) as registry:
        registry.note("tried")
    assert mlflow.client.call("GET", "registered-models/get", {"name": name}, absent=(ABSENT,)) is None


def test_a_registered_model_of_somebody_else_is_left_alone(mlflow, words_bundle):
    said = {"name": parse(mlflow.place()).name}
    mlflow.client.call("POST", "registered-models/create", said)
    with pytest.raises(OptionError, match="--init"), open_registry(mlflow.place()):
        pass
    with pytest.raises(StorageError, match="registered model already"):
        create_registry(mlflow.place(), words_bundle)
    assert mlflow.client.call("GET", "registered-models/get", said)


def test_a_registry_that_could_not_be_made_leaves_nothing(mlflow, words_bundle, monkeypatch):
    monkeypatch.setattr(MlflowStore, "point_alias", lambda *_: pytest.fail("here"))
    with pytest.raises(pytest.fail.Exception):
        create_registry(mlflow.place(), words_bundle)
    monkeypatch.undo()
    with pytest.raises(OptionError, match="--init"), open_registry(mlflow.place()):
        pass
    create_registry(mlflow.place(), words_bundle)
    assert load_bundle(mlflow.place()).labels


def test_a_log_that_is_missing_in_mlflow_is_said(mlflow, words_bundle):
    create_registry(mlflow.place(), words_bundle)
    load_bundle(mlflow.place())
    shutil.rmtree(mlflow.folder(mlflow.place()) / "state")
    for door in (look_into, open_registry):
        with (
            pytest.raises(StorageError, match="is missing, or is not what was written"),
            door(mlflow.place()) as registry,
        ):
            registry.history()


def run_command(words):
    before = sys.argv
    sys.argv = ["headstart", *words]
    try:
        run_main()
    except SystemExit as ended:
        return ended.code
    finally:
        sys.argv = before


@pytest.mark.parametrize(
    ("place", "error", "said"),
    [
        ("postgresql://ada:geheim@127.0.0.1:1/models?registry=words", ServiceError, "does not answer"),
        ("postgresql://ada:ge@heim@127.0.0.1:1/models?registry=words", OptionError, "%40"),
        ("postgresql://ada:ge/heim@127.0.0.1:1/models?registry=words", OptionError, "%40"),
        ("postgresql://ada:geheim@127.0.0.1:port/models?registry=words", OptionError, "no address of PostgreSQL"),
        ("postgresql://127.0.0.1:1/models?user=ada&password=geheim&registry=words", ServiceError, "does not answer"),
        ("postgresql://ada:geheim@127.0.0.1:1/models", OptionError, r"\?registry=NAME"),
    ],
)
def test_addresses_that_lead_nowhere(place, error, said, words_bundle):
    pytest.importorskip("psycopg")
    for door in (
        load_bundle,
        lambda place: create_registry(place, words_bundle),
        lambda place: find_model_versions([place]),
    ):
        with pytest.raises(error, match=said) as raised:
            door(place)
        assert "heim" not in str(raised.value)


def test_without_psycopg_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(MissingExtraError, match=r'pip install "headstart\[postgres\]"'):
        load_bundle("postgresql://127.0.0.1:1/models?registry=words")


def test_who_may_only_read_serves_and_does_not_change(postgres, words_bundle):
    create_registry(postgres.place(), words_bundle)
    role = f"reader_{postgres.schema}"
    postgres.connection.execute(f"CREATE ROLE {role} LOGIN")
    try:
        postgres.connection.execute(f"GRANT USAGE ON SCHEMA {postgres.schema} TO {role}")
        postgres.connection.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA {postgres.schema} TO {role}")
        place = postgres.place().replace(
            urlsplit(POSTGRES).netloc, f"{role}@{urlsplit(POSTGRES).netloc.rpartition('@')[2]}"
        )
        assert load_bundle(place).labels
        with pytest.raises(OptionError, match="does not let this user"), open_registry(place) as registry:
            registry.note("tried")
    finally:
        postgres.connection.execute(f"DROP OWNED BY {role}")
        postgres.connection.execute(f"DROP ROLE {role}")
