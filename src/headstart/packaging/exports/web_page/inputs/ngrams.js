// Texts: which words and runs of words of a vocabulary occur, and how often, as headstart.sources.preprocessors.ngrams counts them.

import { counted, numbered } from "../terms.js";

const WORD = /[\p{L}\p{N}_]+|[^\p{L}\p{N}_\s\x1c-\x1f\x85]|\ufeff/gu; // Python's \w+|[^\w\s]

/** An input for texts: `ids` and `counts`. */
export async function make({ max_words }, files) {
  const numbers = numbered(files["vocabulary.txt"]);
  return async (text) => counted(terms(text, max_words), numbers);
}

function terms(text, maxWords) {
  const words = text.toLowerCase().match(WORD) ?? [];
  const runs = [];
  for (let length = 1; length <= Math.max(1, maxWords); length++) {
    for (let first = 0; first + length <= words.length; first++) runs.push(words.slice(first, first + length).join(" "));
  }
  return runs;
}
