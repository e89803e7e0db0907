// Texts: which terms of a vocabulary occur, and how often, as headstart.sources.preprocessors.ngrams counts them.

const WORD = /[\p{L}\p{N}_]+|[^\p{L}\p{N}_\s\x1c-\x1f\x85]|\ufeff/gu; // Python's \w+|[^\w\s]

/** An input for texts: `ids` and `counts`. */
export async function make({ max_words }, files) {
  const numbers = new Map(files["vocabulary.txt"].split("\n").map((term, number) => [term, number]));
  return async (text) => {
    const counts = new Map();
    for (const term of terms(text, max_words)) {
      const number = numbers.get(term);
      if (number !== undefined) counts.set(number, (counts.get(number) ?? 0) + 1);
    }
    if (!counts.size) counts.set(0, 0);
    const dims = [1, counts.size];
    return {
      ids: { type: "int64", dims, data: BigInt64Array.from([...counts.keys()].map(BigInt)) },
      counts: { type: "float32", dims, data: Float32Array.from(counts.values()) },
    };
  };
}

function terms(text, maxWords) {
  const words = text.toLowerCase().match(WORD) ?? [];
  const runs = [];
  for (let length = 1; length <= Math.max(1, maxWords); length++) {
    for (let first = 0; first + length <= words.length; first++) runs.push(words.slice(first, first + length).join(" "));
  }
  return runs;
}
