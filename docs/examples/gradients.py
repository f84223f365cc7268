"""Gradients of a case by back-propagation, in plain Python: python gradients.py case.json mine.json."""

import json
import math
import sys

VALUE = {"sigmoid": lambda z: 1 / (1 + math.exp(-z)), "tanh": math.tanh, "identity": float}
SLOPE = {"sigmoid": lambda a: a * (1 - a), "tanh": lambda a: 1 - a * a, "identity": lambda a: 1.0}

with open(sys.argv[1], encoding="utf-8") as file:
    case = json.load(file)
layers, decay, n = case["layers"], case["weight_decay"], len(case["inputs"])
if case["loss"] != "quadratic" or any("dropout_mask" in layer for layer in layers):
    sys.exit("This example knows the quadratic loss only, and no dropout.")
# The penalty comes first: ½λΣw² has the gradient λw, and leaves the biases alone.
gradients = [{"W": [[decay * w for w in row] for row in x["W"]], "b": [0.0 for _ in x["b"]]} for x in layers]
for x, y, weight in zip(case["inputs"], case["targets"], case["sample_weight"] or [1.0] * n):
    outputs = [x]
    for layer in layers:  # forward: z = W a + b, a = σ(z)
        z = [b + sum(w * a for w, a in zip(row, outputs[-1])) for row, b in zip(layer["W"], layer["b"])]
        outputs.append([VALUE[layer["activation"]](each) for each in z])
    error = [(a - t) * weight / n for a, t in zip(outputs[-1], y)]  # C is a mean of ½Σ(a − y)²
    for l in reversed(range(len(layers))):
        slope = SLOPE[layers[l]["activation"]]
        delta = [e * slope(a) for e, a in zip(error, outputs[l + 1])]  # BP1 at the output, else BP2
        for j, d in enumerate(delta):
            gradients[l]["b"][j] += d  # BP3
            for k, a in enumerate(outputs[l]):
                gradients[l]["W"][j][k] += d * a  # BP4
        error = [sum(row[k] * d for row, d in zip(layers[l]["W"], delta)) for k in range(len(outputs[l]))]
with open(sys.argv[2], "w", encoding="utf-8") as file:
    json.dump({"gradients": gradients}, file)
