"""Recorded operations as lines of Python that Numba can compile: neighbours of one shape share a loop."""

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bpnet.core.arrays import Array
from bpnet.training.compiled.products import write_gemm, write_squares
from bpnet.training.compiled.recording import Factor, NotRecordableError, Operation, Recorded, identity, plain

_SYMBOLS = {
    "add": "{0} + {1}",
    "clip": "np.minimum(np.maximum({0}, {1}), {2})",
    "copy": "{0}",
    "divide": "{0} / {1}",
    "exp": "exp({0})",
    "multiply": "{0} * {1}",
    "negative": "-{0}",
    "reciprocal": "one / {0}",
    "subtract": "{0} - {1}",
    "where": "({1} if {0} else {2})",
}
"""Element-wise operations that are not written as NumPy's function of one element."""

_INDICES = "ij"
_MATRIX = 2


@dataclass
class _Loop:
    """Element-wise operations on arrays of one shape; what they write is stored at the end, once.

    Attributes
    ----------
    shape : tuple of int
    lines : list of str
    stores : dict
        By the identity of what is written: the array, and the variable that holds its entry.
    written, read : list of ndarray
    """

    shape: tuple[int, ...]
    lines: list[str] = field(default_factory=list)
    stores: dict[tuple[Any, ...], tuple[Array, str]] = field(default_factory=dict)
    written: list[Array] = field(default_factory=list)
    read: list[Array] = field(default_factory=list)

    def can_take(self, inputs: Iterable[Array], output: Array) -> bool:
        """Whether an operation may come behind: none touches what is stored here through another view."""
        pairs = [(one, other) for one in (*inputs, output) for other in self.written]
        pairs += [(output, other) for other in self.read]
        return output.shape == self.shape and not any(
            identity(one) != identity(other) and np.may_share_memory(plain(one), plain(other))
            for one, other in pairs
        )


class Writer:
    """Writes operations one after the other.

    Parameters
    ----------
    given : dict of str to ndarray
        Arrays that have a name already.
    dtype : dtype
        Of all floating numbers.
    own_products : bool
        Whether products are called as :mod:`bpnet.training.compiled.products` writes it, or are Numba's.

    Attributes
    ----------
    arrays : list of ndarray
        Those that were met besides, named ``a0``, ``a1``, and so on.
    lines : list of str
    """

    def __init__(self, given: dict[str, Array], dtype: np.dtype[Any], *, own_products: bool) -> None:
        self._names = {identity(array): name for name, array in given.items()}
        self._dtype, self._own_products = dtype, own_products
        self.arrays: list[Array] = []
        self.lines: list[str] = []

    def write(self, operations: Sequence[Operation], read_later: Sequence[Array]) -> None:
        """Write operations behind those already written.

        Parameters
        ----------
        operations : sequence of Operation
        read_later : sequence of ndarray
            What is needed after them: other arrays are not stored where nothing reads them.

        Raises
        ------
        NotRecordableError
            If there is one that is not known here.
        """
        last_read = {_owner(array): n for n, each in enumerate(operations) for array in each.arrays}
        last_read |= dict.fromkeys(map(_owner, read_later), len(operations))
        loop: _Loop | None = None
        for n, operation in enumerate(operations):
            self._check(operation)
            matrices = operation.name in ("dot", "matmul")
            element_wise = not matrices and operation.axis is None
            if loop is not None and not (element_wise and loop.can_take(operation.arrays, operation.output)):
                self._close(loop, {owner for owner, last in last_read.items() if last >= n})
                loop = None
            if element_wise:
                loop = loop or _Loop(operation.output.shape)
                self._element_wise(loop, operation)
            else:
                self.lines += self._product(operation) if matrices else self._reduction(operation)
        if loop is not None:
            self._close(loop, set(map(_owner, read_later)))

    def name(self, array: Array) -> str:
        """What an array is called."""
        key = identity(array)
        if key not in self._names:
            if not array.flags.c_contiguous:
                if array.T.flags.c_contiguous:
                    return f"{self.name(array.T)}.T"
                raise NotRecordableError("a view with gaps")
            self._names[key] = f"a{len(self.arrays)}"
            self.arrays.append(plain(array))
        return self._names[key]

    def squares(self, array: Array) -> str:
        """An expression for the sum of an array's squares."""
        name = self.name(array)
        return write_squares(name, array) if self._own_products else f"np.dot({name}.ravel(), {name}.ravel())"

    def _check(self, operation: Operation) -> None:
        for each in (*operation.inputs, operation.output):
            if isinstance(each, Recorded) and not 1 <= each.ndim <= _MATRIX:
                raise NotRecordableError(f"an array of {each.ndim} dimensions")
            if isinstance(each, np.ndarray) and each.ndim and each.dtype not in (self._dtype, np.dtype(bool)):
                raise NotRecordableError(f"{each.dtype} among {self._dtype}")

    def _product(self, operation: Operation) -> list[str]:
        arrays = (*operation.inputs, operation.output)
        if any(each.ndim != _MATRIX for each in arrays):
            raise NotRecordableError("a product of other than two matrices")
        if not operation.output.flags.c_contiguous:
            raise NotRecordableError("a product that is stored column by column")
        one, other, product = ((self.name(each), each) for each in arrays)
        if self._own_products:
            return [write_gemm(one, other, product)]
        return [f"np.dot({one[0]}, {other[0]}, {product[0]})"]

    def _element_wise(self, loop: _Loop, operation: Operation) -> None:
        output = operation.output
        operands = [self._operand(loop, each) for each in operation.inputs]
        call = "np." + operation.name + "(" + ", ".join(operands) + ")"
        formula = _SYMBOLS.get(operation.name, call).format(*operands)
        if output.dtype != bool:
            formula = f"number({formula})"
        variable = f"v{len(loop.lines)}"
        loop.lines.append(f"{variable} = {formula}")
        loop.stores[identity(output)] = (output, variable)
        loop.written.append(output)
        loop.read += operation.arrays

    def _operand(self, loop: _Loop, value: Any) -> str:  # noqa: ANN401 - an array or a number
        if isinstance(value, Factor):
            return f"factors[step, {value.index}]"
        if not isinstance(value, np.ndarray) or not value.ndim:
            return f"number({float(value)!r})"
        if identity(value) in loop.stores:
            return loop.stores[identity(value)][1]
        lacking = len(loop.shape) - value.ndim
        if lacking < 0:
            raise NotRecordableError(f"an array of {value.ndim} dimensions")
        sizes = zip(_INDICES[lacking : len(loop.shape)], value.shape, loop.shape[lacking:], strict=True)
        return f"{self.name(value)}[{', '.join('0' if n < full else letter for letter, n, full in sizes)}]"

    def _close(self, loop: _Loop, read: Container[int]) -> None:
        """Write a loop; ``read`` are the owners of all memory that is still needed."""
        letters = _INDICES[: len(loop.shape)]
        for depth, (letter, n) in enumerate(zip(letters, loop.shape, strict=True)):
            self.lines.append(f"{'    ' * depth}for {letter} in range({n}):")
        inside = "    " * len(letters)
        self.lines += [inside + line for line in loop.lines]
        place = ", ".join(letters)
        self.lines += [
            f"{inside}{self.name(array)}[{place}] = {variable}"
            for array, variable in loop.stores.values()
            if _owner(array) in read
        ]

    def _reduction(self, operation: Operation) -> list[str]:
        (array,), output = operation.inputs, operation.output
        if array.ndim != _MATRIX or operation.axis not in (0, 1):
            raise NotRecordableError(f"{operation.name} over axis {operation.axis} of {array.ndim}")
        along_rows = operation.axis == 1
        place = "ij"[not along_rows]
        if output.ndim == _MATRIX:
            place = "i, 0" if along_rows else "0, j"
        total, entry = f"{self.name(output)}[{place}]", f"{self.name(array)}[i, j]"
        function = operation.name.removesuffix(".reduce")
        formula = _SYMBOLS.get(function, f"np.{function}({{0}}, {{1}})").format(total, entry)
        rows, columns = array.shape
        first, start = (
            ("j", f"for i in range({rows}):") if along_rows else ("i", f"for j in range({columns}):")
        )
        return [
            start,
            f"    {total} = {entry.replace(first, '0')}",
            f"for i in range({0 if along_rows else 1}, {rows}):",
            f"    for j in range({1 if along_rows else 0}, {columns}):",
            f"        {total} = {formula}",
        ]


def _owner(array: Array) -> int:
    """The same number for all views of one array."""
    while isinstance(array.base, np.ndarray):
        array = array.base
    return id(array)
