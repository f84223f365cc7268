"""How the house is built: who may import whom, what loads when, and a reason for every exception."""

import io
import re
import subprocess
import sys
import tokenize
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
HEAVY = {"pydantic", "yaml", "polars", "matplotlib", "safetensors"}

# Prints what a statement loads beyond what Python itself had loaded before it.
REPORT_LOADED = """
import sys
before = set(sys.modules)
{statement}
print(*sorted({{name.partition(".")[0] for name in set(sys.modules) - before}}))
"""


def loaded_by(statement: str) -> set[str]:
    """Top-level modules that a statement loads in a fresh interpreter."""
    command = [sys.executable, "-c", REPORT_LOADED.format(statement=statement)]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return set(ran.stdout.splitlines()[-1].split())


def test_rooms_import_downwards_only() -> None:
    script = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"
    ran = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "0 broken" in ran.stdout


@pytest.mark.parametrize("module", ["bpnet", "bpnet.config", "bpnet.cli"])
def test_front_doors_load_nothing_heavy(module: str) -> None:
    loaded = loaded_by(f"import {module}")
    assert "bpnet" in loaded
    assert not loaded & HEAVY


HELP = """
import sys
from bpnet.cli import main
sys.argv = ["bpnet", "--help"]
try:
    main()
except SystemExit as end:
    assert not end.code, end
"""


def test_help_loads_nothing_heavy() -> None:
    loaded = loaded_by(HELP)
    assert "typer" in loaded
    assert not loaded & HEAVY


def test_heavy_modules_would_be_noticed() -> None:
    assert {"pydantic", "yaml"} <= loaded_by("import bpnet.config.loading")


def test_the_core_loads_numpy_and_nothing_else() -> None:
    modules = [f"bpnet.core.{path.stem}" for path in (ROOT / "bpnet" / "core").glob("[a-z]*.py")]
    loaded = loaded_by("import " + ", ".join(modules))
    compiled = {name for name in loaded if "cython" in name}  # how numpy.random shows itself
    assert loaded - compiled - sys.stdlib_module_names == {"bpnet", "numpy"}


def exceptions_in(text: str) -> Iterator[tuple[int, str]]:
    """Comments of a Python text that silence a checker: their line numbers and wordings."""
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT and re.search(r"#\s*(noqa|type:\s*ignore)", token.string):
            yield token.start[0], token.string


REASONED = re.compile(
    r"# noqa: [A-Z]+[0-9]+(, [A-Z]+[0-9]+)* - \S.+"
    r"|# type: ignore\[[a-z-]+(, [a-z-]+)*\]  # (?!noqa)\S.+"
)
"""Which rule is silenced, and why."""


@pytest.mark.parametrize(
    ("comment", "accepted"),
    [
        ("# noqa: PLR2004 - rows and columns", True),
        ("# noqa: N802, N803 - the field's names", True),
        ("# type: ignore[assignment]  # the parts hold dicts", True),
        ("# noqa", False),
        ("# noqa: PLR2004", False),
        ("# type: ignore", False),
        ("# type: ignore[assignment]", False),
        ("# type: ignore[assignment]  # noqa: E501", False),
    ],
)
def test_the_rule_for_reasons_tells_good_from_bad(comment: str, accepted: bool) -> None:  # noqa: FBT001 - a case
    assert list(exceptions_in(f"x = 1  {comment}\n")) == [(1, comment)]
    assert bool(REASONED.fullmatch(comment)) is accepted


def test_every_silenced_line_has_its_reason() -> None:
    unreasoned = [
        f"{path.relative_to(ROOT)}:{line}: {comment}"
        for folder in ("bpnet", "tests", "benchmarks", "docs")
        for path in sorted((ROOT / folder).rglob("*.py"))
        for line, comment in exceptions_in(path.read_text(encoding="utf-8"))
        if not REASONED.fullmatch(comment)
    ]
    assert not unreasoned


def test_every_silenced_rule_has_its_reason() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    lint = tomllib.loads(text)["tool"]["ruff"]["lint"]
    silenced = [*lint["ignore"], *(rule for rules in lint["per-file-ignores"].values() for rule in rules)]
    reasoned = re.findall(r'^ +"([A-Z]+[0-9]*)", +# \S+ .+$', text, re.MULTILINE)
    assert sorted(silenced) == sorted(reasoned)
