"""PyTorch, written as its tutorials write it, but with the data in one tensor: no DataLoader in the way."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import nn
from workloads import Array, Data, Workload, start

from peers import base

_ACTIVATIONS = {"sigmoid": nn.Sigmoid, "tanh": nn.Tanh, "relu": nn.ReLU, "softmax": nn.Identity}
Step = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


def build(workload: Workload) -> nn.Sequential:
    """The network; its softmax is in the loss, as usual there."""
    modules: list[nn.Module] = []
    W, b = start(workload)
    last = len(W) - 1
    for i, (weights, biases) in enumerate(zip(W, b, strict=True)):
        linear = nn.Linear(weights.shape[1], weights.shape[0])
        with torch.no_grad():
            linear.weight.copy_(torch.from_numpy(weights))
            linear.bias.copy_(torch.from_numpy(biases))
        name = workload.output_activation if i == last else workload.activation
        modules.extend((linear, _ACTIVATIONS[name]()))
    return nn.Sequential(*modules)


def cost(workload: Workload) -> Step:
    """The batch's mean loss, from outputs and labels or targets."""
    if workload.loss == "cross_entropy":
        return nn.CrossEntropyLoss()
    return lambda outputs, targets: 0.5 * ((outputs - targets) ** 2).sum(dim=1).mean()


class Peer(base.Peer):
    """One update after the other."""

    def __init__(self, workload: Workload, data: Data) -> None:
        super().__init__(workload, data)
        one_hot = workload.loss != "cross_entropy"
        self._X, self._validation_X = torch.from_numpy(data.X), torch.from_numpy(data.validation_X)
        targets = data.one_hot(workload.sizes[-1]) if one_hot else data.labels
        self._targets = torch.from_numpy(targets)
        self._validation_labels = torch.from_numpy(data.validation_labels)
        self._network, self._cost = build(workload), cost(workload)
        make = torch.optim.Adam if workload.optimizer == "adam" else torch.optim.SGD
        self._optimizer = make(self._network.parameters(), lr=workload.learning_rate)
        self._step = self.make_step()

    def restart(self) -> None:
        self._network.load_state_dict(build(self.workload).state_dict())
        self._optimizer.state.clear()

    @staticmethod
    def version() -> str:
        return f"PyTorch {torch.__version__.split('+')[0]}"

    def make_step(self) -> Step:
        """One update of a batch; returns its loss."""
        network, loss_of, optimizer = self._network, self._cost, self._optimizer

        def step(X: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
            optimizer.zero_grad()
            loss = loss_of(network(X), targets)
            loss.backward()
            optimizer.step()
            return loss.detach()

        return step

    def epoch(self) -> tuple[float, float]:
        order = torch.randperm(len(self._X))
        total = torch.zeros(())
        for rows in order.split(self.workload.batch_size):
            total += self._step(self._X[rows], self._targets[rows]) * len(rows)
        with torch.no_grad():
            outputs = self._network(self._validation_X)
            accuracy = float((outputs.argmax(dim=1) == self._validation_labels).float().mean())
        return float(total) / len(self._X), accuracy

    @torch.no_grad()
    def outputs(self, X: Array) -> Array:
        answers = torch.softmax(self._network(torch.from_numpy(X)), dim=1)
        return np.asarray(answers)

    def save(self, path: Path) -> None:
        torch.save(self._network.state_dict(), path)
