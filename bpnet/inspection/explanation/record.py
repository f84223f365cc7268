"""The explanation as a whole: one record that every format is made from."""

from dataclasses import dataclass

import numpy as np

from bpnet.errors import BpnetError
from bpnet.inspection.explanation.blocks import Check, Section
from bpnet.inspection.explanation.error import chain_rule, in_one_line, where_it_comes_from
from bpnet.inspection.explanation.forward import forward_pass, the_network
from bpnet.inspection.explanation.gradient import Step, update, weights_and_biases
from bpnet.inspection.explanation.lessons import (
    Shared,
    health,
    proof,
    proofs_of,
    share,
    share_or_delta,
)
from bpnet.inspection.explanation.view import Subject, View
from bpnet.inspection.explanation.why import questions


@dataclass(frozen=True)
class Explanation:
    """How one layer's error, gradients and update come about.

    Attributes
    ----------
    subject : Subject
    view : View
        The passes behind the numbers.
    step : Step
    shared : Shared
    sections : tuple of Section
    checks : tuple of Check
        Every derivative that is proved.
    """

    subject: Subject
    view: View
    step: Step
    shared: Shared
    sections: tuple[Section, ...]
    checks: tuple[Check, ...]

    @property
    def title(self) -> str:
        """What it explains, as a heading."""
        l, L = self.view.l, self.view.L
        kind = "the output" if l == L else f"hidden layer {l - 1} of {L - 2}"
        return f"Layer {l}: {kind}"

    @property
    def is_proved(self) -> bool:
        """Whether every derivative agrees with its independent one."""
        return all(check.ok for check in self.checks)


@np.errstate(all="ignore")
def explain(subject: Subject, *, why: bool = False) -> Explanation:
    """Explain a layer.

    Parameters
    ----------
    subject : Subject
    why : bool
        Answer learners' questions at the end.

    Returns
    -------
    Explanation
        Its sections in the order of the argument: network, forward pass, δ, matrices, chain rule,
        gradients, update, proof, the share heuristic, and how δ fares.

    Raises
    ------
    BpnetError
        If numbers overflow.
    """
    view = View(subject)
    _refuse_overflow(view)
    step, shared = Step(view), share(view, view.l)
    sections = [
        the_network(view),
        forward_pass(view),
        where_it_comes_from(view),
        in_one_line(view),
        chain_rule(view),
        weights_and_biases(view),
        update(view, step),
    ]
    checks = proofs_of(sections)
    sections += [proof(checks), share_or_delta(view, shared), health(view)]
    sections += [questions(view, step, checks)] if why else []
    return Explanation(subject, view, step, shared, tuple(sections), tuple(checks))


def _refuse_overflow(view: View) -> None:
    """Stop where there is nothing to derive."""
    for l, z in view.whole_trace.z.items():
        if not np.isfinite(z).all() or not np.isfinite(view.trace.z[l]).all():
            raise BpnetError(
                f"z of layer {l} is not finite here, so that nothing can be derived.", advice=_ADVICE
            )
    numbers = (
        view.whole.cost(view.whole_trace),
        view.C().value,
        *view.whole_gradients.flat,
        *view.gradients.flat,
    )
    if not np.isfinite(numbers).all():
        raise BpnetError("C or its derivatives are not finite here: nothing can be derived.", advice=_ADVICE)


_ADVICE = "Look at another sample or epoch, or at smaller weights or inputs."
