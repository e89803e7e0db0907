"""Pages of bundles in a browser, for the tests that look at them."""

from __future__ import annotations


def opened(browser, address, ready="to see what the model says"):
    """A page that is ready, and whose every error fails the test that meets it."""
    page = browser.new_context(permissions=["camera"]).new_page()
    page.problems = []
    page.on("pageerror", lambda error: page.problems.append(str(error)))
    page.goto(address)
    page.get_by_text(ready).wait_for()
    return page


PREPARED = """async (text) => {
  window.model ??= await (await import("/model.js")).open();
  const arrays = await model.prepare(text);
  return Object.fromEntries(Object.entries(arrays).map(([name, { data }]) => [name, Array.from(data, Number)]));
}"""
