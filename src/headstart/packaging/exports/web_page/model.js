// A bundle in the browser: open() it, then ask it for the outputs of one item after the other.

import * as ort from "./runtime/ort.wasm.bundle.min.mjs";

ort.env.wasm.numThreads = 1; // more would need a server that sends special headers
ort.env.wasm.wasmPaths = { wasm: new URL("./runtime/ort-wasm-simd-threaded.wasm", import.meta.url).href };

/** What prepares items for the graph: one file a kind. */
export async function inputOf(kind, settings, files) {
  const { make } = await import(`./inputs/${kind}.js`);
  return make(settings, files);
}

/** Open the bundle beside this file: { about, prepare(item), outputs(item) }. */
export async function open() {
  const about = JSON.parse(await text("bundle.json"));
  const names = Object.entries(about.input.files);
  const [session, ...contents] = await Promise.all([
    ort.InferenceSession.create(address("model.onnx"), { executionProviders: ["wasm"] }),
    ...names.map(([, path]) => text(path)),
  ]);
  const files = Object.fromEntries(names.map(([name], i) => [name, contents[i]]));
  const prepare = await inputOf(about.input.kind, about.input.settings, files);
  return {
    about,
    prepare,
    async outputs(item) {
      const arrays = Object.entries(await prepare(item));
      const feeds = Object.fromEntries(arrays.map(([name, { type, data, dims }]) => [name, new ort.Tensor(type, data, dims)]));
      return Array.from((await session.run(feeds, ["outputs"])).outputs.data);
    },
  };
}

function address(path) {
  return new URL(path, import.meta.url).href;
}

async function text(path) {
  const answer = await fetch(address(path));
  if (!answer.ok) throw new Error(`${path} is not there (${answer.status}). Copy the whole folder again.`);
  return answer.text();
}
