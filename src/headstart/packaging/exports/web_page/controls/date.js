// A date, or a moment where the table has times of day; UTC, as the table was read.

import { readDate } from "../cells.js";

/** Put the control into `place`: { value() }; `changed` is told of a change, `ask` of Enter. */
export function make(place, { field, id, ask, changed }) {
  place.innerHTML = '<label></label><input><p class="usual"></p>';
  const [label, input, hint] = place.children;
  const { name, has_time: hasTime, usual, example } = field;
  const length = hasTime ? "2026-01-31T12:00:00".length : "2026-01-31".length;
  label.textContent = name;
  label.htmlFor = input.id = id("date");
  input.setAttribute("aria-describedby", (hint.id = id("usual")));
  [input.type, input.step] = hasTime ? ["datetime-local", "1"] : ["date", ""];
  input.value = (example ?? "").slice(0, length);
  hint.textContent = usual ? `usually ${usual.map((date) => String(date).slice(0, 10)).join(" to ")}` : "";
  input.addEventListener("change", changed);
  input.addEventListener("keydown", (event) => event.key === "Enter" && ask());

  function value() {
    const seconds = input.validity.badInput ? null : readDate(input.value);
    input.setAttribute("aria-invalid", String(seconds === null));
    if (seconds === null) throw new Error(`'${name}' holds no whole date. Fill in all of it, or leave it empty.`);
    return seconds;
  }

  return { value };
}

export const hint = "Choose a date to see what the model says.";
export const asksAtOnce = false;
export const isCell = true;
