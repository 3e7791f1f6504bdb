// The page: shows what networks.js computes.
"use strict";

const at = (id) => document.getElementById(id);
const REAL = [33, 102, 172], MIDDLE = [247, 247, 247], REFINED = [217, 95, 2];
const state = { person: 0, times: [] };

function draw(canvas, [height, width], colour) {
  Object.assign(canvas, { height, width });
  const image = new ImageData(width, height);
  for (let i = 0; i < height * width; i++) image.data.set([...colour(i), 255], 4 * i);
  canvas.getContext("2d").putImageData(image, 0, 0);
}

const drawEye = (canvas, pixels) =>
  draw(canvas, state.data.shape, (i) => [pixels[i], pixels[i], pixels[i]]);

function drawMap(name, { height, width, map }) {
  draw(at(`map-${name}`), [height, width], (i) => {
    const [from, to, part] = map[i] < 0.5 ? [REAL, MIDDLE, 2 * map[i]] : [MIDDLE, REFINED, 2 * map[i] - 1];
    return from.map((value, channel) => value + part * (to[channel] - value));
  });
  const mean = map.reduce((sum, value) => sum + value, 0) / map.length;
  at(`mean-${name}`).value = mean.toFixed(2);
}

function show() {
  state.waiting = false;
  const { data, person } = state, { refiner, discriminator } = data.networks[at("network").value];
  const pitch = Number(at("pitch").value), yaw = data.yaw.length - 1 - Number(at("yaw").value);
  const eye = data.eye(person, pitch, yaw), start = performance.now();
  const refined = refine(refiner, eye, data.shape), between = performance.now();
  drawMap("refined", probabilityRefined(discriminator, refined, data.shape));
  const end = performance.now();
  drawMap("eye", probabilityRefined(discriminator, eye, data.shape));
  drawEye(at("eye"), eye);
  drawEye(at("refined"), refined);
  at("pitch-value").value = `${data.pitch[pitch]}°`;
  at("yaw-value").value = `${data.yaw[yaw]}°`;
  for (const button of at("people").querySelectorAll("button")) {
    button.setAttribute("aria-pressed", Number(button.value) === person);
  }
  state.times.push(between - start);
  const fastest = Math.min(...state.times);
  at("time").value =
    `R took ${(between - start).toFixed(0)} ms for this eye, and ${fastest.toFixed(0)} ms for the ` +
    `fastest of ${state.times.length}. D took ${(end - between).toFixed(0)} ms.`;
}

// Many movements of a pointer between two pictures are one.
function later() {
  if (!state.waiting) requestAnimationFrame(show);
  state.waiting = true;
}

// The eye looks to where the pointer is.
function look(event) {
  if (event.type === "pointermove" && !event.buttons) return;
  const box = at("eye").getBoundingClientRect();
  const place = (value, count) => Math.max(0, Math.min(count - 1, Math.floor(value * count)));
  const { pitch, yaw } = state.data;
  at("yaw").value = place((event.clientX - box.left) / box.width, yaw.length);
  at("pitch").value = pitch.length - 1 - place((event.clientY - box.top) / box.height, pitch.length);
  later();
}

async function begin() {
  const data = (state.data = await unpack(DATA));
  for (const name of Object.keys(data.networks)) at("network").add(new Option(name));
  for (const name of ["pitch", "yaw"]) {
    const last = data[name].length - 1;
    Object.assign(at(name), { min: 0, max: last, value: Math.round(last / 2) });
    at(name).addEventListener("input", later);
  }
  at("network").addEventListener("input", later);
  data.people.forEach((person, number) => {
    const button = document.createElement("button"), canvas = document.createElement("canvas");
    Object.assign(button, { type: "button", value: number });
    button.setAttribute("aria-label", `Person ${person}`);
    drawEye(canvas, data.eye(number, Number(at("pitch").value), Number(at("yaw").value)));
    button.append(canvas);
    button.addEventListener("click", () => {
      state.person = number;
      later();
    });
    at("people").append(button);
  });
  for (const kind of ["pointerdown", "pointermove"]) at("eye").addEventListener(kind, look);
  show();
}

if (window !== parent) document.querySelector("h1").remove(); // the page around it has a title
begin();
