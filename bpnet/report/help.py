"""The page behind ``--help``: Typer's own look, from the few parts of Rich that load fast."""

from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.padding import Padding
from rich.panel import Panel
from rich.text import Text

Row = tuple[str, str]
"""What is typed, and what it does."""

_GAP = 2
_FRAME = 4  # both edges, and a blank inside each


def print_help(
    console: Console, usage: str, text: str, sections: Iterable[tuple[str, Sequence[Row]]]
) -> None:
    """Print a command's help.

    Parameters
    ----------
    console : Console
    usage : str
    text : str
        In Rich's markup.
    sections : iterable of (str, sequence of (str, str))
        Title and rows of each frame; one without rows is left out.
    """
    console.print(Text(f"\n {usage}\n", "bold"))
    console.print(Padding(Text.from_markup(text), (0, 1, 1, 1), expand=False), soft_wrap=False)
    for title, rows in sections:
        if rows:
            lines = Text("\n").join(_lines(console, rows))
            console.print(Panel(lines, title=title, title_align="left", border_style="dim"), soft_wrap=False)


def _lines(console: Console, rows: Sequence[Row]) -> Iterable[Text]:
    """Two columns, the second wrapped: what a table shows, without the time that Rich's takes to load."""
    first = max(len(typed) for typed, _ in rows) + _GAP
    for typed, meaning in rows:
        left = _coloured(typed)
        for line in Text(meaning).wrap(console, max(console.width - _FRAME - first, first)):
            left.pad_right(first - len(left))
            yield left + line
            left = Text()


def _coloured(typed: str) -> Text:
    """Options in one colour, what they take in another."""
    text = Text(typed)
    text.highlight_regex(r"(?<![\w-])--?[\w-]+|^[a-z][\w-]*", "bold cyan")
    text.highlight_regex(r"(?<= )[A-Z][A-Z,=.]*$", "yellow")
    return text
