// Gradients of a case by back-propagation, in JavaScript: node gradients.js case.json mine.json
const fs = require("fs");

const value = { sigmoid: (z) => 1 / (1 + Math.exp(-z)), tanh: Math.tanh, identity: (z) => z };
const slope = { sigmoid: (a) => a * (1 - a), tanh: (a) => 1 - a * a, identity: () => 1 };
const sum = (numbers) => numbers.reduce((total, each) => total + each, 0);

const { loss, layers, inputs, targets, weight_decay: decay, sample_weight: weights } = JSON.parse(
  fs.readFileSync(process.argv[2], "utf8"),
);
if (loss !== "quadratic" || layers.some((layer) => layer.dropout_mask)) {
  throw new Error("This example knows the quadratic loss only, and no dropout.");
}
// The penalty comes first: ½λΣw² has the gradient λw, and leaves the biases alone.
const gradients = layers.map(({ layer, W, b }) => (
  { layer, W: W.map((row) => row.map((w) => decay * w)), b: b.map(() => 0) }
));
inputs.forEach((x, s) => {
  const outputs = [x];
  for (const { W, b, activation } of layers) { // forward: z = W a + b, a = σ(z)
    const before = outputs.at(-1);
    outputs.push(W.map((row, j) => value[activation](b[j] + sum(row.map((w, k) => w * before[k])))));
  }
  const share = (weights ? weights[s] : 1) / inputs.length; // C is a mean of ½Σ(a − y)²
  let error = outputs.at(-1).map((a, j) => (a - targets[s][j]) * share);
  for (let l = layers.length - 1; l >= 0; l--) {
    const delta = error.map((e, j) => e * slope[layers[l].activation](outputs[l + 1][j])); // BP1, BP2
    delta.forEach((d, j) => {
      gradients[l].b[j] += d; // BP3
      outputs[l].forEach((a, k) => { gradients[l].W[j][k] += d * a; }); // BP4
    });
    error = outputs[l].map((_, k) => sum(delta.map((d, j) => layers[l].W[j][k] * d)));
  }
});
fs.writeFileSync(process.argv[3], JSON.stringify({ gradients }));
