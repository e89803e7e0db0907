// The page: a control a field, whose values go in; the likeliest labels come out.

import { open } from "./model.js";

const N_SHOWN = 5;
const at = (id) => document.getElementById(id);
let model;
let latest = 0; // an older question's answer must not cover a newer one's

start().catch(fail);

async function start() {
  if ("serviceWorker" in navigator) navigator.serviceWorker.register("offline.js").catch(() => {}); // only where the page is secure
  model = await open();
  const { name, proof, fields, about } = model.about;
  document.title = at("name").textContent = name;
  at("proof").textContent = proof;
  at("about").textContent = about;
  const kinds = await Promise.all(fields.map(({ control }) => import(`./controls/${control}.js`)));
  const isForm = kinds.every((kind) => kind.isCell); // with an example filled in
  const form = kinds.some((kind) => kind.isCell) ? makeForm() : null;
  const controls = fields.map((field, i) => addControl(kinds[i], field, i));
  if (fields.length > 1 || isForm || !kinds[0].asksAtOnce) addButton(form?.buttons ?? controls.at(-1).buttons);
  say(fields.length > 1 ? "Fill in the fields to see what the model says." : kinds[0].hint);
  if (isForm) ask();

  function makeForm() {
    const card = addCard();
    card.setAttribute("aria-label", "The columns of a row");
    card.innerHTML = '<p class="hint">A usual row to begin with. Leave empty what is not known.</p><div class="cells"></div><div class="buttons"></div>';
    document.querySelector("main").classList.add("tall");
    const [, cells, buttons] = card.children;
    return { cells, buttons };
  }

  function addCard() {
    const card = document.createElement("section");
    card.className = "card";
    at("fields").append(card);
    return card;
  }

  function addCell() {
    const cell = document.createElement("div");
    cell.className = "cell";
    form.cells.append(cell);
    return cell;
  }

  function addControl(kind, field, i) {
    const title = fields.length > 1 ? field.name : null;
    const id = (stem) => (i ? `${stem}-${i + 1}` : stem);
    const asksOnChange = isForm || (title === null && kind.asksAtOnce);
    const place = kind.isCell ? addCell() : addCard();
    return kind.make(place, { title, field, id, fail, ask, changed: asksOnChange ? ask : () => {} });
  }

  function addButton(place) {
    const button = document.createElement("button");
    [button.type, button.id, button.className, button.textContent] = ["button", "ask", "main", "Predict"];
    button.addEventListener("click", () => {
      ask();
      if (form) at("answer").scrollIntoView({ block: "nearest" }); // below a long form
    });
    place.append(button);
  }

  function ask() {
    try {
      const values = controls.map((control) => control.value());
      answer(fields.length > 1 ? Object.fromEntries(fields.map(({ name }, i) => [name, values[i]])) : values[0]);
    } catch (error) {
      latest++; // what is still computed answers an older question
      fail(error);
    }
  }
}

async function answer(item) {
  const question = ++latest;
  say("Thinking …");
  try {
    const started = performance.now();
    const outputs = await model.outputs(item);
    if (question !== latest) return;
    write(outputs);
    say(`Answered in ${Math.round(performance.now() - started)} ms, on this device.`);
  } catch (error) {
    if (question === latest) fail(error);
  }
}

function write(outputs) {
  const { task, labels, weights, interval } = model.about;
  const isRegression = task === "regression";
  const ranked = outputs.map((output, i) => [labels[i], output]).sort((one, other) => other[1] - one[1]);
  const weightOf = (label) => weights?.[labels.indexOf(label)] ?? 1;
  const given = task === "multilabel"
    ? ranked.filter(([label, share]) => share >= 1 / (1 + weightOf(label)))
    : ranked.toSorted((one, other) => other[1] * weightOf(other[0]) - one[1] * weightOf(one[0])).slice(0, 1);
  at("best").textContent = isRegression ? `${labels[0]}: ${Number(outputs[0].toPrecision(6))}` : given.map(([label]) => label).join(", ") || "none";
  at("best").hidden = false;
  at("interval").hidden = !interval;
  if (interval) at("interval").textContent = within(outputs[0], interval);
  at("labels").hidden = isRegression;
  at("labels").replaceChildren(...ranked.slice(0, N_SHOWN).map(([label, share]) => row(label, share, given.some(([one]) => one === label))));
}

/** One decimal; of what is nearly nothing or nearly all, that it is not. */
function percent(share) {
  if (share > 0 && share < 0.0005) return `${Number((100 * share).toPrecision(1))} %`;
  return share < 1 && share >= 0.9995 ? "> 99.9 %" : `${(100 * share).toFixed(1)} %`;
}

function within(value, { coverage, half_width: halfWidth }) {
  const [low, high] = [value - halfWidth, value + halfWidth].map((number) => Number(number.toPrecision(4)));
  return `${low} to ${high}: the true value is in such an interval ${Math.round(100 * coverage)} times in 100.`;
}

function row(label, share, isGiven) {
  const line = document.createElement("li");
  line.innerHTML = '<span class="label"></span><span class="share"></span><span class="track" aria-hidden="true"><span class="bar"></span></span>';
  line.querySelector(".label").textContent = label;
  line.querySelector(".label").classList.toggle("given", isGiven);
  line.querySelector(".share").textContent = percent(share);
  line.querySelector(".bar").style.transform = `scaleX(${share})`;
  return line;
}

function say(words) {
  at("status").textContent = words;
  at("status").classList.remove("wrong");
}

function fail(error) {
  say(error.message);
  at("status").classList.add("wrong");
  at("best").hidden = at("labels").hidden = at("interval").hidden = true;
}
