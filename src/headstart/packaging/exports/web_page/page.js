// The page: a photo or a text goes in, the likeliest labels come out.

import { open } from "./model.js";

const N_SHOWN = 5;
const THRESHOLD = 0.5; // where there may be several labels, those likelier than not are given
const at = (id) => document.getElementById(id);
let model;
let stream;
let latest = 0; // an older question's answer must not cover a newer one's

start().catch(fail);

async function start() {
  if ("serviceWorker" in navigator) navigator.serviceWorker.register("offline.js").catch(() => {}); // only where the page is secure
  model = await open();
  const { name, proof, modality, about } = model.about;
  document.title = at("name").textContent = name;
  at("proof").textContent = proof;
  at("about").textContent = about;
  const isPhoto = modality === "image";
  at(isPhoto ? "photo" : "words").hidden = false;
  say(isPhoto ? "Choose a photo to see what the model says." : "Write a text to see what the model says.");
  if (isPhoto) listenForPhotos();
  else listenForTexts();
}

function listenForTexts() {
  at("ask").addEventListener("click", () => answer(at("text").value));
  at("text").addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) answer(at("text").value);
  });
}

function listenForPhotos() {
  at("file").addEventListener("change", (event) => take(event.target.files[0]));
  document.addEventListener("paste", (event) => take(event.clipboardData.files[0]));
  for (const [kind, isOver] of [["dragover", true], ["dragleave", false], ["drop", false]]) {
    document.addEventListener(kind, (event) => {
      event.preventDefault();
      at("drop").classList.toggle("over", isOver);
      if (kind === "drop") take(event.dataTransfer.files[0]);
    });
  }
  at("camera").hidden = !navigator.mediaDevices;
  at("camera").addEventListener("click", () => (stream ? stopCamera() : startCamera().catch(refuseCamera)));
  at("shoot").addEventListener("click", shoot);
}

function take(file) {
  if (!file) return;
  stopCamera();
  show(file);
  answer(file);
}

function show(photo) {
  const picture = at("picture");
  if (picture.src) URL.revokeObjectURL(picture.src);
  picture.src = URL.createObjectURL(photo);
  picture.hidden = false;
  at("hint").hidden = true;
  at("drop").classList.add("full");
}

async function startCamera() {
  stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" }, audio: false });
  at("video").srcObject = stream;
  await at("video").play();
  onCamera(true);
}

function stopCamera() {
  for (const track of stream?.getTracks() ?? []) track.stop();
  stream = at("video").srcObject = null;
  onCamera(false);
}

function onCamera(isOn) {
  at("video").hidden = at("shoot").hidden = !isOn;
  at("hint").hidden = isOn || !at("picture").hidden;
  if (isOn) at("picture").hidden = true;
  at("camera").textContent = isOn ? "Stop the camera" : "Use the camera";
}

function refuseCamera(error) {
  stopCamera();
  fail(new Error(`The camera cannot be used (${error.message}). Choose a photo instead.`));
}

async function shoot() {
  const video = at("video");
  const canvas = new OffscreenCanvas(video.videoWidth, video.videoHeight);
  canvas.getContext("2d").drawImage(video, 0, 0);
  take(await canvas.convertToBlob({ type: "image/png" }));
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
  const { task, labels } = model.about;
  const isRegression = task === "regression";
  const ranked = outputs.map((output, i) => [labels[i], output]).sort((one, other) => other[1] - one[1]);
  const given = task === "multilabel" ? ranked.filter(([, share]) => share >= THRESHOLD) : ranked.slice(0, 1);
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
