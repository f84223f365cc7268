"""Every tolerance of the tests, with its reason; none is loosened to make a test pass."""

GRADIENT = 1e-10
"""Analytic against complex-step gradients in float64: these have no truncation error, so rounding is all."""

GRADIENT_FLOOR = 1e-4
"""Share of a tensor's largest gradient below which an element's error is measured against the tensor."""

WORKED = 1e-12
"""Against the twelve printed digits of the worked examples, absolute."""

ROUNDING = 1e-13
"""Two float64 computations of the same formula in another order."""

ROUNDING_32 = 1e-5
"""Two float32 computations of the same formula in another order."""

STANDARD_ERRORS = 5
"""How far a mean of many draws may lie from its expectation: 1 draw in 2 million is further off by chance."""
