// Rows of one table as rows of another, as headstart.sources.preprocessors.renamed makes them.

import { inputOf } from "../model.js";

/** Fields are renamed, scaled, or missing; then the inner input reads them. */
export async function make({ inner, fields, is_alone }, files) {
  const prepare = await inputOf(inner.kind, inner.settings, files);
  return async (item) => {
    const values = fields.map((field) => valueOf(field, is_alone ? item : item[field.given]));
    return prepare(values.length === 1 ? values[0] : Object.fromEntries(fields.map(({ name }, i) => [name, values[i]])));
  };
}

function valueOf({ modality, given, scale = 1 }, value) {
  if (given === null) return modality === "number" || modality === "date" ? NaN : "";
  return scale === 1 ? value : value * scale;
}
