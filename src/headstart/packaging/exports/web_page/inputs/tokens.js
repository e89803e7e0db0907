// Texts: the numbers of their tokens, cut where headstart.sources.preprocessors.tokens cuts them.

import { Tokenizer } from "../runtime/tokenizers.min.mjs";

const CHARACTERS_PER_TOKEN = 64;
const WITHOUT = { added_tokens: [], normalizer: null, pre_tokenizer: null, post_processor: null, decoder: null }; // may be left out

/** An input for texts: `input_ids` and `attention_mask`. */
export async function make({ max_tokens, special_tokens }, files) {
  const tokenizer = new Tokenizer({ ...WITHOUT, ...JSON.parse(files["tokenizer.json"]) }, {});
  return async (text) => {
    const characters = Array.from(text.slice(0, 2 * max_tokens * CHARACTERS_PER_TOKEN));
    const whole = characters.slice(0, max_tokens * CHARACTERS_PER_TOKEN).join("").replace(/\p{Cs}/gu, "?");
    const ids = cut(tokenizer, whole, max_tokens, special_tokens);
    const length = Math.max(1, ids.length);
    const padded = new BigInt64Array(length); // an empty text is one token of padding
    const mask = new BigInt64Array(length);
    ids.forEach((id, i) => ([padded[i], mask[i]] = [BigInt(id), 1n]));
    return {
      input_ids: { type: "int64", dims: [1, length], data: padded },
      attention_mask: { type: "int64", dims: [1, length], data: mask },
    };
  };
}

/** The text's end gives way, the marks of begin and end do not. */
function cut(tokenizer, text, maxTokens, specialTokens) {
  const plain = tokenizer.encode(text, { add_special_tokens: false }).ids;
  const whole = specialTokens ? tokenizer.encode(text, { add_special_tokens: true }).ids : plain;
  if (whole.length <= maxTokens) return whole;
  const nMarks = whole.length - plain.length;
  const before = Array.from({ length: nMarks + 1 }, (_, n) => n).find((n) => plain.every((id, i) => id === whole[n + i]));
  return [...whole.slice(0, before), ...plain.slice(0, maxTokens - nMarks), ...whole.slice(before + plain.length)];
}
