// A number, written as in the table that was learned from; empty where there is none.

import { readNumber, writeNumber } from "../cells.js";

const FIGURES = 4; // of a hint; a year keeps all of its own

/** Put the control into `place`: { value() }; `changed` is told of a change, `ask` of Enter. */
export function make(place, { field, id, ask, changed }) {
  place.innerHTML = '<label></label><input type="text" autocomplete="off"><p class="usual"></p>';
  const [label, input, hint] = place.children;
  const { name, written, usual, example } = field;
  const [low, high] = (usual ?? []).map((number) => writeNumber(Number(number.toPrecision(FIGURES)), written));
  label.textContent = name;
  label.htmlFor = input.id = id("number");
  input.setAttribute("aria-describedby", (hint.id = id("usual")));
  if (!written && !(usual?.[0] < 0)) input.inputMode = "decimal"; // such a keyboard may lack a minus
  input.value = example === null || example === undefined ? "" : writeNumber(example, written);
  hint.textContent = low && high ? (low === high ? `nearly always ${low}` : `usually ${low} to ${high}`) : "";
  input.addEventListener("change", changed);
  input.addEventListener("keydown", (event) => event.key === "Enter" && ask());

  function value() {
    const number = readNumber(input.value, written);
    input.setAttribute("aria-invalid", String(number === null));
    if (number !== null) return number;
    const such = writeNumber(example ?? 1, written) || "1";
    throw new Error(`'${name}' holds '${input.value.slice(0, 40)}' where a number was expected. Write it as ${such}, or leave it empty.`);
  }

  return { value };
}

export const hint = "Fill in the field to see what the model says.";
export const asksAtOnce = false;
export const isCell = true;
