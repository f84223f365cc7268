"""A training step's source: the trainer's own passes and update, recorded and written as one function."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from bpnet.core.arrays import Array
from bpnet.core.backprop import backward
from bpnet.core.losses import Loss
from bpnet.core.network import Network, forward
from bpnet.core.optimizers import Optimizer, State
from bpnet.training.compiled.exponential import write_exponential
from bpnet.training.compiled.recording import Factor, Log, NotRecordableError, Operation
from bpnet.training.compiled.writing import Writer
from bpnet.training.evaluation import Samples

_HEAD = '''"""Steps of training, written by bpnet from a record of its NumPy passes."""

import numba
import numpy as np

number = np.{dtype}
one = number(1)
{products}

{exp}

@numba.njit(cache=True, error_model="numpy", nogil=True)
def steps(X, Y, weight, z, a, factors, {arguments}):
    for step in range(len(factors)):
        rows = slice(step * {size}, (step + 1) * {size})
        x, y = X[rows], Y[rows]
'''
_WEIGHT = "        w = weight[rows].reshape(({size}, 1))\n"
_END = "    return len(factors)\n"


@dataclass(frozen=True)
class Source:
    """A function of whole batches, as text.

    Attributes
    ----------
    text : str
        A module with the function ``steps``. It returns how many steps it took: it stops before the update
        of a batch whose gradient or last z is not finite.
    arrays : list of ndarray
        Its last arguments: the parameters, the optimizer's memory, and room for what lies between.
    """

    text: str
    arrays: list[Array]


def write_steps(
    network: Network,
    loss: Loss,
    optimizer: Optimizer,
    optimizer_state: State,
    batch: Samples,
    *,
    weight_decay: float,
    products: str = "",
) -> Source:
    """Record one step and write it.

    Parameters
    ----------
    network, optimizer_state : Network, dict of str to ndarray
        Moved by the step, and put back.
    loss, optimizer, weight_decay : Loss, Optimizer, float
    batch : Samples
        As many as every batch will have.
    products : str
        What :func:`bpnet.training.compiled.products.declare_products` returned; empty for Numba's own.

    Raises
    ------
    NotRecordableError
        If the step is more than array operations that are known here.
    """
    if type(optimizer).step is not Optimizer.step:
        raise NotRecordableError(f"{optimizer.name}, which steps in a way of its own")
    record = _record(network, loss, optimizer, optimizer_state, batch, weight_decay=weight_decay)
    writer = Writer(record.given, network.parameters.dtype, own_products=bool(products))
    kept = [network.parameters, *optimizer_state.values()]
    between = [record.flat, record.z, record.a]
    writer.write(record.passes, [*between, *kept, *(array for op in record.update for array in op.arrays)])
    writer.lines += [
        f"if not np.isfinite({writer.squares(record.flat)} + {writer.squares(record.z)}):",
        "    return step",
        f"z[rows] = {writer.name(record.z)}",
        f"a[rows] = {writer.name(record.a)}",
    ]
    writer.write(record.update, kept)
    head = _HEAD if batch.weight is None else _HEAD + _WEIGHT
    arguments = ", ".join(f"a{i}" for i in range(len(writer.arrays)))
    dtype = network.parameters.dtype
    text = head.format(
        dtype=dtype, products=products, exp=write_exponential(dtype), arguments=arguments, size=len(batch)
    )
    body = "".join(f"        {line}\n" for line in writer.lines)
    return Source(text + body + _END, writer.arrays)


class _Record(NamedTuple):
    """The operations of a step, both passes and the update, and the arrays looked at in between."""

    given: dict[str, Array]
    passes: Sequence[Operation]
    update: Sequence[Operation]
    flat: Array
    z: Array
    a: Array


def _record(
    network: Network,
    loss: Loss,
    optimizer: Optimizer,
    optimizer_state: State,
    batch: Samples,
    *,
    weight_decay: float,
) -> _Record:
    """Take one step on arrays that note what is done, and put everything back."""
    log = Log()
    arrays = {"": network.parameters, **optimizer_state}
    before = {name: array.copy() for name, array in arrays.items()}
    watched = network.with_parameters(log.watch(network.parameters))
    memory = {
        name: log.watch(array) if len(array) == len(network.parameters) else array
        for name, array in optimizer_state.items()
    }
    x, y, weight = (
        None if each is None else log.watch(each.copy()) for each in (batch.X, batch.Y, batch.weight)
    )
    assert x is not None
    assert y is not None
    given: dict[str, Array] = {"x": x, "y": y}
    if weight is not None:
        given["w"] = weight[:, np.newaxis]
    try:
        with np.errstate(all="ignore"):
            trace = forward(watched, x)
            gradients = backward(watched, trace, y, loss, sample_weight=weight, weight_decay=weight_decay)
            passes = len(log.operations)
            factors = tuple(
                Factor(value, index) for index, value in enumerate(optimizer.factors(0.0, optimizer_state))
            )
            optimizer.update(
                watched.parameters,
                gradients.flat,
                memory,
                network.n_weights,
                factors,
                block=len(network.parameters),
            )
    finally:
        for name, array in arrays.items():
            array[:] = before[name]
    return _Record(
        given,
        log.operations[:passes],
        log.operations[passes:],
        gradients.flat,
        trace.z[network.L],
        trace.outputs,
    )
