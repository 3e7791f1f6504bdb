// R and D in plain JavaScript, the inner loops of a convolution in convolve.wat. Nothing here knows
// the page.
//
// Features are { height, width, maps, values }. The values lie as in Keras: row by row, pixel by
// pixel, the maps of a pixel side by side. They are float32, as in Keras.
"use strict";

// What WebAssembly reads and writes: all kernels, then the input of one layer, then its result.
const memory = new WebAssembly.Memory({ initial: 256 }); // pages of 64 KiB
const numbers = new Float32Array(memory.buffer);
let convolveFour, inputPlace; // set in unpack

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
  const values = new Float32Array((x.height + down) * rowLength).fill(border);
  let start = (down >> 1) * rowLength + (across >> 1) * x.maps;
  for (let v = 0; v < x.height; v++, start += rowLength) {
    values.set(x.values.subarray(v * line, (v + 1) * line), start);
  }
  return { height, width, rowLength, values };
}

function add(layer, x, y) {
  const values = new Float32Array(x.values.length);
  for (let i = 0; i < values.length; i++) values[i] = x.values[i] + y.values[i];
  return { ...x, values };
}

function rectify(layer, x) {
  const values = new Float32Array(x.values.length);
  for (let i = 0; i < values.length; i++) values[i] = Math.max(x.values[i], 0);
  return { ...x, values };
}

// Four pixels and four maps are computed at once. The kernel holds four maps after four, their biases
// in front; layer.maps is rounded up to a multiple of four. A number has 4 bytes.
function convolve(layer, x) {
  const { kernel, size, stride, maps } = layer;
  const { height, width, rowLength, values } = pad(x, size, stride, 0);
  const result = inputPlace + values.length, segment = size * x.maps, step = stride * x.maps;
  numbers.set(values, inputPlace);
  const floor = layer.activation === "relu" ? 0 : -Infinity;
  for (let map = 0; map < maps; map += 4) {
    const k = kernel + map * (1 + size * segment);
    for (let v = 0; v < height; v++) {
      // What is computed past the end of a row is overwritten by the next row.
      for (let u = 0; u < width; u += 4) {
        const p = inputPlace + v * stride * rowLength + u * step;
        const at = result + (v * width + u) * maps + map;
        convolveFour(4 * p, 4 * step, 4 * rowLength, 4 * segment, size, 4 * k, 4 * at, 4 * maps, floor);
      }
    }
  }
  const found = numbers.slice(result, result + height * width * maps);
  return { height, width, maps, values: layer.activation === "tanh" ? found.map(Math.tanh) : found };
}

function maxPool({ size, stride }, x) {
  const { maps } = x;
  const { height, width, rowLength, values } = pad(x, size, stride, -Infinity);
  const result = new Float32Array(height * width * maps).fill(-Infinity);
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
  const values = Float32Array.from(pixels, (level) => Math.fround(level / 127.5) - 1);
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

const toBytes = (base64) => Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));

// Unpacks what tools/live_page.py has packed: convolve.wat, kernels, biases, and an eye for each person
// and gaze.
async function unpack(data) {
  const { instance } = await WebAssembly.instantiate(toBytes(data.convolve), { page: { memory } });
  ({ convolveFour } = instance.exports);
  const packed = new Blob([toBytes(data.packed)]).stream();
  const stream = packed.pipeThrough(new DecompressionStream("deflate"));
  const bytes = await new Response(stream).arrayBuffer();
  numbers.set(new Float32Array(bytes, 0, data.weights));
  inputPlace = data.weights;
  // Each eye but the first is kept as its difference from the one before it, modulo 256.
  const eyes = new Uint8Array(bytes, 4 * data.weights), size = data.shape[0] * data.shape[1];
  for (let i = size; i < eyes.length; i++) eyes[i] += eyes[i - size];
  data.eye = (person, pitch, yaw) => {
    const number = (person * data.pitch.length + pitch) * data.yaw.length + yaw;
    return eyes.subarray(number * size, (number + 1) * size);
  };
  return data;
}
