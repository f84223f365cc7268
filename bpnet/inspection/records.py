"""What a gradient check found: plain, frozen records."""

import math
from dataclasses import asdict, dataclass, replace
from typing import Any

from bpnet.inspection.differences import Difference, Taylor

PASS, FAIL, INCONCLUSIVE = "pass", "fail", "inconclusive"
NOT_FINITE = "a number is infinite or not a number"


@dataclass(frozen=True)
class Worst:
    """The element with the largest error: its index (from 0) and both values."""

    index: tuple[int, ...]
    analytic: float
    numeric: float


@dataclass(frozen=True)
class TensorCheck:
    """One W or b against the complex step: at the first point, or at one where the verdict is worse.

    Attributes
    ----------
    layer : int
    tensor : str
        ``W`` or ``b``.
    shape : tuple of int
    checked, total : int
        Elements; ``checked`` is the most at any point.
    max_relative_error : float or None
        None where a number was not finite.
    worst : Worst or None
    point : str
        Where that was.
    verdict : str
        ``pass``, ``fail`` or ``inconclusive``.
    note : str
        What else there is to say; empty for nothing.
    """

    layer: int
    tensor: str
    shape: tuple[int, ...]
    checked: int
    total: int
    max_relative_error: float | None
    worst: Worst | None
    point: str
    verdict: str
    note: str = ""


@dataclass(frozen=True)
class Stage:
    """One equation at one layer, at the point where it came off worst.

    Attributes
    ----------
    stage : str
        ``cost``, ``BP1`` to ``BP4``, ``penalty``, ``∇ₐC``, ``far out``, ``corners``, ``step``,
        ``dropout`` or ``optimizer``.
    layer : int or None
    max_relative_error : float or None
    verdict : str
    point : str
    note : str
    """

    stage: str
    layer: int | None
    max_relative_error: float | None
    verdict: str
    point: str
    note: str = ""


@dataclass(frozen=True)
class PlantedFault:
    """A fault of the self-test.

    Attributes
    ----------
    name : str
    caught : bool
    variants : int
        How often it was planted: at each layer, each tensor, each point.
    note : str
        Where it was planted, if not in the network itself, and why.
    """

    name: str
    caught: bool
    variants: int
    note: str = ""


@dataclass(frozen=True)
class SelfTest:
    """Whether the check can see."""

    faults: tuple[PlantedFault, ...]

    @property
    def planted(self) -> int:
        """Kinds of faults planted."""
        return len(self.faults)

    @property
    def caught(self) -> int:
        """Kinds of faults of which every variant was caught."""
        return sum(fault.caught for fault in self.faults)


@dataclass(frozen=True)
class GradientCheck:
    """The whole check.

    Attributes
    ----------
    verdict : str
        ``pass``, ``fail`` or ``inconclusive``.
    threshold : float
    layers : tuple of TensorCheck
        From the output back, W before b.
    stages : tuple of Stage
    taylor : tuple of Taylor
    differences : tuple of Difference
        Elements checked without complex numbers, kinks among them.
    self_test : SelfTest
    diagnosis : tuple of str
        What is wrong, if anything is.
    points : dict of str to (float or None)
        Largest error at each point; None where none could be measured.
    notes : tuple of str
        Conventions that decided, and what was left out.
    not_given : tuple of str
        Tensors of another program's gradient that it did not give, such as ``b2``.
    """

    verdict: str
    threshold: float
    layers: tuple[TensorCheck, ...]
    stages: tuple[Stage, ...]
    taylor: tuple[Taylor, ...]
    differences: tuple[Difference, ...]
    self_test: SelfTest
    diagnosis: tuple[str, ...]
    points: dict[str, float | None]
    notes: tuple[str, ...]
    not_given: tuple[str, ...] = ()

    @property
    def max_relative_error(self) -> float | None:
        """Largest error of any tensor at any point; None if none could be measured."""
        return max((error for error in self.points.values() if error is not None), default=None)

    @property
    def kinks(self) -> tuple[Difference, ...]:
        """Elements with a corner too near for a difference."""
        return tuple(each for each in self.differences if each.verdict == "kink")

    def of_layer(self, l: int) -> "GradientCheck":
        """The check with what concerns this layer alone; verdict, diagnosis and points are of all layers."""
        return replace(
            self,
            layers=tuple(each for each in self.layers if each.layer == l),
            stages=tuple(each for each in self.stages if each.layer == l),
            taylor=tuple(each for each in self.taylor if each.layer == l),
            differences=tuple(each for each in self.differences if each.layer == l),
        )

    def to_json(self) -> dict[str, Any]:
        """The check as one JSON document; null stands for what is no finite number, as JSON has none."""
        document = asdict(self)
        document["max_relative_error"] = self.max_relative_error
        document["kinks"] = [asdict(each) for each in self.kinks]
        document["self_test"] |= {"planted": self.self_test.planted, "caught": self.self_test.caught}
        plain: dict[str, Any] = _finite(document)
        return plain


def _finite(value: Any) -> Any:  # noqa: ANN401 - whatever JSON holds
    if isinstance(value, dict):
        return {key: _finite(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
