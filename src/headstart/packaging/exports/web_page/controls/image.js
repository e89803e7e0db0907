// A photo: chosen, dropped, pasted, or taken with the camera.

const MARKUP = `
  <h2 hidden></h2>
  <div class="drop">
    <video playsinline muted hidden aria-label="What the camera sees"></video>
    <img alt="The photo that was chosen" hidden>
    <p class="hint">Drop or paste a photo here</p>
  </div>
  <div class="buttons">
    <label class="button">Choose a photo</label>
    <input type="file" accept="image/*">
    <button type="button">Use the camera</button>
    <button type="button" class="main" hidden>Take the photo</button>
  </div>`;

/** Put the control into `card`: { value(), buttons }; `changed` is told of a photo, `fail` of what goes wrong. */
export function make(card, { title, id, changed, fail }) {
  card.innerHTML = MARKUP;
  card.setAttribute("aria-label", title ?? "Your photo");
  const find = (selector) => card.querySelector(selector);
  const [heading, drop, video, picture, prompt] = ["h2", ".drop", "video", "img", ".hint"].map(find);
  const [buttons, label, file] = [".buttons", "label", "input"].map(find);
  const [camera, shoot] = card.querySelectorAll("button");
  for (const [one, name] of [[video, "video"], [picture, "picture"], [file, "file"]]) one.id = id(name);
  label.htmlFor = file.id;
  heading.textContent = title ?? "";
  heading.hidden = !title;
  let photo;
  let stream;

  file.addEventListener("change", () => take(file.files[0]));
  const area = title ? card : document; // several fields: a photo goes where it is dropped
  for (const [kind, isOver] of [["dragover", true], ["dragleave", false], ["drop", false]]) {
    area.addEventListener(kind, (event) => {
      event.preventDefault();
      drop.classList.toggle("over", isOver);
      if (kind === "drop") take(event.dataTransfer.files[0]);
    });
  }
  area.addEventListener("paste", (event) => take(event.clipboardData.files[0]));
  camera.hidden = !navigator.mediaDevices;
  camera.addEventListener("click", () => (stream ? stopCamera() : startCamera().catch(refuseCamera)));
  shoot.addEventListener("click", async () => {
    const canvas = new OffscreenCanvas(video.videoWidth, video.videoHeight);
    canvas.getContext("2d").drawImage(video, 0, 0);
    take(await canvas.convertToBlob({ type: "image/png" }));
  });

  function take(chosen) {
    if (!chosen) return;
    stopCamera();
    photo = chosen;
    if (picture.src) URL.revokeObjectURL(picture.src);
    picture.src = URL.createObjectURL(photo);
    picture.hidden = false;
    prompt.hidden = true;
    drop.classList.add("full");
    changed();
  }

  async function startCamera() {
    stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" }, audio: false });
    video.srcObject = stream;
    await video.play();
    onCamera(true);
  }

  function stopCamera() {
    for (const track of stream?.getTracks() ?? []) track.stop();
    stream = video.srcObject = null;
    onCamera(false);
  }

  function onCamera(isOn) {
    video.hidden = shoot.hidden = !isOn;
    prompt.hidden = isOn || !picture.hidden;
    if (isOn) picture.hidden = true;
    camera.textContent = isOn ? "Stop the camera" : "Use the camera";
  }

  function refuseCamera(error) {
    stopCamera();
    fail(new Error(`The camera cannot be used (${error.message}). Choose a photo instead.`));
  }

  function value() {
    if (!photo) throw new Error(`There is no photo${title ? ` for '${title}'` : ""} yet. Choose one.`);
    return photo;
  }

  return { value, buttons };
}

export const hint = "Choose a photo to see what the model says.";
export const asksAtOnce = true;
