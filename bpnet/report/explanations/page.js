// The picture of the network: played forward and back by the slider and the arrow keys, and every part of it
// tells its formula with numbers. All that is shown was computed before, and stands in the page's JSON.
const record = JSON.parse(document.getElementById("record").textContent);
const SVG = "http://www.w3.org/2000/svg";
const COLUMN = 190, ROW = 100, RADIUS = 26, TOP = 40;

function make(name, attributes, parent, text) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (text !== undefined) element.textContent = text;
  if (parent) parent.append(element);
  return element;
}

const svg = document.getElementById("network");
const most = Math.max(...record.layers.map((layer) => layer.units.length + (layer.more ? 1 : 0)));
svg.style.minWidth = `${6 * record.layers.length}rem`; // a deep network is scrolled, not shrunk
svg.setAttribute("viewBox", `0 0 ${COLUMN * record.layers.length} ${TOP + ROW * most + 20}`);

const place = (l, position, count) => [
  COLUMN * (l - 0.5),
  TOP + ROW * (position + 0.5 + (most - count) / 2),
];
const rows = (layer) => layer.units.length + (layer.more ? 1 : 0);

// Lines first, so that circles lie on them.
for (const layer of record.layers.slice(1)) {
  const before = record.layers[layer.layer - 2];
  for (const edge of layer.edges) {
    const from = before.units.findIndex((unit) => unit.number === edge.from);
    const to = layer.units.findIndex((unit) => unit.number === edge.to);
    const [x1, y1] = place(before.layer, from, rows(before));
    const [x2, y2] = place(layer.layer, to, rows(layer));
    const line = { x1, y1, x2, y2 };
    const hit = make("line", { ...line, class: "edge-hit", tabindex: record.stops ? 0 : -1, role: "img", "aria-label": edge.label }, svg);
    const kind = edge.weight < 0 ? "minus" : "plus";
    make("line", { ...line, class: `edge ${kind}`, "stroke-width": edge.width, "data-layer": layer.layer }, svg);
    tell(hit, edge.text);
  }
}
for (const layer of record.layers) {
  make("text", { x: COLUMN * (layer.layer - 0.5), y: 20, class: "name" }, svg, layer.name);
  layer.units.forEach((unit, position) => {
    const [x, y] = place(layer.layer, position, rows(layer));
    const group = make("g", { class: "unit", tabindex: 0, role: "img", "aria-label": unit.label, "data-layer": layer.layer }, svg);
    make("circle", { cx: x, cy: y, r: RADIUS }, group);
    make("text", { x, y: y + 4, class: "a", "data-layer": layer.layer }, group, unit.a);
    if (unit.delta) {
      const flipped = unit.flipped ? " flipped" : "";
      make("text", { x, y: y + RADIUS + 15, class: "delta", "data-layer": layer.layer }, group, unit.delta);
      make("text", { x, y: y + RADIUS + 30, class: `share${flipped}`, "data-layer": layer.layer }, group, unit.share);
    }
    tell(group, unit.text);
  });
  if (layer.more) {
    const [x, y] = place(layer.layer, layer.units.length, rows(layer));
    make("text", { x, y, class: "name" }, svg, `… ${layer.more} more`);
  }
}

function tell(element, text) {
  const show = () => { document.getElementById("detail").textContent = text; };
  element.addEventListener("mouseenter", show);
  element.addEventListener("focus", show);
}

// Playing: each step says which layers have their a, which have their δ, and what is being done now.
const slider = document.getElementById("step");
slider.max = record.steps.length - 1;
const shares = document.getElementById("shares");

function play(number) {
  const now = Math.min(Math.max(number, 0), record.steps.length - 1);
  const step = record.steps[now];
  slider.value = now;
  document.getElementById("caption").textContent = `${now + 1} of ${record.steps.length}. ${step.text}`;
  const layerOf = (element) => Number(element.dataset.layer);
  for (const text of svg.querySelectorAll("text.a")) text.style.visibility = layerOf(text) <= step.forward ? "visible" : "hidden";
  for (const text of svg.querySelectorAll("text.delta")) text.style.visibility = layerOf(text) >= step.backward ? "visible" : "hidden";
  for (const text of svg.querySelectorAll("text.share")) {
    text.style.visibility = shares.checked && layerOf(text) >= step.backward ? "visible" : "hidden";
  }
  for (const unit of svg.querySelectorAll(".unit")) unit.classList.toggle("now", layerOf(unit) === step.units);
  for (const edge of svg.querySelectorAll(".edge")) {
    edge.classList.toggle("now", layerOf(edge) === step.edges);
    edge.classList.toggle("back", layerOf(edge) === step.edges && step.back);
  }
}

shares.addEventListener("change", () => play(Number(slider.value)));
slider.addEventListener("input", () => play(Number(slider.value)));
document.getElementById("back").addEventListener("click", () => play(Number(slider.value) - 1));
document.getElementById("next").addEventListener("click", () => play(Number(slider.value) + 1));
document.addEventListener("keydown", (event) => {
  if (event.target === slider) return; // it moves by itself
  const move = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (move) { event.preventDefault(); play(Number(slider.value) + move); }
});
play(0);

// The plane of two inputs: the first output's size, or the class with the largest.
const canvas = document.getElementById("plane");
if (canvas && record.plane) {
  const { outputs, points, low, high, classes } = record.plane;
  const n = outputs.length, context = canvas.getContext("2d");
  const all = outputs.flat().map((values) => values[0]), least = Math.min(...all), largest = Math.max(...all);
  const colour = (values) => {
    if (classes) return `hsl(${(values.indexOf(Math.max(...values)) * 360) / values.length} 55% 65%)`;
    const share = largest > least ? (values[0] - least) / (largest - least) : 0.5;
    return `hsl(${share < 0.5 ? 14 : 207} ${Math.round(130 * Math.abs(share - 0.5))}% ${Math.round(88 - 70 * Math.abs(share - 0.5))}%)`;
  };
  const size = canvas.width / n;
  const least4 = least.toPrecision(4), largest4 = largest.toPrecision(4);
  document.getElementById("legend").textContent = classes
    ? "Each colour is the class whose output is largest there."
    : `The first output goes from ${least4} (red) to ${largest4} (blue).`;
  outputs.forEach((line, row) => line.forEach((values, column) => {
    context.fillStyle = colour(values);
    context.fillRect(column * size, canvas.height - (row + 1) * size, size + 1, size + 1);
  }));
  for (const point of points) {
    const x = ((point.x[0] - low[0]) / (high[0] - low[0])) * canvas.width;
    const y = canvas.height - ((point.x[1] - low[1]) / (high[1] - low[1])) * canvas.height;
    context.beginPath();
    context.arc(x, y, point.here ? 13 : 6, 0, 7);
    context.fillStyle = colour(point.y);
    if (!point.here) context.fill();
    context.lineWidth = point.here ? 5 : 2;
    context.strokeStyle = "#111";
    context.stroke();
  }
}
