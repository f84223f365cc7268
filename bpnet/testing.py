"""For tests of your own code: fail where gradients are wrong, and say what is wrong with them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bpnet.inspection.records import GradientCheck

__all__ = ["assert_gradients"]


def assert_gradients(
    reference: str | Path | None = None,
    *,
    gradients: Mapping[str, object] | str | Path | None = None,
    case: str | Path | None = None,
    overrides: Sequence[str] = (),
    budget: float = 10.0,
) -> None:
    """Fail with a diagnosis if gradients are wrong, or if nothing certain can be said of them.

    Parameters
    ----------
    reference : str, Path or None
        A config's path or built-in name, or a run folder; None for the newest run under ``runs``, else the
        source's 2-2-1 network.
    gradients : mapping of str to array, or path, optional
        What another program computed: ``{"W2": ..., "b2": ..., "W3": ...}``, ``W2`` having a row for each
        unit of layer 2, or a file as ``bpnet grad-check --gradients`` takes it. Without them, bpnet's own
        gradients are proved.
    case : str or Path, optional
        A file that ``bpnet grad-check --case`` wrote, in place of ``reference``.
    overrides : sequence of str
        As ``--set`` takes them.
    budget : float
        Seconds that it may take, about.

    Raises
    ------
    AssertionError
        With what is wrong, and the worst element.
    BpnetError
        If a file cannot be read, or does not fit: see :mod:`bpnet.errors`.

    Examples
    --------
    >>> from bpnet.testing import assert_gradients
    >>> assert_gradients("mazur")
    >>> opposite = {"b3": [-0.138498561629, 0.038098236517]}
    >>> assert_gradients("mazur", gradients=opposite)
    Traceback (most recent call last):
        ...
    AssertionError: Your ... sign ...
    """
    __tracebackhide__ = True
    check = _check(reference, gradients, case, overrides, budget)
    told = _failures(check)
    if told:
        raise AssertionError("\n".join(told))


def _check(
    reference: str | Path | None,
    gradients: Mapping[str, object] | str | Path | None,
    case: str | Path | None,
    overrides: Sequence[str],
    budget: float,
) -> "GradientCheck":
    from bpnet.experiment.checking import grad_check, open_task
    from bpnet.inspection.cases import read_gradients
    from bpnet.inspection.foreign import check_foreign
    from bpnet.inspection.gradient_check import check_gradients

    name = None if reference is None else str(reference)
    if gradients is None and case is None:
        return grad_check(name, overrides=overrides, budget=budget)
    task = open_task(name, overrides, case=None if case is None else Path(case))
    if gradients is None:
        return check_gradients([task.point], budget=budget)
    source = Path(gradients) if isinstance(gradients, str) else gradients
    given, absent = read_gradients(source, task.point)
    return check_foreign(task.point, given, rate=task.rate, absent=absent, budget=budget)


def _failures(check: "GradientCheck") -> list[str]:
    """What is wrong, the worst element last; nothing if all is right."""
    from bpnet.inspection.records import PASS

    test = check.self_test
    missed = [f"not caught: {fault.name} ({fault.note})" for fault in test.faults if not fault.caught]
    if missed:
        return ["The check failed its own test, and says nothing of the gradients.", *missed]
    if check.verdict == PASS:
        return []
    wrong = [each for each in check.layers if each.verdict != PASS]
    measured = [each for each in wrong if each.worst is not None]
    told = [*check.diagnosis] or [f"The gradients are {check.verdict}.", *check.notes]
    if measured:
        worst = max(measured, key=lambda each: each.max_relative_error or 0.0)
        assert worst.worst is not None
        index = ", ".join(map(str, worst.worst.index))
        told.append(
            f"Worst: {worst.tensor}{worst.layer}[{index}] is {worst.worst.analytic:.9g}, but should be "
            f"{worst.worst.numeric:.9g} (relative error {worst.max_relative_error:.1e}, "
            f"allowed {check.threshold:.0e})."
        )
    return told
