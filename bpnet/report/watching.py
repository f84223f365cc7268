"""Who follows a training: a live view, plain lines, or nobody; only the one that is wanted is loaded."""

from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self

from bpnet.training.events import Event

if TYPE_CHECKING:
    from rich.console import Console


class Watcher(Protocol):
    """Somebody to tell the events to."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def tell(self, event: Event) -> None:
        """Take note of an event."""


class Quiet:
    """A watcher that says nothing; the base of those that do."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def tell(self, event: Event) -> None:
        """Take note of an event."""


def make_watcher(console: "Console", *, verbose: bool = False) -> Watcher:
    """Choose the live view for a terminal, plain lines for anything else."""
    if console.is_terminal and not console.is_dumb_terminal:
        from bpnet.report.live import LiveView

        return LiveView(console)
    from bpnet.report.plain import PlainLines

    return PlainLines(console, verbose=verbose)
