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
  const controls = fields.map(({ name }, i) => addControl(kinds[i], fields.length > 1 ? name : null, i));
  if (fields.length > 1 || !kinds[0].asksAtOnce) addButton(controls.at(-1).buttons);
  say(fields.length > 1 ? "Fill in the fields to see what the model says." : kinds[0].hint);

  function addControl(kind, title, i) {
    const card = document.createElement("section");
    card.className = "card";
    at("fields").append(card);
    const id = (stem) => (i ? `${stem}-${i + 1}` : stem);
    return kind.make(card, { title, id, fail, ask, changed: title === null && kind.asksAtOnce ? ask : () => {} });
  }

  function addButton(place) {
    const button = document.createElement("button");
    [button.type, button.id, button.className, button.textContent] = ["button", "ask", "main", "Predict"];
    button.addEventListener("click", ask);
    place.append(button);
  }

  function ask() {
    try {
      const values = controls.map((control) => control.value());
      answer(fields.length > 1 ? Object.fromEntries(fields.map(({ name }, i) => [name, values[i]])) : values[0]);
    } catch (error) {
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
  const { task, labels, weights } = model.about;
  const isRegression = task === "regression";
  const ranked = outputs.map((output, i) => [labels[i], output]).sort((one, other) => other[1] - one[1]);
  const weightOf = (label) => weights?.[labels.indexOf(label)] ?? 1;
  const given = task === "multilabel"
    ? ranked.filter(([label, share]) => share >= 1 / (1 + weightOf(label)))
    : ranked.toSorted((one, other) => other[1] * weightOf(other[0]) - one[1] * weightOf(one[0])).slice(0, 1);
  at("best").textContent = isRegression ? `${labels[0]}: ${Number(outputs[0].toPrecision(6))}` : given.map(([label]) => label).join(", ") || "none";
  at("best").hidden = false;
  at("labels").hidden = isRegression;
  at("labels").replaceChildren(...ranked.slice(0, N_SHOWN).map(([label, share]) => row(label, share, given.some(([one]) => one === label))));
}

function row(label, share, isGiven) {
  const line = document.createElement("li");
  line.innerHTML = '<span class="label"></span><span class="share"></span><span class="track" aria-hidden="true"><span class="bar"></span></span>';
  line.querySelector(".label").textContent = label;
  line.querySelector(".label").classList.toggle("given", isGiven);
  line.querySelector(".share").textContent = `${(100 * share).toFixed(1)} %`;
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
  at("best").hidden = at("labels").hidden = true;
}
