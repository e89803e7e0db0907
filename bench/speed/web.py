"""Does the page of `export --web` answer as Python does? Real photos and texts, in headless Chromium, through the page's own modules.

Run: .venv/bin/python bench/speed/web.py   (Chromium must be installed; fits four bundles first, a minute or two from the cache)
"""

from __future__ import annotations

import base64
import csv
import functools
import http.server
import shutil
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from playwright.sync_api import Page, sync_playwright

import headstart
from headstart.data import demo
from headstart.packaging.exports import export

if TYPE_CHECKING:
    from headstart.packaging import Bundle

N_PHOTOS, N_TEXTS = 20, 50
PHOTO_SOURCES = ("efficientnet-lite0",)
TEXT_SOURCES = ("potion-base-8m", "wordllama-256", "all-minilm-l6-v2")
ODD = (
    "",
    "  ",
    "naïve CAFÉ 漢字 👍 \u200b ß İ",
    "a" * 5000,
    "word " * 1000,
    "x\ty\nz",
    "Tom's $5.00—“quoted” 50% #tag @me http://a.b/c?d=e_f",
)
ASK = """async ([text, isPhoto]) => {
  window.model ??= await (await import("/model.js")).open();
  const item = isPhoto ? new Blob([Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0))]) : text;
  const prepared = await model.prepare(item);
  const started = performance.now();
  const outputs = await model.outputs(item);
  const took = performance.now() - started;
  return [outputs, Array.from((prepared.pixels ?? prepared.input_ids).data, Number), took];
}"""


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *words: object) -> None:
        """Say nothing."""


def compare(page: Page, bundle: Bundle, items: list[str], name: str) -> None:
    is_photo = bundle.modality == "image"
    outputs, same, times_ms = 0.0, 0, []
    for item, wanted in zip(items, bundle.predict_proba(items), strict=True):
        given = base64.b64encode(Path(item).read_bytes()).decode() if is_photo else item
        found, prepared, took_ms = page.evaluate(ASK, [given, is_photo])
        same += np.array_equal(prepared, bundle.input.transform([item])["pixels" if is_photo else "input_ids"].ravel())
        outputs, times_ms = max(outputs, float(np.abs(np.array(found) - wanted).max())), [*times_ms, took_ms]
    what = "pixels" if is_photo else "tokens"
    print(
        f"{name:<20} {len(items)} items, same {what} in {same}; probabilities differ by at most {outputs:.1e}; "
        f"{np.median(times_ms):.0f} ms an item (median, one thread)"
    )


def main() -> None:
    folder = Path(tempfile.mkdtemp())
    photos, texts = demo("groceries", folder / "groceries"), demo("questions", folder / "questions")
    files = sorted((photos / "test").rglob("*.jpg"))
    chosen = [str(file) for file in files[:: len(files) // N_PHOTOS][:N_PHOTOS]]
    with (texts / "questions.csv").open() as file:
        rows = [row["text"] for row in csv.DictReader(file)]
    rows = [*rows[:: len(rows) // N_TEXTS][:N_TEXTS], *ODD]
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for source in PHOTO_SOURCES + TEXT_SOURCES:
            data, items = (photos, chosen) if source in PHOTO_SOURCES else (texts, rows)
            bundle = headstart.fit(data, out=folder / source, source=source, baselines="none", progress=None).model
            size_mib = export(bundle, "web", folder / f"{source}-page")["size_mib"]
            handler = functools.partial(Quiet, directory=folder / f"{source}-page")
            server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
            threading.Thread(target=server.serve_forever, daemon=True).start()
            page = browser.new_page()
            started = time.perf_counter()
            page.goto(f"http://127.0.0.1:{server.server_port}/")
            page.get_by_text("to see what the model says").wait_for(timeout=120_000)
            print(f"{source:<20} page of {size_mib} MiB, ready after {time.perf_counter() - started:.1f} s")
            compare(page, bundle, items, source)
            page.close()
            server.shutdown()
        print(f"Chromium {browser.version}")
        browser.close()


if __name__ == "__main__":
    main()
