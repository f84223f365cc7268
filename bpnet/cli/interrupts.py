"""Ctrl-C once: finish what can be saved. Twice: stop at once."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType


@dataclass
class StopRequest:
    """Whether somebody has asked to stop.

    Attributes
    ----------
    made : bool
    heard : bool
        Whether training asks for requests; before it begins nothing would come of one.
    """

    made: bool = False
    heard: bool = False

    def __call__(self) -> bool:
        self.heard = True
        return self.made


@contextmanager
def stop_on_signals() -> Iterator[StopRequest]:
    """Turn the first SIGINT or SIGTERM of a training into a request, any other into a KeyboardInterrupt."""
    request = StopRequest()

    def handle(_number: int, _frame: FrameType | None) -> None:
        if request.made or not request.heard:
            raise KeyboardInterrupt
        request.made = True

    caught = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, handle) for number in caught]
    try:
        yield request
    finally:
        for number, handler in zip(caught, before, strict=True):
            signal.signal(number, handler)
