// Bicubic resampling with antialiasing, equal to Pillow's to the last bit: the same whole numbers, in the same order.
// A picture is { data, width, height, channels }, its data RGBA or RGB as `channels` (4 or 3) says; results are RGB.

const BITS = 22; // of a weight behind the binary point
const SUPPORT = 2; // of the cubic kernel, in pixels of the result

/** Resize the part `box` (left, upper, right, lower) of a picture to `width` by `height`. */
export function resample(picture, width, height, box, reducingGap = 3) {
  const factors = [(box[2] - box[0]) / width, (box[3] - box[1]) / height];
  const [fx, fy] = factors.map((scale) => Math.max(1, Math.trunc(scale / reducingGap)));
  if (fx > 1 || fy > 1) {
    const safe = safeBox(picture, factors, box);
    picture = reduce(picture, fx, fy, safe);
    box = box.map((edge, side) => (edge - safe[side % 2]) / (side % 2 ? fy : fx));
  }
  const columns = weights(picture.width, box[0], box[2], width);
  const rows = weights(picture.height, box[1], box[3], height);
  // each pass rounds to eight bits, so their order shows: Pillow 13 begins with the columns where it loses many more of its rows
  const [lostRows, lostColumns] = [picture.height - height, picture.width - width];
  const isTall = lostRows > 0 && lostRows > 2 * lostColumns;
  return isTall ? acrossRows(downColumns(picture, rows), columns) : downColumns(acrossRows(picture, columns), rows);
}

/** The box and all pixels around it that the kernel may touch. */
function safeBox({ width, height }, [scaleX, scaleY], [left, upper, right, lower]) {
  const [x, y] = [(SUPPORT - 0.5) * scaleX, (SUPPORT - 0.5) * scaleY];
  return [
    Math.max(0, Math.trunc(left - x)),
    Math.max(0, Math.trunc(upper - y)),
    Math.min(width, Math.ceil(right + x)),
    Math.min(height, Math.ceil(lower + y)),
  ];
}

/** Average blocks of fx by fy pixels; those at the far edges may be smaller. */
function reduce({ data, width, channels }, fx, fy, [left, upper, right, lower]) {
  const [outWidth, outHeight] = [Math.ceil((right - left) / fx), Math.ceil((lower - upper) / fy)];
  const out = new Uint8Array(outWidth * outHeight * 3);
  for (let y = 0, at = 0; y < outHeight; y++) {
    const [y0, y1] = [upper + y * fy, Math.min(lower, upper + (y + 1) * fy)];
    for (let x = 0; x < outWidth; x++) {
      const [x0, x1] = [left + x * fx, Math.min(right, left + (x + 1) * fx)];
      const n = (y1 - y0) * (x1 - x0);
      const inverse = Math.trunc(Math.fround(2 ** 24 / n)); // division by a product, as Pillow does it
      for (let channel = 0; channel < 3; channel++) {
        let sum = n >> 1;
        for (let row = y0; row < y1; row++) {
          for (let i = (row * width + x0) * channels + channel, n = x1 - x0; n > 0; n--, i += channels) sum += data[i];
        }
        out[at++] = Math.floor((sum * inverse) / 2 ** 24);
      }
    }
  }
  return { data: out, width: outWidth, height: outHeight, channels: 3 };
}

/** For each pixel of a result: the first pixel that it is made of, and the weights from there on. */
function weights(size, from, to, outSize) {
  [from, to] = [Math.fround(from), Math.fround(to)];
  const scale = Math.fround(to - from) / outSize;
  const stretch = Math.max(scale, 1);
  return Array.from({ length: outSize }, (_, out) => {
    const centre = from + (out + 0.5) * scale;
    const first = Math.max(0, Math.trunc(centre - SUPPORT * stretch + 0.5));
    const last = Math.min(size, Math.trunc(centre + SUPPORT * stretch + 0.5));
    const share = Array.from({ length: last - first }, (_, i) => cubic((i + first - centre + 0.5) * (1 / stretch)));
    const total = share.reduce((sum, one) => sum + one, 0);
    const whole = share.map((one) => Math.trunc((one / total) * 2 ** BITS + (one / total < 0 ? -0.5 : 0.5)));
    return { first, whole: Int32Array.from(whole) };
  });
}

function cubic(x) {
  x = Math.abs(x);
  if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
  return x < 2 ? (((x - 5) * x + 8) * x - 4) * -0.5 : 0;
}

function acrossRows({ data, width, height, channels }, columns) {
  const out = new Uint8Array(columns.length * height * 3);
  for (let y = 0, at = 0; y < height; y++) {
    for (const { first, whole } of columns) {
      for (let channel = 0; channel < 3; channel++) {
        let sum = 1 << (BITS - 1);
        for (let k = 0, i = (y * width + first) * channels + channel; k < whole.length; k++, i += channels) sum += data[i] * whole[k];
        out[at++] = eightBits(sum);
      }
    }
  }
  return { data: out, width: columns.length, height, channels: 3 };
}

function downColumns({ data, width, channels }, rows) {
  const out = new Uint8Array(width * rows.length * 3);
  let at = 0;
  for (const { first, whole } of rows) {
    for (let x = 0; x < width; x++) {
      for (let channel = 0; channel < 3; channel++) {
        let sum = 1 << (BITS - 1);
        const step = width * channels;
        for (let k = 0, i = first * step + x * channels + channel; k < whole.length; k++, i += step) sum += data[i] * whole[k];
        out[at++] = eightBits(sum);
      }
    }
  }
  return { data: out, width, height: rows.length, channels: 3 };
}

function eightBits(sum) {
  return Math.min(255, Math.max(0, sum >> BITS));
}
