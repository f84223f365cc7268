"""Back-propagation as learners write it: each program has a mistake that somebody made, or asked about.

Every function reads a case as ``bpnet grad-check --case`` writes it and returns gradients as ``--gradients``
takes them. The comment above each names the thread; the code is ours. None of it uses bpnet.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Case = Mapping[str, Any]
Answer = list[dict[str, Any]]
Array = npt.NDArray[Any]


def sigmoid(x: Array) -> Array:
    result: Array = 1 / (1 + np.exp(-x))
    return result


def relu(x: Array) -> Array:
    return np.maximum(x, 0)


def softmax(x: Array) -> Array:
    e = np.exp(x - x.max(axis=1, keepdims=True))
    shares: Array = e / e.sum(axis=1, keepdims=True)
    return shares


FUNCTIONS: dict[str, Callable[[Array], Array]] = {
    "sigmoid": sigmoid,
    "tanh": np.tanh,
    "relu": relu,
    "softmax": softmax,
    "identity": np.copy,
}


def read(case: Case) -> tuple[list[Array], list[Array], Array, Array]:
    """Weights, biases, inputs and targets; layer 2 stands at 0."""
    W = [np.array(layer["W"]) for layer in case["layers"]]
    b = [np.array(layer["b"]) for layer in case["layers"]]
    return W, b, np.array(case["inputs"]), np.array(case["targets"])


def forward(case: Case) -> tuple[list[Array], list[Array], list[Array], Array]:
    """Weights, weighted inputs, outputs of all layers with the inputs before them, and targets."""
    W, b, x, y = read(case)
    zs, outs = [], [x]
    for layer, weights, biases in zip(case["layers"], W, b, strict=True):
        zs.append(outs[-1] @ weights.T + biases)
        out = FUNCTIONS[layer["activation"]](zs[-1])
        outs.append(out * np.array(layer.get("dropout_mask", 1.0)))
    return W, zs, outs, y


def slope(a: Array) -> Array:
    derivative: Array = a * (1 - a)
    return derivative


def answer(dW: Sequence[Array], db: Sequence[Array]) -> Answer:
    return [
        {"layer": layer, "W": w.tolist(), "b": b.tolist()}
        for layer, (w, b) in enumerate(zip(dW, db, strict=True), start=2)
    ]


def from_deltas(deltas: Sequence[Array], outs: Sequence[Array]) -> Answer:
    """The products, done right: deltas from the first hidden layer on, the mean over the samples taken."""
    return answer([d.T @ a for d, a in zip(deltas, outs, strict=False)], [d.sum(axis=0) for d in deltas])


# Without a mistake: what all of the following should have been.


def right(case: Case) -> Answer:
    W, _, outs, y = forward(case)
    delta = (outs[-1] - y) * slope(outs[-1]) / len(y)
    deltas = [delta]
    for weights, a in zip(reversed(W[1:]), reversed(outs[1:-1]), strict=True):
        delta = delta @ weights * slope(a)
        deltas.insert(0, delta)
    return from_deltas(deltas, outs)


# The slopes


# GitHub, jiexunsee/Neural-Network-with-Python#1: "Problem in Error/Delta for layer 3".
def no_slope_at_the_output(case: Case) -> Answer:
    W, _, (x, h, out), y = forward(case)
    output_delta = (out - y) / len(y)
    hidden_delta = output_delta @ W[1] * h * (1 - h)
    return from_deltas([hidden_delta, output_delta], [x, h])


# GitHub, makeyourownneuralnetwork/makeyourownneuralnetwork#88: "Confusing about the error back propagation
# equation", where the hidden error is the weights times the error behind it, and no more.
def no_slope_at_hidden_layers(case: Case) -> Answer:
    W, _, outs, y = forward(case)
    deltas = [(outs[-1] - y) * outs[-1] * (1 - outs[-1]) / len(y)]
    for weights in reversed(W[1:]):
        deltas.insert(0, deltas[0] @ weights)
    return from_deltas(deltas, outs)


# GitHub, BoltzmannEntropy/interviews.ai#4: "CH.SOL- 5.21": the slope is y(1 − y), not x(1 − x).
def slope_formula_fed_with_z(case: Case) -> Answer:
    W, (z1, z2), (x, h, out), y = forward(case)
    d2 = (out - y) * z2 * (1 - z2) / len(y)
    d1 = d2 @ W[1] * z1 * (1 - z1)
    return from_deltas([d1, d2], [x, h])


# GitHub, dwhitena/gophernet#6: "Calculating slope using sigmoid prime in training": the derivative, which
# applies the sigmoid itself, is given the layer's output.
def slope_at_a(case: Case) -> Answer:
    def sigmoid_prime(v: Array) -> Array:
        return slope(sigmoid(v))

    W, _, (x, h, out), y = forward(case)
    d2 = (out - y) * sigmoid_prime(out) / len(y)
    d1 = d2 @ W[1] * sigmoid_prime(h)
    return from_deltas([d1, d2], [x, h])


# GitHub, ttezel/nn#8: "SGD": whatever the activation, the derivative is the sigmoid's.
def sigmoid_slope_everywhere(case: Case) -> Answer:
    W, _, outs, y = forward(case)
    delta = (outs[-1] - y) / len(y)
    deltas: list[Array] = []
    for k in range(len(W) - 1, -1, -1):
        delta = delta * outs[k + 1] * (1 - outs[k + 1])
        deltas.insert(0, delta)
        delta = delta @ W[k]
    return from_deltas(deltas, outs)


# GitHub, jeffheaton/encog-dotnet-core#124: "Wrong derivative in RELU Activation": it has the sigmoid's.
def sigmoid_slope_for_relu(case: Case) -> Answer:
    W, (z1, _), (x, h, out), y = forward(case)
    s = sigmoid(z1)
    d2 = (out - y) / len(y)
    return from_deltas([d2 @ W[1] * s * (1 - s), d2], [x, h])


# GitHub, iamtrask/Grokking-Deep-Learning#13: "Modified relu() and relu2deriv": the slope of a ReLU asked of
# its output with >=, which holds everywhere.
def relu_slope_by_at_least_zero(case: Case) -> Answer:
    W, _, (x, h, out), y = forward(case)
    d2 = (out - y) / len(y)
    return from_deltas([d2 @ W[1] * (h >= 0), d2], [x, h])


# GitHub, gy910210/neural-network-from-scratch#2: "(tanx)'=sec²x=1+tan²x", and nicodjimenez/lstm#41.
def tanh_slope_of_tan(case: Case) -> Answer:
    W, _, (x, h, out), y = forward(case)
    d2 = (out - y) / len(y)
    return from_deltas([d2 @ W[1] * (1 + np.square(h)), d2], [x, h])


# GitHub, andersbll/nnet#4: "L2 regularization problem": its tanh_d is tanh once more.
def tanh_for_its_slope(case: Case) -> Answer:
    W, (z1, _), (x, h, out), y = forward(case)
    d2 = (out - y) / len(y)
    return from_deltas([d2 @ W[1] * np.tanh(z1), d2], [x, h])


# GitHub, haifengl/smile#528: "Gradient backpropagation in ReLU": "=" in place of "*=" loses what came back.
def slope_alone(case: Case) -> Answer:
    _, (z1, _), (x, h, out), y = forward(case)
    return from_deltas([(z1 > 0) / len(y), (out - y) / len(y)], [x, h])


# GitHub, KirillShmilovich/MLP-Neural-Network-From-Scratch#4: "Should the derivative of softmax be used in the
# first step of backpropagation?", where the sigmoid's is.
def sigmoid_slope_after_softmax(case: Case) -> Answer:
    W, (_, z2), (x, h, out), y = forward(case)
    d2 = (out - y) * sigmoid(z2) * (1 - sigmoid(z2)) / len(y)
    return from_deltas([d2 @ W[1] * h * (1 - h), d2], [x, h])


# GitHub, MichalDanielDobrzanski/DeepLearningPython#17: "Missing sigmoid_prime()", which a cross-entropy must
# miss; the reader who puts it in with softmax outputs has this.
def output_slope_after_softmax(case: Case) -> Answer:
    W, _, (x, h, out), y = forward(case)
    d2 = (out - y) * out * (1 - out) / len(y)
    return from_deltas([d2 @ W[1] * h * (1 - h), d2], [x, h])


# Cross Validated, 235528: "Backpropagation with Softmax / Cross Entropy", which first looks at ∂oⱼ/∂zⱼ alone.
def diagonal_of_softmax(case: Case) -> Answer:
    W, _, (x, h, out), y = forward(case)
    d2 = -y / out * out * (1 - out) / len(y)
    return from_deltas([d2 @ W[1] * h * (1 - h), d2], [x, h])


# GitHub, hunkim/DeepLearningZeroToAll#112: "Minor error in lab-10-X1, backprop process": cross-entropy
# after a sigmoid has no slope left.
def slope_with_cross_entropy(case: Case) -> Answer:
    W, _, (x, h, out), y = forward(case)
    diff = out - y
    d2 = diff * out * (1 - out) / len(y)
    return from_deltas([d2 @ W[1] * h * (1 - h), d2], [x, h])


# The way back


# GitHub, CodingTrain/Toy-Neural-Network-JS#72: "Adjust at the end"; joelgrus/data-science-from-scratch#31;
# Stack Overflow, 6013429; and the program behind Mazur's published figures.
def updated_weights(case: Case) -> Answer:
    W, _, outs, y = forward(case)
    delta = (outs[-1] - y) * slope(outs[-1]) / len(y)
    dW: list[Array] = []
    db: list[Array] = []
    for k in range(len(W) - 1, -1, -1):
        dW.insert(0, delta.T @ outs[k])
        db.insert(0, delta.sum(axis=0))
        W[k] = W[k] - case["learning_rate"] * dW[0]
        delta = delta @ W[k] * slope(outs[k])
    return answer(dW, db)


# Stack Overflow: "Backpropagation: Why doesn't error approach zero when it is multiplied by deriv of
# sigmoid?": the hidden error is made of the output's error, not of its delta. The book "Make your own neural
# network" has it too.
def errors_before_their_slopes(case: Case) -> Answer:
    W, _, outs, y = forward(case)
    error = (outs[-1] - y) / len(y)
    deltas: list[Array] = []
    for k in range(len(W) - 1, -1, -1):
        deltas.insert(0, error * slope(outs[k + 1]))
        error = error @ W[k]
    return from_deltas(deltas, outs)


# GitHub, antirez/neural-redis#19: "Maybe wrong matrix index calculation ?": rows taken for columns. In plain
# Python, one sample at a time, for layers of one width.
def weights_not_transposed(case: Case) -> Answer:
    W, _, (x, h, out), y = forward(case)
    n, width = len(y), h.shape[1]
    d2 = [[(o - t) * o * (1 - o) for o, t in zip(os, ts, strict=True)] for os, ts in zip(out, y, strict=True)]
    d1 = [
        [sum(W[1][j][k] * d2[s][k] for k in range(width)) * h[s][j] * (1 - h[s][j]) for j in range(width)]
        for s in range(n)
    ]
    return from_deltas([np.array(d1) / n, np.array(d2) / n], [x, h])


# GitHub, makeyourownneuralnetwork/makeyourownneuralnetwork#59: "why we use transpose matrix": is it not the
# inverse that undoes W?
def inverse_for_transpose(case: Case) -> Answer:
    W, _, (x, h, out), y = forward(case)
    d2 = (out - y) * slope(out) / len(y)
    d1 = (np.linalg.inv(W[1]) @ d2.T).T * slope(h)
    return from_deltas([d1, d2], [x, h])


# The products


# GitHub, iamtrask/Grokking-Deep-Learning#23: "weight_deltas calculation in case of multiple inputs and
# multiple outputs": outer_prod(input, delta) for outer_prod(delta, input). Weights kept as (n_in, n_out) give
# the same.
def transposed_products(case: Case) -> Answer:
    W, _, (x, h, out), y = forward(case)
    d2 = (out - y) * slope(out) / len(y)
    d1 = d2 @ W[1] * slope(h)
    dW1 = sum(np.outer(a, d) for a, d in zip(x, d1, strict=True))
    dW2 = sum(np.outer(a, d) for a, d in zip(h, d2, strict=True))
    return answer([np.array(dW1), np.array(dW2)], [d1.sum(axis=0), d2.sum(axis=0)])


# GitHub, maziarraissi/backprop#1: "Correct loss gradient calculated on weight": H, what goes into the
# activation, where A, what comes out, belongs.
def z_in_place_of_a(case: Case) -> Answer:
    W, (z1, _), (x, h, out), y = forward(case)
    d2 = (out - y) * slope(out) / len(y)
    d1 = d2 @ W[1] * slope(h)
    return answer([d1.T @ x, d2.T @ z1], [d1.sum(axis=0), d2.sum(axis=0)])


# GitHub, unda-ml/unda#1: "Known Issue: Backprop working improperly": data of another layer used for a layer's
# update; here an index one too high, in a network of one width.
def outputs_for_inputs(case: Case) -> Answer:
    W, _, outs, y = forward(case)
    delta = (outs[-1] - y) * slope(outs[-1]) / len(y)
    dW: list[Array] = []
    db: list[Array] = []
    for k in range(len(W) - 1, -1, -1):
        dW.insert(0, delta.T @ outs[k + 1])
        db.insert(0, delta.sum(axis=0))
        delta = delta @ W[k] * slope(outs[k])
    return answer(dW, db)


# GitHub, glouw/tinn#30: "Biases never updated"; mattm/simple-neural-network#5 and #10.
def biases_never_trained(case: Case) -> Answer:
    return [{**layer, "b": [0.0] * len(layer["b"])} for layer in right(case)]


# GitHub, rasbt/stat453-deep-learning-ss21#5: "Small error in bias-computation": a sum without an axis.
def bias_summed_over_units(case: Case) -> Answer:
    W, _, (x, h, out), y = forward(case)
    d2 = (out - y) * slope(out) / len(y)
    d1 = d2 @ W[1] * slope(h)
    db1, db2 = np.zeros(h.shape[1]), np.zeros(out.shape[1])
    db1 += np.sum(d1)
    db2 += np.sum(d2)
    return answer([d1.T @ x, d2.T @ h], [db1, db2])


# GitHub, rust0258/Deeplearning.ai-Natural-Language-Processing-Specialization#62: "The gradient for biases
# defined does not work": the inputs are multiplied in, as for weights.
def bias_from_the_products(case: Case) -> Answer:
    W, _, (x, h, out), y = forward(case)
    l2 = (out - y) * slope(out)
    l1 = l2 @ W[1] * slope(h)
    grads = [np.dot(l1.T, x) / len(y), np.dot(l2.T, h) / len(y)]
    return answer(grads, [np.sum(g, axis=1) for g in grads])


# GitHub, jacobgil/pytorch-grad-cam#57: "sorting gradients and features for multiple layer": a list filled on
# the way back begins with the last layer.
def in_reverse_order(case: Case) -> Answer:
    W, _, outs, y = forward(case)
    delta = (outs[-1] - y) * slope(outs[-1]) / len(y)
    dW: list[Array] = []
    db: list[Array] = []
    for k in range(len(W) - 1, -1, -1):
        dW.append(delta.T @ outs[k])
        db.append(delta.sum(axis=0))
        delta = delta @ W[k] * slope(outs[k])
    return answer(dW, db)


# The batch


def of_one_sample(case: Case, s: int) -> tuple[list[Array], list[Array]]:
    alone = {**case, "inputs": [case["inputs"][s]], "targets": [case["targets"][s]]}
    layers = right(alone)
    return [np.array(each["W"]) for each in layers], [np.array(each["b"]) for each in layers]


# GitHub, hunkim/DeepLearningZeroToAll#173: "Our manual backprop weight average is missing".
def summed_over_the_batch(case: Case) -> Answer:
    samples = [of_one_sample(case, s) for s in range(len(case["targets"]))]
    dW = [np.array(sum(each)) for each in zip(*(w for w, _ in samples), strict=True)]
    db = [np.array(sum(each)) for each in zip(*(b for _, b in samples), strict=True)]
    return answer(dW, db)


# GitHub, SkalskiP/ILearnDeepLearning.py#29: "Numpy deep neural network": where the loss's derivative has the
# 1/m already, each layer's products must not have it again.
def mean_taken_twice(case: Case) -> Answer:
    W, _, (x, h, out), y = forward(case)
    m = len(y)
    dZ2 = (out - y) / m * slope(out)
    dZ1 = dZ2 @ W[1] * slope(h)
    return answer([dZ1.T @ x / m, dZ2.T @ h / m], [dZ1.sum(axis=0) / m, dZ2.sum(axis=0) / m])


# GitHub, jbarrow/LambdaNet#5: "Update BackpropTrainer.hs": each sample's gradients must be added to the last.
def only_the_last_sample(case: Case) -> Answer:
    dW: list[Array] = []
    db: list[Array] = []
    for s in range(len(case["targets"])):
        dW, db = of_one_sample(case, s)
    return answer(dW, db)


# The same, with the mean taken of what is left.
def only_the_last_sample_of_the_mean(case: Case) -> Answer:
    n = len(case["targets"])
    dW, db = of_one_sample(case, n - 1)
    return answer([w / n for w in dW], [b / n for b in db])


# The cost


# GitHub, vzhou842/neural-network-from-scratch#2: "Loss functions and their derivatives"; the 2 of a square,
# for a cost that has ½ before it. In plain Python, without arrays.
def square_without_the_half(case: Case) -> Answer:
    (w1, w2), (b1, b2) = zip(*((layer["W"], layer["b"]) for layer in case["layers"]), strict=True)
    dW1, dW2 = [[0.0] * len(row) for row in w1], [[0.0] * len(row) for row in w2]
    db1, db2 = [0.0] * len(b1), [0.0] * len(b2)
    for x, y in zip(case["inputs"], case["targets"], strict=True):
        h = [1 / (1 + math.exp(-b - sum(map(float.__mul__, row, x)))) for row, b in zip(w1, b1, strict=True)]
        for j, (row, b) in enumerate(zip(w2, b2, strict=True)):
            o = 1 / (1 + math.exp(-b - sum(map(float.__mul__, row, h))))
            d = -2 * (y[j] - o) * o * (1 - o) / len(case["inputs"])
            db2[j] += d
            for k, a in enumerate(h):
                dW2[j][k] += d * a
                e = d * row[k] * a * (1 - a)
                db1[k] += e
                for i, value in enumerate(x):
                    dW1[k][i] += e * value
    return [{"W": dW1, "b": db1}, {"W": dW2, "b": db2}]


# GitHub, Open-Deep-ML/DML-OpenProblem#54: "25 Single Neuron with Backpropagation", on 2/n and 1/n: a mean of
# squares over the outputs too.
def mean_of_squares(case: Case) -> Answer:
    W, _, (x, h, out), y = forward(case)
    d2 = 2 * (out - y) / y.size * slope(out)
    d1 = d2 @ W[1] * slope(h)
    return from_deltas([d1, d2], [x, h])


# GitHub, dennybritz/nn-from-scratch#11: "Wrong sign in expression for \delta_3?"
def target_minus_output(case: Case) -> Answer:
    W, _, (x, h, out), y = forward(case)
    delta3 = (y - out) / len(y)
    return from_deltas([delta3 @ W[1] * (1 - h**2), delta3], [x, h])


# Stack Exchange: "Backpropagation Demo Gives Always the Same Result After Training", which returns changes of
# weights, learning rate and all; its further mistake is in ``weights_for_inputs``.
def the_step(case: Case) -> Answer:
    rate = case["learning_rate"]
    return [
        {**each, "W": (np.array(each["W"]) * rate).tolist(), "b": (np.array(each["b"]) * rate).tolist()}
        for each in right(case)
    ]


def regularized(case: Case, weights: float, biases: float = 0.0, loss: float = 1.0) -> Answer:
    """Gradients of the loss, times ``loss``, and so many times W and b added."""
    W, b, *_ = read(case)
    return answer(
        [loss * np.array(each["W"]) + weights * w for each, w in zip(right(case), W, strict=True)],
        [loss * np.array(each["b"]) + biases * v for each, v in zip(right(case), b, strict=True)],
    )


# GitHub, zyxue/stanford-cs229#25: "PS4 1(b)": what back-propagation needs when the loss is regularized.
def penalty_forgotten(case: Case) -> Answer:
    return right(case)


# GitHub, bruceoutdoors/CS231n#9: "Error in svm_loss_naive method"; titu1994/DenseNet#57: 2·reg·W belongs to a
# penalty without ½.
def penalty_doubled(case: Case) -> Answer:
    return regularized(case, 2 * case["weight_decay"])


# GitHub, andersbll/nnet#4: "L2 regularization problem": minus weight_decay times W.
def penalty_subtracted(case: Case) -> Answer:
    return regularized(case, -case["weight_decay"])


# GitHub, stephencwelch/Neural-Networks-Demystified#15: "Regularization parameter typo?", which also asks
# where X.shape[0] belongs; JWarmenhoven/Coursera-Machine-Learning#3 divides the penalty by it.
def penalty_divided_by_samples(case: Case) -> Answer:
    return regularized(case, case["weight_decay"] / len(case["targets"]))


# GitHub, rasmusbergpalm/DeepLearnToolbox#32: "L2 regularization of bias terms".
def penalty_on_biases(case: Case) -> Answer:
    return regularized(case, case["weight_decay"], case["weight_decay"])


# GitHub, stephencwelch/Neural-Networks-Demystified#15 again: the video's loss has no division, the penalty's
# part is right.
def loss_summed_beside_a_penalty(case: Case) -> Answer:
    return regularized(case, case["weight_decay"], loss=len(case["targets"]))


# GitHub, Mr-TalhaIlyas/Loss-Functions-Package-Tensorflow-Keras-PyTorch#3: "Weights are passed as argumens but
# never used".
def class_weights_never_used(case: Case) -> Answer:
    return right(case)


# GitHub, pytorch/pytorch#15258: "DOC err:torch.nn.CrossEntropyLoss": a weighted mean is one over the sum of
# the weights.
def divided_by_the_weights(case: Case) -> Answer:
    weight = np.array(case["sample_weight"])
    samples = [of_one_sample(case, s) for s in range(len(weight))]
    share = weight / weight.sum()
    dW = [
        np.array(sum(s * w for s, w in zip(share, each, strict=True)))
        for each in zip(*(w for w, _ in samples), strict=True)
    ]
    db = [
        np.array(sum(s * b for s, b in zip(share, each, strict=True)))
        for each in zip(*(b for _, b in samples), strict=True)
    ]
    return answer(dW, db)


def dropped(case: Case, mask: Array | float) -> Answer:
    W, zs, (x, h, out), y = forward(case)
    d2 = (out - y) * slope(out) / len(y)
    return from_deltas([d2 @ W[1] * mask * slope(sigmoid(zs[0])), d2], [x, h])


# GitHub, ddbourgin/numpy-ml#94: "Backpropagation of dropout wrapper does not apply the mask", only the scale.
def dropout_scale_without_mask(case: Case) -> Answer:
    return dropped(case, np.array(case["layers"][0]["dropout_mask"]).max())


# GitHub, iamtrask/Grokking-Deep-Learning#68: "chap8:layer_1_delta *= dropout_mask": need it be multiplied?
def dropout_forgotten(case: Case) -> Answer:
    return dropped(case, 1.0)


# Two mistakes at once


# GitHub, Bot-Academy/NeuralNetworkFromScratch#3: "Fixed formally wrong backpropagation/gradient descent": no
# slope at the output, and weights updated too early.
def no_output_slope_and_updated_weights(case: Case) -> Answer:
    W, _, (x, h, out), y = forward(case)
    d2 = (out - y) / len(y)
    dW2 = d2.T @ h
    W[1] -= case["learning_rate"] * dW2
    d1 = d2 @ W[1] * slope(h)
    return answer([d1.T @ x, dW2], [d1.sum(axis=0), d2.sum(axis=0)])


# Stack Overflow: "Backpropagation: Why doesn't error approach zero when it is multiplied by deriv of
# sigmoid?": its hidden delta has the output's error itself, with neither the weights nor the slope behind it.
def error_itself_at_the_hidden_layer(case: Case) -> Answer:
    _, _, (x, h, out), y = forward(case)
    error = (out - y) / len(y)
    return from_deltas([error * slope(h), error * slope(out)], [x, h])


# GitHub, bighuang624/Andrew-Ng-Deep-Learning-notes#10: "mistakes in 3.Gradient+Checking": a 2 and a 4 left in
# two lines of the exercise.
def two_factors_left_in(case: Case) -> Answer:
    first, *rest = right(case)
    first = {**first, "b": (4.0 * np.array(first["b"])).tolist()}
    second = {**rest[0], "W": (2.0 * np.array(rest[0]["W"])).tolist()}
    return [first, second, *rest[1:]]


# GitHub, louisjc/mnist-neural-network#1: "Bugs?": two, whose correction brings in the slopes of both layers.
def no_slope_anywhere(case: Case) -> Answer:
    W, _, (x, h, out), y = forward(case)
    d2 = (out - y) / len(y)
    return from_deltas([d2 @ W[1], d2], [x, h])


# Not among the known


# Stack Exchange: "Backpropagation Demo Gives Always the Same Result After Training": each weight's change has
# the weight itself where its input belongs.
def weights_for_inputs(case: Case) -> Answer:
    W, _, _, _ = forward(case)
    return [
        {**each, "W": (np.array(each["b"])[:, None] * w).tolist()}
        for each, w in zip(right(case), W, strict=True)
    ]
