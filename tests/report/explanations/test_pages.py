"""Pages as a whole: what compiles, what reads well, what a forge renders."""

import io
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from rich.console import Console

from bpnet.inspection.explanation.overview import overview
from bpnet.inspection.explanation.record import explain
from bpnet.report.explanations.latex import SIGNS, latex
from bpnet.report.explanations.markdown import markdown
from bpnet.report.explanations.terminal import print_sections, written
from tests.inspection.explanation.making import LAYERS, TEN, explained, subject_of
from tests.inspection.making import make_point

PDFLATEX = shutil.which("pdflatex")


@pytest.mark.skipif(PDFLATEX is None, reason="there is no pdflatex here")
@pytest.mark.parametrize(
    ("name", "layer"), [*LAYERS[:3], ("softmax", 3), ("deep", 3), ("wide", 3), ("many classes", 3)]
)
def test_latex_compiles_and_fits_its_pages(name: str, layer: int, tmp_path: Path) -> None:
    explanation = explained(name, layer)
    (tmp_path / "page.tex").write_text(latex(explanation.title, explanation.sections), encoding="utf-8")
    command = [str(PDFLATEX), "-interaction=nonstopmode", "-halt-on-error", "page.tex"]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, errors="replace", check=False)
    assert ran.returncode == 0, ran.stdout[-2000:]
    assert (tmp_path / "page.pdf").stat().st_size > 10_000
    too_wide = [float(points) for points in re.findall(r"Overfull \\hbox \(([\d.]+)pt", ran.stdout)]
    assert max(too_wide, default=0) < 20


@pytest.mark.parametrize(("name", "layer"), LAYERS)
def test_every_sign_of_latex_is_declared(name: str, layer: int) -> None:
    explanation = explained(name, layer)
    _, _, body = latex(explanation.title, explanation.sections).partition(r"\begin{document}")
    latin = set("–")
    assert {sign for sign in body if ord(sign) > 127} <= set(SIGNS) | latin


@pytest.mark.parametrize(("name", "layer"), LAYERS)
def test_markdown_is_well_formed(name: str, layer: int) -> None:
    explanation = explained(name, layer)
    text = markdown(explanation.title, explanation.sections)
    assert text.count("$$") % 2 == 0
    for line in text.splitlines():
        if line.startswith("|"):
            continue
        assert line.replace(r"\$", "").count("$") % 2 == 0, line
    tables = re.findall(r"(?:^\|.*\|\n)+", text, re.MULTILINE)
    assert tables
    for table in tables:
        widths = {len(re.findall(r"(?<!\\)\|", row)) for row in table.splitlines()}
        assert len(widths) == 1, table
    assert [int(n) for n in re.findall(r"^## (\d+)\. ", text, re.MULTILINE)] == list(range(1, 12))


@pytest.mark.parametrize("width", [80, 140])
@pytest.mark.parametrize(("name", "layer"), LAYERS)
def test_the_terminal_page_keeps_its_width_and_its_sections_short(name: str, layer: int, width: int) -> None:
    explanation, file = explained(name, layer), io.StringIO()
    print_sections(Console(file=file, width=width), explanation.title, explanation.sections)
    sections: list[int] = []
    for line in file.getvalue().splitlines():
        assert len(line.rstrip()) <= width
        if line[:1].isdigit():
            sections.append(0)
        elif sections:
            sections[-1] += 1
    assert len(sections) == 11
    assert max(sections) < 60


@pytest.mark.parametrize(("name", "layer"), LAYERS)
def test_a_batch_s_sections_are_short_too(name: str, layer: int) -> None:
    many = make_point(TEN[name].network.sizes, "tanh", "softmax", "cross_entropy", n_samples=20)
    explanation = explain(subject_of(many, layer, batch=many))
    sections = re.split(r"^\d+  ", written(explanation.title, explanation.sections), flags=re.MULTILINE)[1:]
    assert len(sections) == 10
    assert max(text.count("\n") for text in sections) < 60


def test_colour_is_never_all_that_tells() -> None:
    explanation = explained("softmax", 2)
    coloured, plain = io.StringIO(), io.StringIO()
    for file, options in ((coloured, {"force_terminal": True, "color_system": "truecolor"}), (plain, {})):
        console = Console(file=file, width=80, highlight=False, **options)  # type: ignore[arg-type]  # of Rich's many
        print_sections(console, explanation.title, explanation.sections)
    assert "\x1b[" in coloured.getvalue()
    assert re.sub(r"\x1b\[[\d;]*m", "", coloured.getvalue()) == plain.getvalue()
    assert (
        written(explanation.title, explanation.sections).rstrip()
        == "\n".join(line.rstrip() for line in plain.getvalue().splitlines()).rstrip()
    )


@pytest.mark.parametrize("name", TEN)
def test_the_overview_has_a_line_for_every_layer(name: str) -> None:
    text = written("The network", overview(subject_of(TEN[name], 2)))
    for l in TEN[name].network.layers:
        assert re.search(rf"^ +{l} +\d", text, re.MULTILINE)
    assert text.count("BP1") == 1
