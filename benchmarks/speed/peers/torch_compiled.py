"""PyTorch with the step's forward pass and loss through ``torch.compile``."""

import torch

from peers import torch_eager
from peers.torch_eager import Step


class Peer(torch_eager.Peer):
    """Differs from eager PyTorch in how its step is made."""

    @staticmethod
    def version() -> str:
        return f"{torch_eager.Peer.version()}, torch.compile"

    def make_step(self) -> Step:
        loss_of = torch.compile(lambda X, targets: self._cost(self._network(X), targets))
        optimizer = self._optimizer

        def step(X: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
            optimizer.zero_grad()
            loss = loss_of(X, targets)
            loss.backward()
            optimizer.step()
            return loss.detach()

        return step
