"""Which gradient check misses faults, and which raises false alarms: ours, and the rules of three others.

Random networks of 1 to 9 layers, with every activation and loss, dropout, penalties, class weights and
ReLUs close to their corner. Each check sees the right gradient, and every planted fault that changes a
number by more than 1e-6 of itself. The others' rules are theirs with their default settings, put to the
same costs and gradients:

- torch.autograd.gradcheck: central differences, step 1e-6; |a − n| ≤ 1e-5 + 1e-3 |n| for every element.
- jax.test_util.check_grads: one random direction, central difference, step 1e-4; |a − n| ≤ 1e-5 + 1e-5 |n|.
- scipy.optimize.check_grad: forward differences, step 1.49e-8; the 2-norm of a − n, here held against 1e-6
  (SciPy prints the number and leaves the verdict to its user).

Run ``python benchmarks/gradient_checks.py`` in the project's folder; it writes docs/gradient-checks.md.
"""

import argparse
import math
import textwrap
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from bpnet import __version__
from bpnet.core.activations import ACTIVATIONS
from bpnet.core.arrays import Array
from bpnet.core.losses import LOSSES, refusal
from bpnet.core.network import Layer, draw_masks
from bpnet.inspection.gradient_check import check_gradients
from bpnet.inspection.mistakes import Tensors, tensors_of
from bpnet.inspection.point import Point
from bpnet.inspection.probe import draw_network, draw_targets
from bpnet.inspection.self_test import Looked, changed, faults, look_at
from bpnet.inspection.tensors import check_tensors

PAIRS = [(a, loss) for loss in LOSSES for a in ACTIVATIONS if refusal(loss, a) is None]
MOST_LAYERS, WIDEST, MOST_SAMPLES = 9, 6, 5
NEAR = 3e-7
"""How close to its corner a ReLU is put in some networks: nearer than a usual step of 1e-6."""

_AGREE = 1e-3
"""Relative difference between the precisions from which an element is nothing but rounding."""

OTHERS = ("torch.autograd.gradcheck", "jax.test_util.check_grads", "scipy.optimize.check_grad")


def random_point(seed: int) -> Point:
    """Draw a network, a batch and a cost."""
    rng = np.random.default_rng(seed)
    count = int(rng.integers(1, MOST_LAYERS + 1))
    sizes = rng.integers(1, WIDEST + 1, size=count + 1).tolist()
    output, name = PAIRS[rng.integers(len(PAIRS))]
    names = [*rng.choice(list(ACTIVATIONS), size=count - 1), output]
    dropouts = [*rng.choice([0.0, 0.0, 0.3], size=count - 1).tolist(), 0.0]
    layers = [
        Layer(n_in, n_out, ACTIVATIONS.create(str(activation)), dropout)
        for n_in, n_out, activation, dropout in zip(sizes, sizes[1:], names, dropouts, strict=False)
    ]
    network, n = draw_network(layers, rng), int(rng.integers(1, MOST_SAMPLES + 1))
    loss = LOSSES.create(name)
    point = Point(
        name=f"network {seed}",
        network=network,
        X=rng.standard_normal((n, sizes[0])),
        Y=draw_targets(loss, n, sizes[-1], rng),
        loss=loss,
        sample_weight=rng.uniform(0.5, 2, n) if rng.random() < 0.3 else None,  # noqa: PLR2004 - three in ten
        weight_decay=float(rng.choice([0.0, 0.0, 0.01, 0.3])),
        masks=draw_masks(network, n, rng),
    )
    return near_a_corner(point, rng) if rng.random() < 0.3 else point  # noqa: PLR2004 - three in ten


def near_a_corner(point: Point, rng: np.random.Generator) -> Point:
    """Shift one bias so that one unit with a corner lies next to it on one sample."""
    network = point.network
    corners = [l for l, layer in network.layers.items() if layer.activation.kinks]
    if not corners:
        return point
    l = int(rng.choice(corners))
    sample, unit = rng.integers(len(point.X)), rng.integers(network.layers[l].n_out)
    z = point.forward().z[l][sample, unit]
    moved = network.with_parameters(network.parameters.copy())
    moved.b[l][unit] -= z - NEAR * rng.choice([-1, 1])
    return replace(point, network=moved)


class Differences:
    """Costs around a point, as the other checks compute them."""

    def __init__(self, point: Point) -> None:
        self.point, self.parameters = point, point.network.parameters
        self.start = self.cost(self.parameters)
        eye = np.eye(len(self.parameters))
        self.central = np.array([self._central(direction, 1e-6) for direction in eye])
        step = math.sqrt(np.finfo(np.float64).eps)
        self.forward = np.array([(self.cost(self.parameters + step * d) - self.start) / step for d in eye])
        self.direction = np.random.default_rng(0).standard_normal(len(self.parameters))
        self.along = self._central(self.direction, 1e-4)

    def cost(self, parameters: Array) -> float:
        moved = self.point.at(parameters)
        return moved.cost(moved.forward())

    def _central(self, direction: Array, step: float) -> float:
        ahead, behind = (self.cost(self.parameters + sign * step * direction) for sign in (1, -1))
        return (ahead - behind) / (2 * step)

    def verdicts(self, gradient: Array) -> dict[str, bool]:
        """Whether each of the other rules lets a gradient pass."""
        along = float(np.dot(gradient, self.direction))
        return {
            OTHERS[0]: bool((np.abs(gradient - self.central) <= 1e-5 + 1e-3 * np.abs(self.central)).all()),
            OTHERS[1]: abs(along - self.along) <= 1e-5 + 1e-5 * abs(self.along),
            OTHERS[2]: float(np.linalg.norm(gradient - self.forward)) <= 1e-6,  # noqa: PLR2004 - see the top
        }


def planted(looked: Looked) -> Iterator[tuple[str, Tensors]]:
    """Every fault that changes a number, in all its variants; what is nothing but rounding is no number.

    That goes for the right numbers and for the faults' own: planted once more where every parameter is one
    rounding away, a fault's numbers must come out the same.
    """
    real = not_rounding(looked)
    right = {
        key: looked.numeric.values[key].reshape(array.shape)
        for key, array in tensors_of(looked.gradients).items()
    }
    nudged = [look_at(point, 10.0) for point in one_rounding_away(looked.point)]
    for name, plant in faults().items():
        for spoilt, *again in zip(plant(looked), *map(plant, nudged), strict=True):
            kept = {
                key: np.where(
                    np.all([real[key], *(_same(array, each[key]) for each in again)], axis=0),
                    array,
                    right[key],
                )
                for key, array in spoilt.items()
            }
            if changed(looked, kept):
                yield name, spoilt


def one_rounding_away(point: Point) -> Iterator[Point]:
    """Draw points where every parameter has moved by its last digit."""
    rng, parameters = np.random.default_rng(0), point.network.parameters
    for _ in range(3):
        signs = rng.choice([-1.0, 1.0], parameters.shape)
        yield point.at(parameters * (1 + np.finfo(np.float64).eps * signs))


def _same(first: Array, second: Array) -> Array:
    """Which elements are the same but for rounding; those that are not finite count as the same."""
    with np.errstate(invalid="ignore"):
        return (np.abs(first - second) <= _AGREE * np.abs(first)) | ~np.isfinite(first)


def not_rounding(looked: Looked) -> dict[tuple[str, int], Array]:
    """Elements that come out the same in extended precision; any other is 0 but for rounding."""
    point = looked.point
    extended = replace(
        point.at(point.network.parameters.astype(np.longdouble)),
        X=point.X.astype(np.longdouble),
        Y=point.Y.astype(np.longdouble),
    )
    precise = tensors_of(extended.backward(extended.forward()))
    return {key: _same(precise[key], array) for key, array in tensors_of(looked.gradients).items()}


def flat(point: Point, tensors: Tensors) -> Array:
    """A gradient as one vector, in the order of the parameters."""
    laid = point.network.with_parameters(np.empty_like(point.network.parameters))
    for (name, l), array in tensors.items():
        (laid.W if name == "W" else laid.b)[l][...] = array
    return laid.parameters


def run(
    networks: int, tell: Callable[[str], None]
) -> tuple[Counter[str], Counter[tuple[str, str]], Counter[str], float]:
    """False alarms of each check; faults missed, by check and fault; faults planted; our largest error."""
    alarms: Counter[str] = Counter()
    missed: Counter[tuple[str, str]] = Counter()
    total: Counter[str] = Counter()
    largest = 0.0
    for seed in range(networks):
        point = random_point(seed)
        check = check_gradients([point])
        largest = max(largest, check.max_relative_error or 0.0)
        if check.verdict != "pass" or check.self_test.caught != check.self_test.planted:
            alarms["bpnet grad-check"] += 1
            tell(f"network {seed}: {check.verdict}, {check.diagnosis}")
        looked, around = look_at(point, 10.0), Differences(point)
        for rule, passes in around.verdicts(looked.gradients.flat).items():
            alarms[rule] += not passes
        for name, spoilt in planted(looked):
            total[name] += 1
            ours = all(each.verdict == "pass" for each in check_tensors(spoilt, looked.numeric))
            rules = {"bpnet grad-check": ours, **around.verdicts(flat(point, spoilt))}
            for rule, passes in rules.items():
                missed[rule, name] += passes
            if ours:
                tell(f"network {seed}: {name} missed")
        if (seed + 1) % 100 == 0:
            tell(f"{seed + 1} networks")
    return alarms, missed, total, largest


def table(
    networks: int, seconds: float, result: tuple[Counter[str], Counter[tuple[str, str]], Counter[str], float]
) -> str:
    """The document."""
    alarms, missed, total, largest = result
    rules = ("bpnet grad-check", *OTHERS)
    lines = [
        "# Gradient checks compared",
        "",
        *textwrap.wrap(
            f"Written by `python benchmarks/gradient_checks.py --networks {networks}` in {seconds:.0f} s, "
            f"with bpnet {__version__} and NumPy {np.__version__}: {networks:,} random networks of 1 to "
            f"{MOST_LAYERS} layers, with every activation and loss, dropout, penalties, sample weights, and "
            "in three of ten one unit of a ReLU (or another activation with a corner) nearer to it than a "
            "usual step. Every check sees the same costs and gradients; the others' rules are theirs with "
            "default settings, as the script's heading says.",
            width=115,
        ),
        "",
        f"| Check | False alarms, of {networks:,} | Faults missed, of {total.total():,} |",
        "|---|---:|---:|",
    ]
    for rule in rules:
        misses = sum(count for (name, _), count in missed.items() if name == rule)
        lines.append(f"| {rule} | {alarms[rule]:,} | {misses:,} ({100 * misses / total.total():.1f} %) |")
    lines += [
        "",
        f"The largest relative error of a right gradient was {largest:.1e}; `grad-check` lets 1e-8 pass.",
        "",
        "Faults missed, by kind:",
        "",
        "| Planted fault | Planted | " + " | ".join(rules) + " |",
        "|---|---:|" + "---:|" * len(rules),
    ]
    for name, count in total.items():
        lines.append(
            f"| {name} | {count:,} | " + " | ".join(f"{missed[rule, name]:,}" for rule in rules) + " |"
        )
    return "\n".join(lines) + "\n"


def main() -> None:
    """Run, print what is remarkable, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--networks", type=int, default=1000)
    parser.add_argument(
        "--output", type=Path, default=Path(__file__).parent.parent / "docs" / "gradient-checks.md"
    )
    options = parser.parse_args()
    started = time.perf_counter()
    result = run(options.networks, lambda text: print(text, flush=True))
    options.output.write_text(table(options.networks, time.perf_counter() - started, result), "utf-8")


if __name__ == "__main__":
    main()
