"""Ctrl-C once: finish what can be saved. Twice: stop at once."""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

_ONE_PRESS = 0.5
"""Signals within so many seconds are one impatient request."""


@dataclass
class StopRequest:
    """Whether somebody has asked to stop.

    Attributes
    ----------
    made : float or None
        When, by the monotonic clock.
    heard : bool
        Whether training asks for requests; before it begins nothing would come of one.
    settled : bool
        Whether training is over and its result is being saved, which nothing interrupts any more.
    """

    made: float | None = None
    heard: bool = False
    settled: bool = False

    def __call__(self) -> bool:
        self.heard = True
        return self.made is not None


@contextmanager
def stop_on_signals() -> Iterator[StopRequest]:
    """Turn a training's first SIGINT, SIGTERM or SIGHUP into a request, others into a KeyboardInterrupt."""
    request = StopRequest()

    def handle(_number: int, _frame: FrameType | None) -> None:
        now = time.monotonic()
        if request.settled:
            return
        if not request.heard or (request.made is not None and now - request.made > _ONE_PRESS):
            raise KeyboardInterrupt
        request.made = request.made or now

    # SIGHUP comes when the terminal is closed; Windows has none.
    caught = [signal.SIGINT, signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else [])]
    before = [signal.signal(number, handle) for number in caught]
    try:
        yield request
    finally:
        for number, handler in zip(caught, before, strict=True):
            signal.signal(number, handler)
