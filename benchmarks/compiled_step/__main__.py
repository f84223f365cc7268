"""What a compiled step would bring: ``python benchmarks/compiled_step`` records one step and compiles it.

The step is the trainer's own ``forward``, ``backward`` and optimizer, run once on arrays that note each
operation. Numba compiles what was noted, for a whole epoch of batches. Printed are both times of a step, and
how far the parameters are apart after an epoch. Needs ``pip install numba scipy``. See
docs/adr/0007-compiled-step.md.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
import numpy as np
from recording import Array, Factor, Operation, Recorded
from threadpoolctl import threadpool_limits
from writing import Writer

from bpnet.core.activations import ACTIVATIONS
from bpnet.core.backprop import Workspace, backward
from bpnet.core.initializers import INITIALIZERS
from bpnet.core.losses import LOSSES, Loss
from bpnet.core.network import Layer, Network, forward, initialise
from bpnet.core.optimizers import Sgd

sys.path.append(str(Path(__file__).parents[1] / "speed"))
from workloads import WORKLOADS, Workload

_ROWS, _TURNS, _RATE = 1_440, 15, 0.1


def main() -> None:
    """Print a line for each small workload; with --source, what was compiled."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--source", action="store_true", help="print the compiled function's body")
    options = parser.parse_args()
    for workload in WORKLOADS:
        if workload.optimizer == "sgd" and workload.name != "wide":
            print(_compare(workload, source=options.source))


def _compare(workload: Workload, *, source: bool) -> str:
    network, loss = _network(workload), LOSSES.create(workload.loss)
    rng = np.random.default_rng(1)
    X = rng.random((_ROWS, workload.sizes[0]), dtype=np.float32)
    Y = np.eye(workload.sizes[-1], dtype=np.float32)[rng.integers(0, workload.sizes[-1], _ROWS)]
    start = network.parameters.copy()

    def from_start(epoch: Callable[[], None]) -> Array:
        network.parameters[:] = start
        epoch()
        return network.parameters.copy()

    with threadpool_limits(1, user_api="blas"):
        began = time.perf_counter()
        compiled = _compiled(network, loss, X, Y, workload.batch_size, source=source)
        network.parameters[:] = start
        compiled()
        compiling = time.perf_counter() - began
        plain = _in_numpy(network, loss, X, Y, workload.batch_size)
        apart = np.abs(from_start(compiled) - from_start(plain)).max()
        times: dict[str, list[float]] = {"NumPy": [], "compiled": []}
        for _ in range(_TURNS):
            for name, epoch in (("NumPy", plain), ("compiled", compiled)):
                turn = time.perf_counter()
                epoch()
                times[name].append(1e6 * (time.perf_counter() - turn) / (_ROWS // workload.batch_size))
    medians = ", ".join(f"{name} {statistics.median(each):.1f} µs" for name, each in times.items())
    return f"{workload.name}: {medians} a step; {compiling:.1f} s to compile; parameters {apart:.1e} apart"


def _network(workload: Workload) -> Network:
    names = [*[workload.activation] * (len(workload.sizes) - 2), workload.output_activation]
    pairs = zip(workload.sizes, workload.sizes[1:], strict=False)
    layers = [Layer(*pair, ACTIVATIONS.create(name)) for pair, name in zip(pairs, names, strict=True)]
    return initialise(layers, INITIALIZERS.create("glorot_uniform"), np.random.default_rng(0), np.float32)


def _in_numpy(network: Network, loss: Loss, X: Array, Y: Array, size: int) -> Callable[[], None]:
    forward_buffers, backward_buffers = Workspace(network, size).rows(size)

    def epoch() -> None:
        for first in range(0, len(X), size):
            rows = slice(first, first + size)
            trace = forward(network, X[rows], buffers=forward_buffers)
            gradients = backward(network, trace, Y[rows], loss, buffers=backward_buffers)
            Sgd().step(network.parameters, gradients.flat, _RATE, {}, network.n_weights)

    return epoch


def _compiled(
    network: Network, loss: Loss, X: Array, Y: Array, size: int, *, source: bool
) -> Callable[[], None]:
    writer = _record(network, loss, X[:size], Y[:size])
    arguments = [f"a{i}" for i in range(len(writer.arrays))]
    head = [
        f"def epoch(X, Y, factors, {', '.join(arguments)}):",
        f"    for step in range(len(X) // {size}):",
        f"        first = step * {size}",
        f"        x, y = X[first : first + {size}], Y[first : first + {size}]",
    ]
    text = "\n".join([*head, *("        " + line for line in writer.lines)])
    if source:
        print(text)
    names: dict[str, Any] = {"np": np, "number": np.float32, "one": np.float32(1)}
    exec(text, names)  # noqa: S102 - the text was just written from recorded operations
    run = numba.njit(names["epoch"], error_model="numpy")
    factors = np.full((len(X) // size, 1), _RATE, np.float32)
    return lambda: run(X, Y, factors, *writer.arrays)


def _record(network: Network, loss: Loss, X: Array, Y: Array) -> Writer:
    log: list[Operation] = []

    def recorded(array: Array) -> Recorded:
        view = array.view(Recorded)
        view.log = log
        return view

    watched = network.with_parameters(recorded(network.parameters))
    x, y = recorded(X.copy()), recorded(Y.copy())
    gradients = backward(watched, forward(watched, x), y, loss)
    Sgd().move(watched.parameters, gradients.flat, {}, (Factor(_RATE, 0),))
    writer = Writer({"x": x, "y": y})
    writer.write(log)
    return writer


if __name__ == "__main__":
    main()
