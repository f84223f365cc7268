"""Whole batches through one compiled function, which is first held against NumPy."""

import atexit
import contextlib
import hashlib
import importlib
import importlib.util
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import numpy as np

from bpnet.core.arrays import Array
from bpnet.core.backprop import backward
from bpnet.core.losses import Loss
from bpnet.core.network import Network, forward
from bpnet.core.optimizers import Optimizer, State
from bpnet.errors import BpnetError
from bpnet.training.compiled.products import declare_products
from bpnet.training.compiled.source import write_steps
from bpnet.training.evaluation import Samples
from bpnet.training.files import write_atomically

_APART = {"float32": 1e-4, "float64": 1e-10}
"""How far a compiled step may be from NumPy's, of the largest number: rounding, added up over a layer."""


class CompiledSteps:
    """Training steps of whole batches, each the same as in NumPy but for rounding.

    Parameters
    ----------
    network : Network
        Moved in place by every step.
    loss, optimizer : Loss, Optimizer
    optimizer_state : dict of str to ndarray
        Updated in place by every step.
    batch : Samples
        As many as every batch will have.
    weight_decay : float

    Raises
    ------
    NotRecordableError
        If the step is more than array operations that are known to it.
    BpnetError
        If the compiled step's numbers are not NumPy's.
    """

    def __init__(
        self,
        network: Network,
        loss: Loss,
        optimizer: Optimizer,
        optimizer_state: State,
        batch: Samples,
        *,
        weight_decay: float = 0.0,
    ) -> None:
        self._network, self._optimizer, self._state = network, optimizer, optimizer_state
        self._loss, self._weight_decay, self._size = loss, weight_decay, len(batch)
        try:
            products = declare_products(network.parameters.dtype)
        except (ImportError, OSError) as error:
            raise _not_compiled(error) from error
        source = write_steps(
            network, loss, optimizer, optimizer_state, batch, weight_decay=weight_decay, products=products
        )
        self._arrays = source.arrays
        try:
            found = self._try(_user_cache, source.text, batch)
        except Exception:  # noqa: BLE001 - whatever a full disk or a damaged cache raises; told, if it stays
            try:
                found = self._try(_own_folder, source.text, batch)
            except Exception as error:  # whatever a compiler or the libraries under it may raise
                raise _not_compiled(error) from error
        self._compare(*found)

    def _try(self, place: Callable[[str], Path], text: str, batch: Samples) -> list[list[Array]]:
        self._steps = _compile(text, place)
        return self._both_ways(batch)

    def run(self, samples: Samples, z: Array, a: Array, learning_rate: float) -> int:
        """Step through all whole batches of the samples, up to one whose numbers are not finite.

        Parameters
        ----------
        samples : Samples
        z, a : ndarray of shape (N, n_L)
            Where to write those of the output layer, each batch's before its update.
        learning_rate : float

        Returns
        -------
        int
            Samples trained on.
        """
        count = len(samples) // self._size
        if not count:
            return 0
        counters = {name: array.copy() for name, array in self._state.items() if not self._is_flat(array)}
        factors = [self._optimizer.factors(learning_rate, self._state) for _ in range(count)]
        X, Y, weight = np.ascontiguousarray(samples.X), np.ascontiguousarray(samples.Y), samples.weight
        weight = np.empty(0, X.dtype) if weight is None else weight
        done = self._steps(X, Y, weight, z, a, np.array(factors, z.dtype), *self._arrays)
        if done < count:  # the steps that were not taken do not count
            for name, array in counters.items():
                self._state[name][:] = array
            for _ in range(done):
                self._optimizer.factors(learning_rate, self._state)
        return done * self._size

    def _is_flat(self, array: Array) -> bool:
        return len(array) == len(self._network.parameters)

    def _both_ways(self, batch: Samples) -> list[list[Array]]:
        """What one step gives in NumPy and compiled, from other numbers than those of the record.

        A number that was fixed by mistake when the step was recorded shows so.
        """
        network, arrays = self._network, (self._network.parameters, *self._state.values())
        before = [array.copy() for array in arrays]
        other = Samples(batch.X[::-1] * 0.75, batch.Y[::-1].copy(), batch.weight)
        found = []
        try:
            with np.errstate(all="ignore"):
                for take in (self._in_numpy, self._compiled):
                    network.parameters[:] = before[0] * 0.75
                    for array in self._state.values():
                        array[:] = 1
                    found.append([*take(other), *(array.copy() for array in arrays)])
        finally:
            for array, values in zip(arrays, before, strict=True):
                array[:] = values
        return found

    def _compare(self, in_numpy: list[Array], compiled: list[Array]) -> None:
        for expected, value in zip(in_numpy, compiled, strict=True):
            known = np.isfinite(expected)
            apart = np.abs(value - expected)[known].max(initial=0)
            allowed = _APART[self._network.parameters.dtype.name] * np.abs(expected[known]).max(initial=1)
            if not apart <= allowed:  # nor if it is no number
                raise BpnetError(
                    f"The compiled step is {apart:.3g} off what NumPy computes.",
                    advice="This is a mistake of bpnet, please report it; set training.backend: numpy.",
                )

    def _in_numpy(self, batch: Samples) -> tuple[Array, Array]:
        trace = forward(self._network, batch.X)
        gradients = backward(
            self._network,
            trace,
            batch.Y,
            self._loss,
            sample_weight=batch.weight,
            weight_decay=self._weight_decay,
        )
        network = self._network
        self._optimizer.step(network.parameters, gradients.flat, 0.1, self._state, network.n_weights)
        return trace.z[network.L], trace.outputs

    def _compiled(self, batch: Samples) -> tuple[Array, Array]:
        z = np.zeros((len(batch), self._network.sizes[-1]), self._network.parameters.dtype)
        a = z.copy()
        self.run(batch, z, a, 0.1)
        return z, a


def _not_compiled(error: Exception) -> BpnetError:
    reason = next(iter(str(error).splitlines()), "")
    return BpnetError(
        f"Numba could not compile the training step ({type(error).__name__}: {reason}).",
        advice="Set training.backend: numpy.",
    )


def _compile(text: str, place: Callable[[str], Path]) -> Callable[..., int]:
    """The function ``steps`` of a module, from a file in the folder that ``place`` gives for its name.

    Numba keeps the compiled function beside it: the next run only loads it.
    """
    if "np.dot" in text:  # SciPy brings the products: loaded already, its threads can be held as NumPy's are
        importlib.import_module("scipy.linalg.cython_blas")
    name = f"bpnet_steps_{hashlib.sha256(text.encode()).hexdigest()[:16]}"
    folder = place(name)
    path = folder / f"{name}.py"
    loaded = sys.modules.get(name)
    if loaded is not None and loaded.__file__ == str(path):
        return cast("Callable[..., int]", loaded.steps)
    if not path.is_file() or path.read_bytes() != text.encode():
        write_atomically(path, text.encode())
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module: Any = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # by this name Numba finds it again
    spec.loader.exec_module(module)
    return cast("Callable[..., int]", module.steps)


def _user_cache(name: str) -> Path:
    import platformdirs

    folder = Path(platformdirs.user_cache_dir("bpnet", appauthor=False))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _own_folder(name: str) -> Path:
    """For this process alone, where the cache cannot be used; what may be damaged in there is removed."""
    with contextlib.suppress(OSError):
        for path in _user_cache(name).rglob(f"{name}*"):
            path.unlink()
    folder = Path(tempfile.mkdtemp(prefix="bpnet-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
