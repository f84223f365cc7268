"""``bpnet grad-check``: prove the gradients of a network, or find what is wrong with somebody's."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bpnet.cli.common import Force, Json, NoColor, Overrides, Target, consoles, refuse_overwriting
from bpnet.errors import BpnetError

if TYPE_CHECKING:
    from bpnet.inspection.records import GradientCheck
    from bpnet.report.streams import Consoles

_EXIT = {"pass": 0, "fail": 1, "inconclusive": 3}
_SELF_TEST_FAILED = 4


def grad_check(
    target: Target = None,
    *,
    layer: Annotated[
        int | None,
        typer.Option("--layer", metavar="N", help="Show layer N alone; 2 is the first hidden one."),
    ] = None,
    budget: Annotated[
        float,
        typer.Option(
            "--budget",
            metavar="SECONDS",
            min=0,
            help="About how long it may take: larger tensors are sampled.",
        ),
    ] = 10.0,
    self_test: Annotated[
        bool, typer.Option("--self-test", help="Plant every fault at every point, and list them.")
    ] = False,
    case: Annotated[
        Path | None,
        typer.Option("--case", metavar="FILE", help="Write network, weights and batch for another program."),
    ] = None,
    gradients: Annotated[
        Path | None,
        typer.Option(
            "--gradients", metavar="FILE", help="Check what another program computed (.json or .npz)."
        ),
    ] = None,
    overrides: Overrides = None,
    force: Force = False,
    as_json: Json = False,
    no_color: NoColor = False,
) -> None:
    """Prove the gradients: exact derivatives, every equation, and faults planted to test the check itself.

    [dim]Examples:[/dim]
    [cyan]  bpnet grad-check digits[/]
    [cyan]  bpnet grad-check mazur --case case.json[/]
    [cyan]  bpnet grad-check --case case.json --gradients mine.json[/]
    """
    with consoles(no_color=no_color) as streams:
        if gradients is not None:
            code = _check_others(
                streams,
                target,
                overrides or [],
                layer,
                case=case,
                gradients=gradients,
                budget=budget,
                self_test=self_test,
                as_json=as_json,
            )
        elif case is not None:
            _refuse_options_of_a_check(layer=layer, self_test=self_test)
            code = _write_case(streams, target, case, overrides or [], force=force, as_json=as_json)
        else:
            code = _check(
                streams, target, overrides or [], layer, budget=budget, self_test=self_test, as_json=as_json
            )
    if code:
        raise typer.Exit(code)


def _check(
    streams: "Consoles",
    target: str | None,
    overrides: list[str],
    layer: int | None,
    *,
    budget: float,
    self_test: bool,
    as_json: bool,
) -> int:
    from bpnet.experiment.checking import check_experiment
    from bpnet.experiment.opening import open_experiment
    from bpnet.inspection.probe import SAMPLES
    from bpnet.report.gradients import print_subject

    opened = open_experiment(target, overrides, most_rows=SAMPLES)
    _refuse_layer(layer, opened.experiment.model.network.L)
    if not as_json:
        print_subject(streams.results, opened.what)
    check = check_experiment(opened.experiment, budget=budget, self_test=self_test)
    return _show(streams, opened.what, check, layer, full=self_test, as_json=as_json)


def _check_others(
    streams: "Consoles",
    target: str | None,
    overrides: list[str],
    layer: int | None,
    *,
    case: Path | None,
    gradients: Path,
    budget: float,
    self_test: bool,
    as_json: bool,
) -> int:
    from bpnet.experiment.checking import open_task
    from bpnet.inspection.cases import read_gradients
    from bpnet.inspection.foreign import check_foreign
    from bpnet.report.gradients import print_subject

    task = open_task(target, overrides, case=case)
    _refuse_layer(layer, task.point.network.L)
    what = f"{gradients} against {task.what}"
    if not as_json:
        print_subject(streams.results, what)
    given, absent = read_gradients(gradients, task.point)
    check = check_foreign(
        task.point, given, rate=task.rate, absent=absent, budget=budget, self_test=self_test
    )
    return _show(streams, what, check, layer, full=self_test, as_json=as_json)


def _write_case(
    streams: "Consoles",
    target: str | None,
    case: Path,
    overrides: list[str],
    *,
    force: bool,
    as_json: bool,
) -> int:
    from bpnet.experiment.checking import open_task
    from bpnet.inspection.cases import write_case
    from bpnet.report.json_text import json_text
    from bpnet.training.files import write_atomically

    refuse_overwriting(case, force=force)
    task = open_task(target, overrides)
    write_atomically(case, write_case(task.point, task.rate).encode())
    if as_json:
        streams.write(json_text({"case": str(case), "written": task.what}))
    else:
        command = f"bpnet grad-check --case {shlex.quote(str(case))} --gradients FILE"
        streams.results.print(f"{case}: {task.what}.")
        streams.results.print(f"Check what your program makes of it: {command}")
    return 0


def _show(
    streams: "Consoles", what: str, check: "GradientCheck", layer: int | None, *, full: bool, as_json: bool
) -> int:
    from bpnet.report.gradients import print_check
    from bpnet.report.json_text import json_text

    if as_json:
        shown = check if layer is None else check.of_layer(layer)
        streams.write(json_text({"checked": what, **shown.to_json()}))
    else:
        print_check(streams.results, check, layer=layer, full=full)
    if check.self_test.caught != check.self_test.planted:
        return _SELF_TEST_FAILED
    return _EXIT[check.verdict]


def _refuse_options_of_a_check(*, layer: int | None, self_test: bool) -> None:
    """A case is only written: what says how to check would go unheard."""
    for given, name in ((layer is not None, "--layer"), (self_test, "--self-test")):
        if given:
            raise BpnetError(
                f"{name} says how to check, but --case without --gradients only writes a case.",
                advice="To check what your program computed, add --gradients FILE.",
            )


def _refuse_layer(layer: int | None, last: int) -> None:
    if layer is not None and not 2 <= layer <= last:  # noqa: PLR2004 - layer 1 is the input
        raise BpnetError(
            f"There is no layer {layer} with parameters: --layer takes 2 (the first hidden layer) to "
            f"{last} (the output)."
        )
