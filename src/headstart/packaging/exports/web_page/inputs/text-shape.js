// Texts: how many characters, words, digits and signs, as headstart.sources.preprocessors.text_shape counts them.

const PATTERNS = {
  characters: /[^]/gu,
  words: /[^\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+/gu,
  lines: /\n/gu,
  digits: /[0-9]/gu,
  numbers: /[0-9]+/gu,
  capitals: /[A-ZÀ-ÖØ-ÞΑ-ΡΣ-ΩА-Я]/gu,
  capital_words: /[A-ZÀ-ÖØ-ÞΑ-ΡΣ-ΩА-Я][A-ZÀ-ÖØ-ÞΑ-ΡΣ-ΩА-Я]+/gu,
  long_words: /[A-Za-z]{9,}/gu,
  punctuation: /[!-\/:-@\[-`{-~]/gu,
  sentence_ends: /[.!?]+/gu,
  commas: /,/gu,
  exclamation_marks: /!/gu,
  question_marks: /\?/gu,
  quotes: /["'\u2018\u2019“”«»]/gu,
  currency_signs: /[$¢£¥€₹]/gu,
  addresses: /https?:\/\/|www\.|@/gu,
  other_scripts: /[^\x01-\x7f]/gu,
};

/** An input for texts: `shape`. */
export async function make({ counted }) {
  return async (text) => {
    const counts = counted.map((name) => (text.match(PATTERNS[name]) ?? []).length);
    return { shape: { type: "float32", dims: [1, counts.length], data: Float32Array.from(counts) } };
  };
}
