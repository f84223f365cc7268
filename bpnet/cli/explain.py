"""``bpnet explain``: derive a layer's error, gradients and update, with every number, and prove each."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bpnet.cli.common import Force, NoColor, Overrides, Target, consoles, refuse_overwriting
from bpnet.errors import BpnetError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bpnet.inspection.explanation.blocks import Section
    from bpnet.inspection.explanation.record import Explanation
    from bpnet.report.streams import Consoles

_NOT_PROVED = 1
_MOST_DIGITS = 17
_STANDARD_OUTPUT = Path("-")


class Format(StrEnum):
    """What an explanation is written as."""

    terminal = "terminal"
    markdown = "markdown"
    latex = "latex"
    html = "html"
    json = "json"


def explain(
    target: Target = None,
    *,
    layer: Annotated[
        int | None,
        typer.Option(
            "--layer", metavar="N", help="The layer: 2 is the first hidden one. Without it: all, a line each."
        ),
    ] = None,
    sample: Annotated[
        int | None, typer.Option("--sample", metavar="I", help="Training row, from 1; the first by default.")
    ] = None,
    inputs: Annotated[
        str | None,
        typer.Option("--input", metavar="A,B,...", help="A row of your own, in the order of the columns."),
    ] = None,
    targets: Annotated[
        str | None,
        typer.Option("--target", metavar="Y,...", help="The answer to it; by default the first row's."),
    ] = None,
    batch: Annotated[bool, typer.Option("--batch", help="Gradients as means over the first batch.")] = False,
    neuron: Annotated[
        int | None, typer.Option("--neuron", metavar="J", help="The unit to look at in a wide layer, from 1.")
    ] = None,
    weight: Annotated[
        str | None,
        typer.Option("--weight", metavar="J,K", help="Whose chain rule is written out: to J from K."),
    ] = None,
    epoch: Annotated[
        int | None, typer.Option("--epoch", metavar="T", help="Train T epochs from the seed first.")
    ] = None,
    why: Annotated[
        bool, typer.Option("--why", help="Answer what learners ask most, with these numbers.")
    ] = False,
    digits: Annotated[
        int,
        typer.Option("--digits", metavar="D", min=1, max=_MOST_DIGITS, help="Significant digits of numbers."),
    ] = 6,
    form: Annotated[
        Format,
        typer.Option("--format", metavar="FORM", help="terminal, markdown, latex, html or json."),
    ] = Format.terminal,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Write it there, not to the terminal."),
    ] = None,
    overrides: Overrides = None,
    force: Force = False,
    no_color: NoColor = False,
) -> None:
    """Derive one layer's error, gradients and update on this very network, every line with its proof.

    [dim]Examples:[/dim]
    [cyan]  bpnet explain --layer 2[/]
    [cyan]  bpnet explain mazur --layer 3 --format latex -o layer3.tex[/]
    """
    from bpnet.experiment.explaining import Question, open_subject
    from bpnet.inspection.explanation.overview import overview
    from bpnet.inspection.explanation.record import explain as explain_layer
    from bpnet.report.explanations.terminal import print_sections

    with consoles(no_color=no_color) as streams:
        refuse_overwriting(output, force=force)
        alone = {"--neuron": neuron, "--weight": weight, "--why": why or None, "--batch": batch or None}
        for name, given in alone.items():
            if layer is None and given is not None:
                raise BpnetError(f"{name} is for one layer's explanation.", advice="Add --layer N.")
        output = None if output == _STANDARD_OUTPUT else output
        if sample is not None and inputs is not None:
            raise BpnetError("--sample and --input are two samples.", advice="Give one of them.")
        question = Question(
            layer=layer,
            sample=sample,
            inputs=_cells(inputs),
            targets=_cells(targets),
            batch=batch,
            neuron=neuron,
            weight=_pair(weight),
            epoch=epoch,
        )
        subject = open_subject(target, overrides or [], question)
        explanation = None
        if layer is None:
            title, sections = "The network", overview(subject)
        else:
            explanation = explain_layer(subject, why=why)
            title, sections = explanation.title, explanation.sections
        if form == Format.terminal and output is None and streams.results.is_terminal:
            print_sections(streams.results, title, sections, digits)
        elif form in (Format.json, Format.html):
            _put(streams, output, _whole(explanation, form, digits))
        else:
            _put(streams, output, _WRITERS[form](title, sections, digits))
    if explanation is not None and not explanation.is_proved:
        raise typer.Exit(_NOT_PROVED)


def _cells(text: str | None) -> list[str] | None:
    return None if text is None else [cell.strip() for cell in text.split(",")]


def _pair(text: str | None) -> tuple[int, int] | None:
    """Unit numbers of a weight."""
    if text is None:
        return None
    cells = text.split(",")
    try:
        j, k = map(int, cells)
    except ValueError:
        raise BpnetError(
            f"--weight takes two numbers, found {text!r}.", advice="--weight 1,2 leads to unit 1 from unit 2."
        ) from None
    return j, k


def _whole(explanation: "Explanation | None", form: Format, digits: int) -> str:
    """A format that holds a layer's explanation as a whole."""
    if explanation is None:
        raise BpnetError(f"--format {form} explains one layer.", advice="Add --layer N.")
    if form == Format.html:
        from bpnet.report.explanations.html import page

        return page(explanation, digits)
    from bpnet.report.explanations.document import document_of
    from bpnet.report.json_text import json_text

    return json_text(document_of(explanation))


def _markdown(title: str, sections: "Sequence[Section]", digits: int) -> str:
    from bpnet.report.explanations.markdown import markdown

    return markdown(title, sections, digits)


def _latex(title: str, sections: "Sequence[Section]", digits: int) -> str:
    from bpnet.report.explanations.latex import latex

    return latex(title, sections, digits)


def _plain(title: str, sections: "Sequence[Section]", digits: int) -> str:
    from bpnet.report.explanations.terminal import written

    return written(title, sections, digits)


_WRITERS = {Format.markdown: _markdown, Format.latex: _latex, Format.terminal: _plain}


def _put(streams: "Consoles", output: Path | None, text: str) -> None:
    """Write a text to a file, or to standard output as it is."""
    if output is None:
        streams.write(text)
        return
    from bpnet.training.files import write_atomically

    write_atomically(output, text.encode())
