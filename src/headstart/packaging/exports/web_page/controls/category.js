// A category: chosen from the levels that the model knows, or written where these are many.

import { readCategory } from "../cells.js";

const MOST_CHOSEN = 200;

/** Put the control into `place`: { value() }; `changed` is told of a change, `ask` of Enter. */
export function make(place, { field, id, ask, changed }) {
  const { name, levels = [], n_levels: nLevels = 0, example } = field;
  const isShort = nLevels > 0 && nLevels <= MOST_CHOSEN;
  place.innerHTML = isShort
    ? '<label></label><select></select><p class="usual"></p>'
    : '<label></label><input type="text" autocomplete="off"><p class="usual"></p><datalist></datalist>';
  const [label, input, hint, list] = place.children;
  label.textContent = name;
  label.htmlFor = input.id = id("category");
  input.setAttribute("aria-describedby", (hint.id = id("usual")));
  if (isShort) input.append(new Option("not known", ""), ...levels.map((level) => new Option(level, level)));
  else {
    list.id = id("levels");
    input.setAttribute("list", list.id);
    list.append(...levels.map((level) => new Option(level)));
    hint.textContent = nLevels ? `one of ${nLevels.toLocaleString("en")}; any other counts as never seen` : "the model does not read it";
    input.addEventListener("keydown", (event) => event.key === "Enter" && ask());
  }
  input.value = example ?? "";
  input.addEventListener("change", changed);
  return { value: () => (isShort ? input.value : readCategory(input.value)) };
}

export const hint = "Choose one to see what the model says.";
export const asksAtOnce = false;
export const isCell = true;
