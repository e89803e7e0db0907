// Texts: which runs of characters of a vocabulary occur, and how often, as headstart.sources.preprocessors.characters counts them.

import { BLANKS } from "../cells.js";
import { counted, numbered } from "../terms.js";

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
