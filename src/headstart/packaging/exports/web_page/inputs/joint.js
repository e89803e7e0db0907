// Every item is prepared for several networks; arrays and files are named after the network's position.

import { inputOf } from "../model.js";

/** The inputs of several networks side by side; of rows each takes its field. */
export async function make({ parts }, files) {
  const inputs = await Promise.all(
    parts.map((part, i) => {
      const own = Object.entries(files).filter(([name]) => name.startsWith(`${i}.`));
      return inputOf(part.kind, part.settings, Object.fromEntries(own.map(([name, file]) => [name.slice(`${i}.`.length), file])));
    }),
  );
  return async (item) => {
    const prepared = await Promise.all(inputs.map((prepare, i) => prepare(parts[i].field ? item[parts[i].field] : item)));
    return Object.fromEntries(prepared.flatMap((feeds, i) => Object.entries(feeds).map(([name, array]) => [`${i}.${name}`, array])));
  };
}
