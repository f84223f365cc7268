"""How far apart two gradients are: relative, with a floor a tensor and never one for all."""

import numpy as np

from bpnet.core.arrays import Array

THRESHOLD = 1e-8
"""Largest relative error that passes. Rounding stays below 3e-10; the smallest planted fault is 1e-6."""

FLOOR = 1e-4
"""Share of a tensor's largest element below which an element is measured against the tensor.

A sum that nearly cancels keeps the rounding of its parts; that much is forgiven within one tensor.
A floor for all tensors together would let the first layers of a deep network pass whatever they hold.
"""


def relative_errors(analytic: Array, numeric: Array) -> Array:
    """|a − n| / max(|a| + |n|, floor of the tensor), element by element; 0 where both are 0.

    It is not a number where anything is infinite or not a number, the sum |a| + |n| included.

    Parameters
    ----------
    analytic, numeric : ndarray of the same shape
        One tensor's elements, or a sample of them.
    """
    with np.errstate(all="ignore"):
        floor = FLOOR * float(np.abs(numeric).max(initial=0))
        scale = np.maximum(np.abs(analytic) + np.abs(numeric), floor)
        difference = np.abs(analytic - numeric)
        errors = np.divide(difference, scale, out=np.zeros_like(difference), where=difference != 0)
    return np.where(np.isfinite(scale), errors, np.nan)


def agree(analytic: Array, numeric: Array, tolerance: float) -> bool:
    """Whether every element is within ``tolerance``, by :func:`relative_errors`."""
    return bool((relative_errors(analytic, numeric) <= tolerance).all())
