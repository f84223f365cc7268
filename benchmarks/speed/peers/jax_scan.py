"""JAX at its best on a CPU: an epoch is one compiled program, ``jit`` of a ``lax.scan`` over its batches."""

from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from workloads import Array, Data, Workload, start

from peers import base

_ACTIVATIONS = {"sigmoid": jax.nn.sigmoid, "tanh": jnp.tanh, "relu": jax.nn.relu, "softmax": lambda z: z}
_BETA1, _BETA2, _EPS = 0.9, 0.999, 1e-8


def _outputs(workload: Workload, parameters: Any, X: Any) -> Any:
    a = X
    for i, (W, b) in enumerate(parameters, start=1):
        last = i == len(parameters)
        a = _ACTIVATIONS[workload.output_activation if last else workload.activation](a @ W.T + b)
    return a


def _cost(workload: Workload, parameters: Any, X: Any, targets: Any) -> Any:
    outputs = _outputs(workload, parameters, X)
    if workload.loss == "cross_entropy":
        return -(targets * jax.nn.log_softmax(outputs)).sum(axis=1).mean()
    return 0.5 * ((outputs - targets) ** 2).sum(axis=1).mean()


def _sgd(rate: float, gradient: Any, parameters: Any, memory: Any) -> tuple[Any, Any]:
    return jax.tree.map(lambda p, g: p - rate * g, parameters, gradient), memory


def _adam(rate: float, gradient: Any, parameters: Any, memory: Any) -> tuple[Any, Any]:
    m, s, t = memory
    t = t + 1
    m = jax.tree.map(lambda old, g: _BETA1 * old + (1 - _BETA1) * g, m, gradient)
    s = jax.tree.map(lambda old, g: _BETA2 * old + (1 - _BETA2) * g * g, s, gradient)
    c1, c2 = 1 - _BETA1**t, 1 - _BETA2**t
    moved = jax.tree.map(lambda p, m, s: p - rate * (m / c1) / (jnp.sqrt(s / c2) + _EPS), parameters, m, s)
    return moved, (m, s, t)


class Peer(base.Peer):
    """The last rows of an epoch that fill no batch are left out."""

    def __init__(self, workload: Workload, data: Data) -> None:
        super().__init__(workload, data)
        self._data = (jnp.asarray(data.X), jnp.asarray(data.one_hot(workload.sizes[-1])))
        self._validation = (jnp.asarray(data.validation_X), jnp.asarray(data.validation_labels))
        self.restart()
        self._key = jax.random.key(0)
        self._compiled = jax.jit(self._train_epoch, donate_argnums=0)
        self._answer = jax.jit(lambda parameters, X: jax.nn.softmax(_outputs(workload, parameters, X)))

    def restart(self) -> None:
        parameters = [(jnp.asarray(W), jnp.asarray(b)) for W, b in zip(*start(self.workload), strict=True)]
        zeros = jax.tree.map(jnp.zeros_like, parameters)
        self._state = (parameters, (zeros, jax.tree.map(jnp.zeros_like, parameters), jnp.float32(0)))

    @staticmethod
    def version() -> str:
        return f"JAX {jax.__version__}, jit of lax.scan"

    def _train_epoch(self, state: Any, key: Any, data: Any, validation: Any) -> Any:
        workload = self.workload
        X, targets = data
        batch = workload.batch_size
        order = jax.random.permutation(key, len(X))[: len(X) // batch * batch].reshape(-1, batch)
        rule = _adam if workload.optimizer == "adam" else _sgd

        def step(state: Any, rows: Any) -> tuple[Any, Any]:
            parameters, memory = state
            loss, gradient = jax.value_and_grad(lambda p: _cost(workload, p, X[rows], targets[rows]))(
                parameters
            )
            return rule(workload.learning_rate, gradient, parameters, memory), loss

        state, losses = jax.lax.scan(step, state, order)
        answers = _outputs(workload, state[0], validation[0]).argmax(axis=1)
        return state, losses.mean(), (answers == validation[1]).mean()

    def epoch(self) -> tuple[float, float]:
        self._key, key = jax.random.split(self._key)
        self._state, loss, accuracy = self._compiled(self._state, key, self._data, self._validation)
        return float(loss), float(accuracy)

    def outputs(self, X: Array) -> Array:
        return np.asarray(self._answer(self._state[0], X))

    def save(self, path: Path) -> None:
        np.savez(path, *(np.asarray(array) for layer in self._state[0] for array in layer))
