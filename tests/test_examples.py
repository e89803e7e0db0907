"""The examples run, as their first lines say."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

import headstart
import missing
from servers import free_port, running, served

EXAMPLES = Path(__file__).parent.parent / "examples"
ARGUMENTS = {
    "ask_a_server.py": ["SERVER", "tickets-model", "They charged my card twice."],
    "how_many_labels.py": ["tickets.csv", "product"],
    "photos_in_folders.py": ["photos", "photos-model", "none"],
    "predict_without_torch.py": ["tickets-model", "They charged my card twice."],
    "scikit_learn_pipeline.py": ["tickets.csv", "text", "product"],
}
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")

pytestmark = pytest.mark.downloads


def run(*command, **settings):
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **settings}, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def url(small_data, photos_model, tmp_path_factory):
    """A server of both small models."""
    with served(small_data / "tickets-model", photos_model, log=tmp_path_factory.mktemp("examples") / "log") as address:
        yield address


@pytest.fixture(scope="module")
def photo(small_data):
    return next(small_data.glob("photos/Orange/*"))


@pytest.mark.parametrize("name", sorted(path.name for path in EXAMPLES.glob("*.py")))
def test_a_script_runs(name, workplace, request):
    path = EXAMPLES / name
    assert len(path.read_text().splitlines()) <= 30
    words = [request.getfixturevalue("url") if word == "SERVER" else word for word in ARGUMENTS[name]]
    said = run(sys.executable, "-W", "error::DeprecationWarning:headstart", path, *words)
    assert said
    if name == "predict_without_torch.py":
        assert "nothing heavy" in said


def test_curl_asks_in_every_form(url, photo):
    said = run("sh", EXAMPLES / "curl.sh", url, photo).splitlines()
    answers = [json.loads(line) for line in said if line[0] in "[{"]
    assert answers[0] == {"ready": True}
    assert [one["name"] for one in answers[1]] == ["photos-model", "tickets-model"]
    assert [len(answer["predictions"]) for answer in answers[2:5]] == [2, 1, 1]
    assert len(answers[4]["predictions"][0]["top"]) == 2
    assert answers[5]["model_name"] == "tickets-model"


@missing.needs("node", present=shutil.which("node") is not None)
def test_javascript_gets_the_answers_of_the_bundle(url, photo, photos_model):
    (expected,) = headstart.load_bundle(photos_model).predictions([photo])
    module = (EXAMPLES / "ask.mjs").as_uri()
    program = f"""
        import {{predict}} from '{module}'; import {{openAsBlob}} from 'node:fs';
        const answers = await predict('{url}', 'photos-model', [await openAsBlob('{photo}')]);
        console.log(JSON.stringify(answers));
    """
    (answer,) = json.loads(run("node", "--no-warnings", "--input-type=module", "--eval", program))
    assert {**answer, "item": ""} == {**expected.to_dict(), "item": ""}
    assert "Orange" in run("node", EXAMPLES / "ask.mjs", url, "photos-model", photo)


def test_the_cells_of_the_notebook_run(workplace):
    namespace = {"__name__": "notebook"}
    for cell in json.loads((EXAMPLES / "notebook.ipynb").read_text())["cells"]:
        if cell["cell_type"] == "code":
            assert cell["outputs"]  # readers see what it gives
            exec(compile("".join(cell["source"]), "notebook", "exec"), namespace)
    assert namespace["mistakes"].shape[0] > 0
    assert namespace["model"].predict(namespace["texts"])[1] == "Mortgage"


def test_the_tasks_of_the_dag_may_be_run_again(workplace):
    tickets = pd.read_csv("tickets.csv")
    (workplace / "shop" / "inbox").mkdir(parents=True)
    tickets.head(60).to_csv("shop/labelled.csv", index=False)
    tickets.tail(30)[["text"]].to_csv("shop/inbox/2026-01-31.csv", index=False)
    out, model = workplace / "shop" / "answers" / "2026-01-31.parquet", workplace / "shop" / "model" / "manifest.json"
    written = []
    for _ in range(2):
        said = run(sys.executable, EXAMPLES / "airflow_task" / "dag.py", "shop")
        assert said.strip() == "shop/answers/2026-01-31.parquet"
        written.append((out.read_bytes(), model.stat().st_mtime))
    assert written[0] == written[1]  # the model was not fitted again, and the answers are the same
    answers = pd.read_parquet(out)
    assert answers["label"].tolist() == headstart.load_bundle("shop/model").predict(answers["text"].tolist())
    assert [path.name for path in out.parent.iterdir()] == [out.name]


@pytest.fixture(scope="module")
def page():
    """A page of a real browser."""
    if CHROMIUM is None:
        missing.skip("browser")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser.new_page()
        browser.close()


def site(bundle, log):
    """The Django project, serving one bundle."""
    command = [sys.executable, EXAMPLES / "django_view" / "project.py", "runserver", "--noreload", str(free_port())]
    address = f"http://127.0.0.1:{command[-1]}"
    return address, running(command, ready=address, log=log, HEADSTART_BUNDLE=str(bundle))


def test_the_django_view_answers_for_a_text(page, small_data, tmp_path):
    bundle = headstart.load_bundle(small_data / "tickets-model")
    text = "They charged my <b>card</b> twice."
    address, site_running = site(small_data / "tickets-model", tmp_path / "log")
    with site_running:
        page.goto(address)
        page.get_by_label("A text").fill(text)
        page.get_by_role("button", name="Ask").click()
        assert page.get_by_role("status").inner_text() == bundle.predict([text])[0]
        assert page.get_by_role("listitem").count() == 3


def test_the_django_view_answers_for_a_photo_and_refuses_what_is_none(page, photos_model, photo, tmp_path):
    (answer,) = headstart.load_bundle(photos_model).predictions([photo])
    address, site_running = site(photos_model, tmp_path / "log")
    with site_running:
        page.goto(address)
        page.get_by_label("A photo").set_input_files(photo)
        page.get_by_role("button", name="Ask").click()
        assert page.get_by_role("status").inner_text() == answer.label
        assert page.get_by_role("listitem").first.inner_text().split() == [answer.label, f"{answer.probability:.2f}"]
        page.get_by_label("A photo").set_input_files(EXAMPLES / "curl.sh")
        page.get_by_role("button", name="Ask").click()
        assert page.get_by_role("alert").inner_text() == "the image holds text, not an image; replace or remove it."
