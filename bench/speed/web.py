"""Does the page of `export --web` answer as Python does? Real photos and texts, in headless Chromium, through the page's own modules.

Run: .venv/bin/python -m bench.speed.web   (Chromium must be installed; fits four bundles first, a minute or two from the cache)
"""

from __future__ import annotations

import base64
import functools
import http.server
import shutil
import tempfile
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from playwright.sync_api import Page, sync_playwright

import headstart
from bench.demos import as_pair, demo_dataset, demo_folder, spread
from bench.options import names, parse, parser_of
from headstart.packaging.exports import export

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headstart.packaging import Bundle

PHOTO_SOURCES = ("efficientnet-lite0",)
TEXT_SOURCES = ("potion-base-8m", "wordllama-256", "all-minilm-l6-v2")
ODD = (
    "naïve CAFÉ 漢字 👍 \u200b ß İ",
    "a" * 5000,
    "word " * 1000,
    "x\ty\nz",
    "Tom's $5.00—“quoted” 50% #tag @me http://a.b/c?d=e_f",
)
ASK = """async ([text, isPhoto, name]) => {
  window.model ??= await (await import("/model.js")).open();
  const item = isPhoto ? new Blob([Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0))]) : text;
  const prepared = await model.prepare(item);
  const started = performance.now();
  const outputs = await model.outputs(item);
  const took = performance.now() - started;
  return [outputs, Array.from(prepared[name].data, Number), took];
}"""


def main() -> None:
    parser = parser_of(__doc__)
    parser.add_argument("--sources", type=names, default=[*PHOTO_SOURCES, *TEXT_SOURCES])
    parser.add_argument("--photos", type=int, default=20)
    parser.add_argument("--texts", type=int, default=50)
    parser.add_argument("--fit", type=int, help="items to fit on; all if absent")
    options = parse(parser, sources=["potion-base-8m"], texts=10, fit=120)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for source in options.sources:
            is_photo = source in PHOTO_SOURCES
            items = photos(options.photos) if is_photo else texts(options.texts)
            data = training_data("groceries" if is_photo else "questions", options.fit)
            out = Path(folder) / source
            bundle = headstart.fit(data, out=out, source=source, tune="none", baselines="none", progress=None).model
            size_mib = export(bundle, "web", Path(folder) / f"{source}-page")["size_mib"]
            with served(Path(folder) / f"{source}-page") as address:
                page, ready_s = opened(browser.new_page(), address)
                print(f"{source:<20} page of {size_mib} MiB, ready after {ready_s:.1f} s")
                compare(page, bundle, items, source)
                page.close()
        print(f"Chromium {browser.version}")
        browser.close()


def training_data(name: str, n: int | None) -> Any:
    if n is None:
        return demo_folder(name)
    dataset = demo_dataset(name)
    return as_pair(dataset.take(np.random.default_rng(0).permutation(len(dataset))[:n]))


def photos(n: int) -> list[str]:
    return [str(file) for file in spread(sorted((demo_folder("groceries") / "test").rglob("*.jpg")), n)]


def texts(n: int) -> list[str]:
    return [*spread(list(demo_dataset("questions").items), n), *ODD]


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *words: object) -> None:
        """Say nothing."""


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve a folder; gives the address."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()


def opened(page: Page, address: str) -> tuple[Page, float]:
    """The page when it can be asked, and how long that took."""
    started = time.perf_counter()
    page.goto(address)
    page.get_by_text("to see what the model says").wait_for(timeout=120_000)
    return page, time.perf_counter() - started


def compare(page: Page, bundle: Bundle, items: list[str], name: str) -> None:
    is_photo, difference, n_same = name in PHOTO_SOURCES, 0.0, 0
    times_ms: list[float] = []
    suffix = "pixels" if is_photo else "input_ids"  # the names of arrays have a prefix beside plain features
    array = next(one for one in bundle.input.transform(items[:1]) if one.endswith(suffix))
    for item, wanted in zip(items, bundle.predict_proba(items), strict=True):
        given = base64.b64encode(Path(item).read_bytes()).decode() if is_photo else item
        found, prepared, took_ms = page.evaluate(ASK, [given, is_photo, array])
        n_same += np.array_equal(prepared, bundle.input.transform([item])[array].ravel())
        difference = max(difference, float(np.abs(np.array(found) - wanted).max()))
        times_ms.append(took_ms)
    what = "pixels" if is_photo else "tokens"
    print(
        f"{name:<20} {len(items)} items, same {what} in {n_same}; probabilities differ by at most {difference:.1e}; "
        f"{np.median(times_ms):.0f} ms an item (median, one thread)"
    )


if __name__ == "__main__":
    main()
