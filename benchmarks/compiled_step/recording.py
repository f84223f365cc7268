"""Arrays that note every NumPy call made with them: a training step leaves a list of its operations."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


class NotRecordableError(Exception):
    """The step does something that a list of array operations cannot tell."""


@dataclass(frozen=True)
class Operation:
    """One call: its name as NumPy's, its operands, and the array it wrote."""

    name: str
    inputs: tuple[Any, ...]
    output: Array
    options: dict[str, Any] = field(default_factory=dict)


class Factor(float):
    """A number that differs from step to step: an operand of array operations and of nothing else."""

    index: int

    def __new__(cls, value: float, index: int) -> Self:
        self = super().__new__(cls, value)
        self.index = index
        return self


class Recorded(np.ndarray):
    """An array whose operations are carried out, and noted in ``log``."""

    log: list[Operation]

    def __array_finalize__(self, source: Array | None) -> None:
        if isinstance(source, Recorded) and hasattr(source, "log"):
            self.log = source.log

    def __array_ufunc__(
        self,
        ufunc: np.ufunc,
        method: str,
        *inputs: Any,
        out: tuple[Array, ...] | None = None,
        **options: Any,
    ) -> Array:
        targets = {} if out is None else {"out": tuple(plain(array) for array in out)}
        result = getattr(ufunc, method)(*(plain(array) for array in inputs), **targets, **options)
        output = self._wrap(result) if out is None else out[0]
        name = ufunc.__name__ if method == "__call__" else f"{ufunc.__name__}.{method}"
        self.log.append(Operation(name, inputs, output, options))
        return output

    def __array_function__(
        self, function: Callable[..., Any], types: Any, inputs: tuple[Any, ...], options: dict[str, Any]
    ) -> Any:
        arguments = [plain(array) for array in inputs]
        if function is np.empty_like:
            return self._wrap(np.empty_like(*arguments))
        if function is np.copyto:
            np.copyto(*arguments)
            self.log.append(Operation("copy", inputs[1:], inputs[0]))
            return None
        if function not in (np.dot, np.where, np.clip):
            raise NotRecordableError(function.__name__)
        out = options.get("out")
        result = function(*arguments, **({} if out is None else {"out": plain(out)}))
        output = self._wrap(result) if out is None else out
        self.log.append(Operation(function.__name__, inputs, output))
        return output

    def __setitem__(self, where: Any, value: Any) -> None:
        plain(self)[plain(where)] = plain(value)
        if isinstance(where, Recorded) and where.dtype == bool and where.shape == self.shape:
            self.log.append(Operation("where", (where, value, self), self))
            return
        if not isinstance(where, slice):
            raise NotRecordableError("an assignment to chosen elements")
        target = self[where]
        if not (isinstance(value, Recorded) and identity(value) == identity(target)):
            self.log.append(Operation("copy", (value,), target))

    def fill(self, value: float) -> None:
        plain(self).fill(value)
        self.log.append(Operation("copy", (value,), self))

    def copy(self, order: Any = "C") -> "Recorded":
        output = self._wrap(plain(self).copy(order))
        self.log.append(Operation("copy", (self,), output))
        return output

    def _wrap(self, result: Any) -> "Recorded":
        output = np.asarray(result).view(Recorded)
        output.log = self.log
        return output


def _refuse(*_: Any) -> Any:
    raise NotRecordableError("what is done depends on a value")


for _name in ("float", "int", "bool", "index"):
    setattr(Recorded, f"__{_name}__", _refuse)
for _name in ("add", "radd", "sub", "rsub", "mul", "rmul", "truediv", "rtruediv", "pow", "neg"):
    setattr(Factor, f"__{_name}__", _refuse)


def plain(value: Any) -> Any:
    """The same numbers without the noting."""
    return value.view(np.ndarray) if isinstance(value, Recorded) else value


def identity(array: Array) -> tuple[Any, ...]:
    """What two views of the same numbers have in common."""
    return (array.__array_interface__["data"][0], array.shape, array.strides, array.dtype.str)
