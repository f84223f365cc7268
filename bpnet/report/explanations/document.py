"""An explanation as one JSON document, in full precision."""

import math
from typing import Any

import numpy as np

from bpnet.core.arrays import Array
from bpnet.inspection.explanation.record import Explanation
from bpnet.report.explanations.notation import Plain

_NAMES = Plain()


def document_of(explanation: Explanation) -> dict[str, Any]:
    """The document that ``docs/explain.schema.json`` describes.

    Numbers that are not finite are null, as JSON has none. z, a, W, b and δ are of the one sample; the
    gradients and the update are of the batch, if there is one.
    """
    view, step, shared = explanation.view, explanation.step, explanation.shared
    l, network, gradients = view.l, view.network, view.whole_gradients
    behind = l < view.L
    return {
        "explained": explanation.subject.what,
        "sample": explanation.subject.sample,
        "layer": l,
        "layers": [
            {"layer": 1, "units": network.sizes[0], "activation": None},
            *(
                {"layer": m, "units": layer.n_out, "activation": layer.activation.name}
                for m, layer in network.layers.items()
            ),
        ],
        "inputs": plain(view.trace.a[1][0]),
        "targets": plain(view.point.Y[0]),
        "outputs": plain(view.trace.outputs[0]),
        "loss": view.point.loss.name,
        "cost": plain(view.C().value),
        "a_before": plain(view.trace.a[l - 1][0]),
        "W": plain(network.W[l]),
        "b": plain(network.b[l]),
        "z": plain(view.trace.z[l][0]),
        "a": plain(view.trace.a[l][0]),
        "W_next": plain(network.W[l + 1]) if behind else None,
        "delta_next": plain(view.delta(l + 1)) if behind else None,
        "slope": plain(view.slopes(l)) if view.is_elementwise(l) else None,
        "delta": plain(view.delta(l)),
        "nabla_W": plain(gradients.nabla_W[l]),
        "nabla_b": plain(gradients.nabla_b[l]),
        "batch": len(view.whole.X),
        "share": {"weighted": plain(shared.weighted), "normalised": plain(shared.normalised)},
        "update": {
            "learning_rate": explanation.subject.learning_rate,
            "W": plain(step.network.W[l]),
            "b": plain(step.network.b[l]),
            "cost_before": plain(step.cost_before),
            "cost_after": plain(step.cost_after),
            "predicted_change": plain(step.predicted_change),
        },
        "checks": [
            {
                "quantity": _NAMES.formula(check.quantity),
                "analytic": plain(check.analytic),
                "numeric": plain(check.numeric),
                "ok": check.ok,
            }
            for check in explanation.checks
        ],
    }


def plain(value: float | Array) -> Any:  # noqa: ANN401 - a number or lists of them
    """A number or an array as JSON holds it."""
    if isinstance(value, np.ndarray):
        return [plain(each) for each in value]
    return float(value) if math.isfinite(value) else None
