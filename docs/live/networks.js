// R and D in plain JavaScript. Nothing here knows the page.
//
// Features are { height, width, maps, values }. The values lie as in Keras: row by row, pixel by
// pixel, the maps of a pixel side by side. They are float64, which JavaScript computes with.
"use strict";

const LAYERS = {
  Conv2D: convolve,
  MaxPooling2D: maxPool,
  Add: add,
  ReLU: rectify,
  Equalised: equalise,
};

// Runs the layers in order. A layer's inputs are numbers of earlier results; 0 is the image.
function run(layers, image) {
  const results = [image];
  for (const layer of layers) {
    results.push(LAYERS[layer.type](layer, ...layer.inputs.map((i) => results[i])));
  }
  return results.at(-1);
}

// Puts a border around the features, as padding="same" does.
function pad(x, kernel, stride, border) {
  const height = Math.ceil(x.height / stride), width = Math.ceil(x.width / stride);
  const down = Math.max((height - 1) * stride + kernel - x.height, 0);
  const across = Math.max((width - 1) * stride + kernel - x.width, 0);
  const rowLength = (x.width + across) * x.maps, line = x.width * x.maps;
  const values = new Float64Array((x.height + down) * rowLength).fill(border);
  let start = (down >> 1) * rowLength + (across >> 1) * x.maps;
  for (let v = 0; v < x.height; v++, start += rowLength) {
    values.set(x.values.subarray(v * line, (v + 1) * line), start);
  }
  return { height, width, rowLength, values };
}

function add(layer, x, y) {
  const values = new Float64Array(x.values.length);
  for (let i = 0; i < values.length; i++) values[i] = x.values[i] + y.values[i];
  return { ...x, values };
}

function rectify(layer, x) {
  const values = new Float64Array(x.values.length);
  for (let i = 0; i < values.length; i++) values[i] = Math.max(x.values[i], 0);
  return { ...x, values };
}

// Two pixels and four maps are computed at once: so a number that was fetched is used several times.
// The kernel holds four maps after four; layer.maps is rounded up to a multiple of four.
function convolve(layer, x) {
  const { kernel, bias, size, stride, maps } = layer;
  const { height, width, rowLength, values: input } = pad(x, size, stride, 0);
  const result = new Float64Array(height * width * maps);
  const segment = size * x.maps, step = stride * x.maps;
  const floor = layer.activation === "relu" ? 0 : -Infinity;
  for (let map = 0; map < maps; map += 4) {
    const first = map * size * segment;
    for (let v = 0; v < height; v++) {
      for (let u = 0; u < width; u += 2) {
        const next = u + 1 < width ? 1 : 0; // the last pixel of an odd row is computed twice
        let a0 = bias[map], a1 = bias[map + 1], a2 = bias[map + 2], a3 = bias[map + 3];
        let b0 = a0, b1 = a1, b2 = a2, b3 = a3;
        let k = first;
        for (let row = 0; row < size; row++) {
          let p = (v * stride + row) * rowLength + u * step, q = p + next * step;
          for (const end = p + segment; p < end; p++, q++, k += 4) {
            const a = input[p], b = input[q];
            const k0 = kernel[k], k1 = kernel[k + 1], k2 = kernel[k + 2], k3 = kernel[k + 3];
            a0 += a * k0; a1 += a * k1; a2 += a * k2; a3 += a * k3;
            b0 += b * k0; b1 += b * k1; b2 += b * k2; b3 += b * k3;
          }
        }
        const at = (v * width + u) * maps + map;
        result[at] = Math.max(a0, floor); result[at + 1] = Math.max(a1, floor);
        result[at + 2] = Math.max(a2, floor); result[at + 3] = Math.max(a3, floor);
        const then = at + next * maps;
        result[then] = Math.max(b0, floor); result[then + 1] = Math.max(b1, floor);
        result[then + 2] = Math.max(b2, floor); result[then + 3] = Math.max(b3, floor);
      }
    }
  }
  const values = layer.activation === "tanh" ? result.map(Math.tanh) : result;
  return { height, width, maps, values };
}

function maxPool({ size, stride }, x) {
  const { maps } = x;
  const { height, width, rowLength, values } = pad(x, size, stride, -Infinity);
  const result = new Float64Array(height * width * maps).fill(-Infinity);
  for (let v = 0; v < height; v++) {
    for (let u = 0; u < width; u++) {
      for (let i = 0; i < size * size; i++) {
        const row = v * stride + Math.floor(i / size), column = u * stride + (i % size);
        for (let map = 0; map < maps; map++) {
          const at = (v * width + u) * maps + map;
          result[at] = Math.max(result[at], values[row * rowLength + column * maps + map]);
        }
      }
    }
  }
  return { height, width, maps, values: result };
}

// As simgan_lib.models.equalised does, of the first map, which is the image.
function equalise(layer, x) {
  const pixels = x.values.filter((value, i) => i % x.maps === 0);
  const mean = pixels.reduce((sum, value) => sum + value, 0) / pixels.length;
  const variance =
    pixels.reduce((sum, value) => sum + (value - mean) ** 2, 0) / pixels.length + 1e-6;
  return { ...x, maps: 1, values: pixels.map((value) => erf((value - mean) / Math.sqrt(2 * variance))) };
}

// Abramowitz and Stegun 1964, 7.1.26: the error is below 1.5e-7.
function erf(x) {
  const t = 1 / (1 + 0.3275911 * Math.abs(x));
  const terms = [1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592];
  const sum = terms.reduce((total, term) => (total + term) * t, 0);
  return Math.sign(x) * (1 - sum * Math.exp(-x * x));
}

// The gray levels of an eye as features from -1 to 1.
function toFeatures(pixels, [height, width]) {
  const values = Float64Array.from(pixels, (level) => Math.fround(Math.fround(level / 127.5) - 1));
  return { height, width, maps: 1, values };
}

// Gray levels in, gray levels out.
function refine(refiner, pixels, shape) {
  const { maps, values } = run(refiner, toFeatures(pixels, shape));
  return Uint8ClampedArray.from(pixels, (_, i) => (values[i * maps] + 1) * 127.5); // rounds
}

// D's probability, patch by patch, that an eye is refined.
function probabilityRefined(discriminator, pixels, shape) {
  const { height, width, maps, values } = run(discriminator, toFeatures(pixels, shape));
  const difference = (i) => values[i * maps] - values[i * maps + 1]; // of the two logits
  const map = Float64Array.from({ length: height * width }, (_, i) => 1 / (1 + Math.exp(difference(i))));
  return { height, width, map };
}

// Unpacks what tools/live_page.py has packed: kernels, biases, and an eye for each person and gaze.
async function unpack(data) {
  const packed = Uint8Array.from(atob(data.packed), (character) => character.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  const bytes = await new Response(stream).arrayBuffer();
  const weights = new Float32Array(bytes, 0, data.weights);
  for (const { refiner, discriminator } of Object.values(data.networks)) {
    for (const layer of [...refiner, ...discriminator].filter(({ type }) => type === "Conv2D")) {
      layer.kernel = Float64Array.from(weights.subarray(...layer.kernel));
      layer.bias = Float64Array.from(weights.subarray(...layer.bias));
    }
  }
  // Each eye but the first is kept as its difference from the one before it, modulo 256.
  const eyes = new Uint8Array(bytes, 4 * data.weights), size = data.shape[0] * data.shape[1];
  for (let i = size; i < eyes.length; i++) eyes[i] += eyes[i - size];
  data.eye = (person, pitch, yaw) => {
    const number = (person * data.pitch.length + pitch) * data.yaw.length + yaw;
    return eyes.subarray(number * size, (number + 1) * size);
  };
  return data;
}
