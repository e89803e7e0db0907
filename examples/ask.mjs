// Ask a server from JavaScript: Node 18 or later, or a page whose origin the server knows ('headstart serve --cors').
//
//   node examples/ask.mjs URL MODEL ITEM…
//
// An item is a text, or the path of a photo. HEADSTART_TOKEN is sent where the server wants one.

/**
 * Predict texts (strings) or photos (Blobs, such as a page's File): [{label, probability, top: [{label, probability}]}].
 * A busy server is asked again after as long as it says.
 */
export async function predict(url, model, items, { token, top = 3, retries = 4 } = {}) {
  const body = new FormData();
  for (const item of items) body.append("items", item);
  const headers = token ? { Authorization: `Bearer ${token}` } : {};
  const address = `${url}/v1/models/${encodeURIComponent(model)}/predict?top=${top}`;
  for (let attempt = 0; ; attempt++) {
    const response = await fetch(address, { method: "POST", headers, body });
    if (response.status === 429 && attempt < retries) {
      const seconds = Number(response.headers.get("Retry-After") ?? 1);
      await new Promise((resolve) => setTimeout(resolve, 1000 * seconds));
      continue;
    }
    const answer = await response.json();
    if (!response.ok) throw new Error(`${response.status}: ${answer.error}`);
    return answer.predictions;
  }
}

if (globalThis.process?.argv[1]?.endsWith("ask.mjs")) {
  const { readFile } = await import("node:fs/promises");
  const [url, model, ...given] = process.argv.slice(2);
  const items = await Promise.all(given.map((item) => readFile(item).then((bytes) => new Blob([bytes]), () => item)));
  const answers = await predict(url, model, items, { token: process.env.HEADSTART_TOKEN, top: 2 });
  answers.forEach((answer, i) => console.log(given[i], answer.error ?? answer.top ?? answer.value));
}
