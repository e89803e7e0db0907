// How often each term of a vocabulary occurs, as headstart.sources.preprocessors.term_counter counts it.

/** The number of each term of `vocabulary.txt`, one a line. */
export function numbered(file) {
  return new Map(file.split("\n").map((term, number) => [term, number]));
}

/** `ids` and `counts` of the terms that have a number. */
export function counted(terms, numbers) {
  const counts = new Map();
  for (const term of terms) {
    const number = numbers.get(term);
    if (number !== undefined) counts.set(number, (counts.get(number) ?? 0) + 1);
  }
  if (!counts.size) counts.set(0, 0);
  const dims = [1, counts.size];
  return {
    ids: { type: "int64", dims, data: BigInt64Array.from([...counts.keys()].map(BigInt)) },
    counts: { type: "float32", dims, data: Float32Array.from(counts.values()) },
  };
}
