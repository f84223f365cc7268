"""Arrays that note every NumPy call made with them: a training step leaves a list of its operations."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np

from bpnet.core.arrays import Array


class NotRecordableError(Exception):
    """The step does something that a list of array operations cannot tell; the message says what."""


@dataclass(frozen=True)
class Operation:
    """One NumPy call.

    Attributes
    ----------
    name : str
        The function's, with ``.reduce`` behind it for a reduction.
    inputs : tuple
        Arrays and numbers.
    output : ndarray
        What it wrote.
    axis : int or None
        Of a reduction.
    """

    name: str
    inputs: tuple[Any, ...]
    output: Array
    axis: int | None = None

    @property
    def arrays(self) -> list[Array]:
        """Those of the inputs that are arrays."""
        return [each for each in self.inputs if isinstance(each, np.ndarray)]


@dataclass(frozen=True)
class Log:
    """What was done, in order.

    Attributes
    ----------
    operations : list of Operation
    """

    operations: list[Operation] = field(default_factory=list)

    def watch(self, array: Array) -> "Recorded":
        """A view of an array whose operations are noted here."""
        view = array.view(Recorded)
        view.log = self
        return view

    def note(self, name: str, inputs: Iterable[Any], result: Any, axis: int | None = None) -> "Recorded":  # noqa: ANN401 - an array or a NumPy number
        """Note an operation; returns its result, watched."""
        output = result if isinstance(result, Recorded) else self.watch(np.asarray(result))
        self.operations.append(Operation(name, tuple(inputs), output, axis))
        return output


class Factor(float):
    """A number that differs from step to step: an operand of array operations, and of nothing else.

    Whatever Python made of it would stay as it was at the recorded step.
    """

    index: int

    def __new__(cls, value: float, index: int) -> Self:
        """A factor's value at the recorded step, and its place among the factors."""
        self = super().__new__(cls, value)
        self.index = index
        return self


class Recorded(np.ndarray):
    """An array whose operations are carried out, and noted in ``log``."""

    log: Log

    def __array_finalize__(self, source: Array | None) -> None:
        if isinstance(source, Recorded) and hasattr(source, "log"):
            self.log = source.log

    def __array_ufunc__(
        self,
        ufunc: np.ufunc,
        method: str,
        *inputs: Any,  # noqa: ANN401 - arrays and numbers
        out: tuple[Array, ...] | None = None,
        **options: Any,  # noqa: ANN401 - whatever NumPy's function takes
    ) -> Array:
        plainly = options.get("where", True) is True and options.get("dtype") is None
        if not plainly or ufunc.nout > 1:
            raise NotRecordableError(f"{ufunc.__name__} with {', '.join(options) or 'two results'}")
        targets = {} if out is None else {"out": tuple(plain(array) for array in out)}
        result = getattr(ufunc, method)(*(plain(each) for each in inputs), **targets, **options)
        target = result if out is None else out[0]
        if method == "__call__":
            return self.log.note(ufunc.__name__, inputs, target)
        if method != "reduce":
            raise NotRecordableError(f"{ufunc.__name__}.{method}")
        return self.log.note(f"{ufunc.__name__}.reduce", inputs[:1], target, options.get("axis", 0))

    def __array_function__(
        self,
        function: Callable[..., Any],
        types: Iterable[type],
        inputs: Iterable[Any],
        options: Mapping[str, Any],
    ) -> Array:
        inputs = tuple(inputs)
        if function is np.empty_like and not options:
            return self.log.watch(np.empty_like(*(plain(each) for each in inputs)))
        if function not in (np.dot, np.where, np.clip) or options.keys() - {"out"}:
            raise NotRecordableError(f"np.{function.__name__}")
        out = options.get("out")
        target = {} if out is None else {"out": plain(out)}
        result = function(*(plain(each) for each in inputs), **target)
        return self.log.note(function.__name__, inputs, result if out is None else out)

    def __getitem__(self, where: Any) -> Any:  # noqa: ANN401 - as NumPy's
        part = super().__getitem__(where)
        if not isinstance(part, Recorded) or not np.may_share_memory(plain(part), plain(self)):
            raise NotRecordableError("what is done depends on single elements")
        return part

    def __setitem__(self, where: Any, value: Any) -> None:  # noqa: ANN401 - as NumPy's
        plain(self)[plain(where)] = plain(value)
        if isinstance(where, Recorded) and where.dtype == bool and where.shape == self.shape:
            self.log.note("where", (where, value, self), self)
            return
        if not isinstance(where, slice):
            raise NotRecordableError("an assignment to chosen elements")
        target = self[where]
        # x[part] += y has written already when it assigns the result to the part that it is.
        if not (isinstance(value, Recorded) and identity(value) == identity(target)):
            self.log.note("copy", (value,), target)

    def fill(self, value: float) -> None:
        """Note it as a copy of a number."""
        plain(self).fill(value)
        self.log.note("copy", (value,), self)

    def copy(self, order: Any = "C") -> "Recorded":  # noqa: ANN401 - as NumPy's
        """Note it."""
        return self.log.note("copy", (self,), plain(self).copy(order))


def _refuse(*_: object) -> Any:  # noqa: ANN401 - it returns nothing
    raise NotRecordableError("what is done depends on a number")


for _name in ("bool", "float", "int", "index", "complex"):
    setattr(Recorded, f"__{_name}__", _refuse)
for _name in ("item", "tolist"):
    setattr(Recorded, _name, _refuse)
for _name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow"):
    setattr(Factor, f"__{_name}__", _refuse)
    setattr(Factor, f"__r{_name}__", _refuse)
for _name in ("neg", "pos", "abs", "bool", "int", "round", "lt", "le", "eq", "ne", "gt", "ge"):
    setattr(Factor, f"__{_name}__", _refuse)


def plain(value: Any) -> Any:  # noqa: ANN401 - arrays lose their log, other values are returned as they are
    """The same numbers without the noting."""
    return value.view(np.ndarray) if isinstance(value, Recorded) else value


def identity(array: Array) -> tuple[Any, ...]:
    """What two views have in common if they show the same numbers in the same shape."""
    return (array.__array_interface__["data"][0], array.shape, array.strides, array.dtype.str)
