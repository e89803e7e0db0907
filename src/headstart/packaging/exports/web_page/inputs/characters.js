// Texts: which runs of characters of a vocabulary occur, and how often, as headstart.sources.preprocessors.characters counts them.

import { counted, numbered } from "../terms.js";

const BLANKS = /[\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+/u; // where Python's str.split splits

/** An input for texts: `ids` and `counts`. */
export async function make({ min_characters, max_characters }, files) {
  const numbers = numbered(files["vocabulary.txt"]);
  return async (text) => counted(terms(text, min_characters, max_characters), numbers);
}

function terms(text, least, most) {
  const runs = [];
  for (const word of text.toLowerCase().split(BLANKS)) {
    if (!word) continue;
    const letters = Array.from(` ${word} `);
    for (let length = least; length <= Math.min(most, letters.length); length++) {
      for (let first = 0; first + length <= letters.length; first++) runs.push(letters.slice(first, first + length).join(""));
    }
  }
  return runs;
}
