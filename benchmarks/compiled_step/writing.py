"""A recorded step as the source of one function: neighbouring element-wise operations share a loop."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from recording import Array, Factor, NotRecordableError, Operation, identity, plain

FORMULAS = {
    "absolute": "abs({0})",
    "add": "{0} + {1}",
    "clip": "min(max({0}, {1}), {2})",
    "copy": "{0}",
    "divide": "{0} / {1}",
    "exp": "np.exp({0})",
    "expm1": "np.expm1({0})",
    "greater": "{0} > {1}",
    "less_equal": "{0} <= {1}",
    "log": "np.log({0})",
    "log1p": "np.log1p({0})",
    "maximum": "max({0}, {1})",
    "minimum": "min({0}, {1})",
    "multiply": "{0} * {1}",
    "negative": "-{0}",
    "reciprocal": "one / {0}",
    "sign": "np.sign({0})",
    "sqrt": "np.sqrt({0})",
    "subtract": "{0} - {1}",
    "tanh": "np.tanh({0})",
    "where": "({1} if {0} else {2})",
}
"""NumPy's element-wise operations, for one element."""

_REDUCTIONS = {"add.reduce": "t + {0}", "maximum.reduce": "max(t, {0})"}
_INDICES = "ij"


@dataclass
class _Loop:
    """Element-wise operations on arrays of one shape; what they write is stored once, at the end."""

    shape: tuple[int, ...]
    lines: list[str] = field(default_factory=list)
    stores: dict[tuple[Any, ...], tuple[str, str]] = field(default_factory=dict)


class Writer:
    """Writes operations one after the other.

    Parameters
    ----------
    given : dict of str to ndarray
        Arrays that the function's head makes anew in every step, by name: the batch.

    Attributes
    ----------
    arrays : list of ndarray
        The function's further arguments ``a0``, ``a1``, and so on.
    lines : list of str
        The body of a step.
    """

    def __init__(self, given: dict[str, Array]) -> None:
        self._names = {identity(array): name for name, array in given.items()}
        self.arrays: list[Array] = []
        self.lines: list[str] = []
        self._loop: _Loop | None = None

    def write(self, log: list[Operation]) -> None:
        """Write the whole log."""
        for operation in log:
            if operation.name in FORMULAS:
                self._element_wise(operation)
                continue
            self._close()
            if operation.name == "dot":
                a, b = operation.inputs
                self.lines.append(f"np.dot({self._name(a)}, {self._name(b)}, {self._name(operation.output)})")
            elif operation.name in _REDUCTIONS:
                self._reduction(operation)
            else:
                raise NotRecordableError(operation.name)
        self._close()

    def _name(self, array: Array) -> str:
        key = identity(array)
        if key not in self._names:
            if not array.flags.c_contiguous:
                if array.T.flags.c_contiguous:
                    return f"{self._name(array.T)}.T"
                raise NotRecordableError("a view with gaps")
            self._names[key] = f"a{len(self.arrays)}"
            self.arrays.append(plain(array))
        return self._names[key]

    def _element_wise(self, operation: Operation) -> None:
        output = operation.output
        if self._loop is None or self._loop.shape != output.shape:
            self._close()
            self._loop = _Loop(output.shape)
        operands = [self._operand(value, output) for value in operation.inputs]
        result = f"v{len(self._loop.lines)}"
        self._loop.lines.append(f"{result} = {FORMULAS[operation.name].format(*operands)}")
        self._loop.stores[identity(output)] = (self._name(output), result)

    def _operand(self, value: Any, output: Array) -> str:
        assert self._loop is not None
        if isinstance(value, Factor):
            return f"factors[step, {value.index}]"
        if not isinstance(value, np.ndarray) or value.ndim == 0:
            return f"number({float(value)!r})"
        if identity(value) in self._loop.stores:
            return self._loop.stores[identity(value)][1]
        lacking = output.ndim - value.ndim
        shape = (1,) * lacking + value.shape
        if any(n not in (1, m) for n, m in zip(shape, output.shape, strict=True)):
            raise NotRecordableError(f"an array of shape {value.shape} in one of shape {output.shape}")
        letters = [
            "0" if n != m else _INDICES[i] for i, (n, m) in enumerate(zip(shape, output.shape, strict=True))
        ]
        return f"{self._name(value)}[{', '.join(letters[lacking:])}]"

    def _close(self) -> None:
        loop, self._loop = self._loop, None
        if loop is None:
            return
        letters = _INDICES[: len(loop.shape)]
        for depth, (letter, n) in enumerate(zip(letters, loop.shape, strict=True)):
            self.lines.append(f"{'    ' * depth}for {letter} in range({n}):")
        inside = "    " * len(letters)
        self.lines += [inside + line for line in loop.lines]
        self.lines += [f"{inside}{name}[{', '.join(letters)}] = {v}" for name, v in loop.stores.values()]

    def _reduction(self, operation: Operation) -> None:
        array, output = operation.inputs[0], operation.output
        name, total, formula = self._name(array), self._name(output), _REDUCTIONS[operation.name]
        rows, columns = array.shape
        if operation.options.get("axis", 0) == 1:
            self.lines += [
                f"for i in range({rows}):",
                f"    t = {name}[i, 0]",
                f"    for j in range(1, {columns}):",
                f"        t = {formula.format(f'{name}[i, j]')}",
                f"    {total}[{'i, 0' if output.ndim > 1 else 'i'}] = t",
            ]
        elif operation.name == "add.reduce":
            self.lines += [
                f"{total}[:] = 0",
                f"for i in range({rows}):",
                f"    for j in range({columns}):",
                f"        {total}[j] += {name}[i, j]",
            ]
        else:
            raise NotRecordableError(f"{operation.name} over the rows")
