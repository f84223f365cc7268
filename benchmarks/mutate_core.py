"""Break the mathematics in every small way, and see whether ``bpnet grad-check`` notices.

Every arithmetic and comparison operator, sign, number, index, axis, truth value and in-place statement of
``core/backprop.py``, ``core/activations.py`` and ``core/losses.py`` is changed, one at a time, in a copy of
the package. Over a set of configs that use everything, ``bpnet grad-check`` must then exit with something
other than 0. A mutant that it lets pass is compared with the original: gradients of random networks, from
tiny to huge z. If none differs, the mutant changes no gradient (it is equivalent), and a list below says why
it cannot; if one does, it has survived, which is a hole in the check. The script ends with 1 if a mutant has
survived, or an equivalent one has no reason there.

Run ``python benchmarks/mutate_core.py`` in the project's folder; it writes docs/mutants.md.
"""

import argparse
import ast
import copy
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import textwrap
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

PROJECT = Path(__file__).parent.parent
FILES = ("core/backprop.py", "core/activations.py", "core/losses.py")

OPERATORS = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.Pow: ast.Mult,
    ast.FloorDiv: ast.Mult,
}
COMPARISONS = {
    ast.Gt: (ast.GtE, ast.Lt),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Lt: (ast.LtE, ast.Gt),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
}
FUNCTIONS = {
    "add": "subtract",
    "subtract": "add",
    "multiply": "divide",
    "divide": "multiply",
    "maximum": "minimum",
    "minimum": "maximum",
    "at_least": "at_most",
    "at_most": "at_least",
    "sum": "mean",
    "mean": "sum",
    "max": "min",
    "exp": "expm1",
    "expm1": "exp",
    "log": "log1p",
    "log1p": "log",
    "tanh": "sin",
    "sign": "abs",
    "greater": "less",
    "negative": "positive",
}
REASONS = (
    (r"@dataclass\(frozen=True\)", "what may not be changed is not changed anyway"),
    (r"(lowest|saturates|peak_derivative)\b", "said of the function to config and health; no pass reads it"),
    (r"kinks = |if self.alpha == 1 else", "where differences look out for corners; no pass reads it"),
    (r"= parameter\(", "default or limit of a key of the config, not a number of a given network"),
    (r"weight_decay: float = 0.0", "a default: whoever trains or checks hands in λ"),
    (r"_(GELU|SILU)_FLAT = ", "from there on the curve is flat to the last digit, a little earlier or later"),
    (r"axis=1|a\.shape\[1\]", "of two axes, the last is axis 1"),
    (r"targets.shape|of shape \{a\[L\].shape\}|empty_like\(z\)", "z and a are of one shape"),
    (r"_positive\(z, ", "a is above 0 where z is"),
    (r"slope\[z > 0\]", "a is above 0 where z is"),
    (r'if kind != "passed"', "which buffers are made beforehand; what is computed is the same"),
    (r"if is_complex\(z\):", "two ways to the same value"),
)
"""Why a change of a line, found by a pattern, changes no gradient."""


Change = Callable[[Any], ast.AST | None]


@dataclass(frozen=True)
class Mutant:
    """One change.

    Attributes
    ----------
    file : str
        Within the package.
    line : int
    code : str
        That line, as it is.
    was, now : str
        The smallest piece of code that was changed.
    source : str
        The whole file with it.
    """

    file: str
    line: int
    code: str
    was: str
    now: str
    source: str


def mutants(file: str, text: str) -> Iterator[Mutant]:
    """Every mutant of a file."""
    tree, lines = ast.parse(text), text.splitlines()
    for position, node in enumerate(ast.walk(tree)):
        for change in _changes(node):
            changed = copy.deepcopy(tree)
            target = next(n for k, n in enumerate(ast.walk(changed)) if k == position)
            was = ast.unparse(target)
            replaced = change(target)
            if replaced is not None:
                _replace(changed, target, replaced)
            now = ast.unparse(target if replaced is None else replaced)
            if was != now:
                source = ast.unparse(ast.fix_missing_locations(changed))
                yield Mutant(file, node.lineno, lines[node.lineno - 1].strip(), was, now, source)


def _changes(node: ast.AST) -> Iterator[Change]:  # noqa: C901, PLR0912 - a list of kinds, one after the other
    """Functions that change a node in place, or return what takes its place."""
    if isinstance(node, ast.BinOp) and type(node.op) in OPERATORS:
        yield lambda n: setattr(n, "op", OPERATORS[type(n.op)]())
    if isinstance(node, ast.AugAssign) and type(node.op) in OPERATORS:
        yield lambda n: setattr(n, "op", OPERATORS[type(n.op)]())
        yield lambda n: ast.Pass()
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.Not):
        yield lambda n: n.operand
    if isinstance(node, ast.Compare):
        for number in range(len(COMPARISONS.get(type(node.ops[0]), ()))):
            yield lambda n, number=number: setattr(
                n, "ops", [COMPARISONS[type(n.ops[0])][number](), *n.ops[1:]]
            )
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        for value in {node.value + 1, node.value - 1, -node.value, node.value * 2} - {node.value}:
            yield lambda n, value=value: setattr(n, "value", value)
    if isinstance(node, ast.Constant) and type(node.value) is bool:
        yield lambda n: setattr(n, "value", not n.value)
    if isinstance(node, ast.Attribute):
        if node.attr == "T":
            yield lambda n: n.value
        if node.attr in FUNCTIONS:
            yield lambda n: setattr(n, "attr", FUNCTIONS[n.attr])
        if node.attr in ("real", "imag"):
            yield lambda n: setattr(n, "attr", "imag" if n.attr == "real" else "real")
    if isinstance(node, ast.Name) and node.id in FUNCTIONS:
        yield lambda n: setattr(n, "id", FUNCTIONS[n.id])
    if isinstance(node, ast.Name) and node.id in ("z", "a") and isinstance(node.ctx, ast.Load):
        yield lambda n: setattr(n, "id", "a" if n.id == "z" else "z")
    if isinstance(node, ast.If | ast.IfExp):
        yield lambda n: setattr(n, "test", ast.UnaryOp(ast.Not(), n.test))


def _replace(tree: ast.AST, old: ast.AST, new: ast.AST) -> None:
    for parent in ast.walk(tree):
        for name, value in ast.iter_fields(parent):
            if value is old:
                setattr(parent, name, new)
            elif isinstance(value, list) and old in value:
                value[value.index(old)] = new


def judged(mutant: Mutant | None, work: Path) -> tuple[str, Path]:
    """Run the judge on a copy of the package with one file changed; returns its verdict and its gradients."""
    folder = Path(tempfile.mkdtemp(dir=work))
    shutil.copytree(PROJECT / "bpnet", folder / "bpnet", ignore=shutil.ignore_patterns("__pycache__"))
    if mutant is not None:
        (folder / "bpnet" / mutant.file).write_text(mutant.source, encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(folder), "OPENBLAS_NUM_THREADS": "1"}
    gradients = folder.with_suffix(".npy")
    try:
        ran = subprocess.run(
            [sys.executable, str(PROJECT / "benchmarks" / "mutation_judge.py"), str(gradients)],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        verdict = json.loads(ran.stdout.splitlines()[-1]) if ran.stdout.strip() else "stopped: no answer"
    except subprocess.TimeoutExpired:
        verdict = "stopped: no end"
    shutil.rmtree(folder)
    return verdict, gradients


def same(mine: Path, original: Path) -> bool:
    """Whether two sets of gradients differ nowhere by more than rounding."""
    a, b = np.load(mine), np.load(original)
    return a.shape == b.shape and bool(np.allclose(a, b, rtol=1e-9, atol=1e-300, equal_nan=True))


def fate(mutant: Mutant, original: Path, work: Path) -> str:
    """``caught``, ``crashed``, ``equivalent`` or ``SURVIVED``."""
    verdict, gradients = judged(mutant, work)
    if verdict != "passed":
        return "crashed" if verdict.startswith("stopped") else "caught"
    return "equivalent" if same(gradients, original) else "SURVIVED"


def reason(mutant: Mutant) -> str:
    """Why a mutant changes no gradient; empty if that is not known."""
    return next((why for pattern, why in REASONS if re.search(pattern, mutant.code)), "")


def document(found: list[tuple[Mutant, str]]) -> str:
    """Write the table of fates, and every mutant that was let pass."""
    counts = Counter((mutant.file, what) for mutant, what in found)
    lines = [
        "# Mutants of the mathematics",
        "",
        *textwrap.wrap(
            "Written by `python benchmarks/mutate_core.py`: every small change of the three files, one at a "
            "time, put before `bpnet grad-check`, which looks at a config for every output activation and "
            "loss. *Equivalent* is a mutant that was let pass and changed no gradient and no cost of random "
            "networks with every activation and loss, from tiny to huge z and on corners, by more than 1e-9 "
            "of itself. *Crashed* is one with which the program cannot run.",
            width=115,
        ),
        "",
        "| File | Mutants | Caught | Crashed | Equivalent | Survived |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for file in FILES:
        fates = [counts[file, what] for what in ("caught", "crashed", "equivalent", "SURVIVED")]
        lines.append(f"| `{file}` | {sum(fates)} | {' | '.join(map(str, fates))} |")
    survivors = [mutant for mutant, each in found if each == "SURVIVED"]
    lines += ["", "## Survived", ""]
    lines += [f"- `{m.file}`, line {m.line}: `{_short(m.was)}` → `{_short(m.now)}`" for m in survivors] or [
        "None."
    ]
    lines += [
        "",
        "## Equivalent, and why",
        "",
        "| Line | Code | Changes | Why no gradient changes |",
        "|---|---|---|---|",
    ]
    for (file, number, code), group in _by_line(m for m, each in found if each == "equivalent"):
        changes = ", ".join(f"`{_short(m.was)}` → `{_short(m.now)}`" for m in group)
        cells = (f"`{file}` {number}", f"`{_short(code)}`", changes, reason(group[0]) or "**not known**")
        lines.append(f"| {' | '.join(each.replace('|', chr(92) + '|') for each in cells)} |")
    return "\n".join(lines) + "\n"


def _by_line(mutants: Iterable[Mutant]) -> list[tuple[tuple[str, int, str], list[Mutant]]]:
    lines: dict[tuple[str, int, str], list[Mutant]] = {}
    for mutant in mutants:
        lines.setdefault((mutant.file, mutant.line, mutant.code), []).append(mutant)
    return sorted(lines.items(), key=lambda line: (FILES.index(line[0][0]), line[0][1]))


def _short(code: str) -> str:
    first = code.splitlines()[0]
    return first if len(first) <= 90 else first[:87] + "..."  # noqa: PLR2004 - a line of the document


def main() -> None:
    """Make every mutant, judge it, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", help="a file, such as core/losses.py")
    parser.add_argument("--output", type=Path, default=PROJECT / "docs" / "mutants.md")
    options = parser.parse_args()
    files = [file for file in FILES if options.only in (None, file)]
    everything = [m for file in files for m in mutants(file, (PROJECT / "bpnet" / file).read_text("utf-8"))]
    print(f"{len(everything)} mutants", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        verdict, original = judged(None, work)
        if verdict != "passed":
            raise SystemExit(f"the original itself does not pass: {verdict}")
        found = []
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            for mutant, what in zip(
                everything, pool.map(lambda m: fate(m, original, work), everything), strict=True
            ):
                found.append((mutant, what))
                if what not in ("caught", "crashed"):
                    print(f"{what}: {mutant.file}:{mutant.line}: {mutant.was} -> {mutant.now}", flush=True)
    options.output.write_text(document(found), encoding="utf-8")
    open_questions = [
        m for m, what in found if what == "SURVIVED" or (what == "equivalent" and not reason(m))
    ]
    raise SystemExit(bool(open_questions))


if __name__ == "__main__":
    main()
