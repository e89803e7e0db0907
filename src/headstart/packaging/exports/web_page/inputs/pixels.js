// Photos: decoded upright and resized in one step, as headstart.sources.preprocessors.pixels does it.

import { resample } from "../resample.js";

const MAX_PIXELS = 50_000_000;
const GREY = 127;

/** An input for photos: a Blob, a canvas, a video or { data, width, height, channels } becomes `pixels`. */
export async function make(settings) {
  return async (photo) => {
    const picture = photo.data ? photo : await decode(photo);
    const data = framed(picture, settings);
    return { pixels: { type: "uint8", dims: [1, settings.height_px, settings.width_px, 3], data } };
  };
}

/** Decode a photo as people see it: upright, on white where it is transparent; colour profiles are not applied. */
export async function decode(photo) {
  let bitmap;
  try {
    bitmap = await createImageBitmap(photo, { colorSpaceConversion: "none", imageOrientation: "from-image" });
  } catch {
    throw new Error("This is no picture that your browser can read. Take a JPEG or a PNG file.");
  }
  const { width, height } = bitmap;
  if (width * height > MAX_PIXELS) throw new Error(`The picture has ${Math.round((width * height) / 1e6)} megapixels; at most 50 are read.`);
  const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  context.fillStyle = "white";
  context.fillRect(0, 0, width, height);
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  return { data: context.getImageData(0, 0, width, height).data, width, height, channels: 4 };
}

function framed(picture, { width_px, height_px, resize, crop_share = 0.875 }) {
  const { width, height } = picture;
  if (resize === "squash") return resample(picture, width_px, height_px, [0, 0, width, height]).data;
  if (resize === "crop") {
    const scale = Math.min(width / width_px, height / height_px) * crop_share;
    const [left, upper] = [(width - width_px * scale) / 2, (height - height_px * scale) / 2];
    return resample(picture, width_px, height_px, [left, upper, left + width_px * scale, upper + height_px * scale]).data;
  }
  const scale = Math.min(width_px / width, height_px / height);
  const [w, h] = [width, height].map((side) => Math.max(1, halfEven(side * scale)));
  const inner = resample(picture, w, h, [0, 0, width, height]).data;
  const canvas = new Uint8Array(width_px * height_px * 3).fill(GREY);
  const [left, upper] = [Math.floor((width_px - w) / 2), Math.floor((height_px - h) / 2)];
  for (let y = 0; y < h; y++) canvas.set(inner.subarray(y * w * 3, (y + 1) * w * 3), ((upper + y) * width_px + left) * 3);
  return canvas;
}

function halfEven(number) {
  const rounded = Math.round(number);
  return rounded - number === 0.5 && rounded % 2 ? rounded - 1 : rounded;
}
