"""The picture that comes before the chain rule: each unit takes its share of every error, by weight."""

import numpy as np

from bpnet.core.arrays import Array


def normalised(W: Array) -> Array:
    """Each unit's incoming weights as shares of their sum, in the shape of W.

    Where a unit's weights sum to 0 there are no shares: they are infinite or not a number.
    """
    with np.errstate(all="ignore"):
        shares: Array = W / W.sum(axis=1, keepdims=True)
    return shares
