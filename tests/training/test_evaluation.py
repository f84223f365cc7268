from typing import Any

import numpy as np
import pytest

from bpnet.core.losses import LOSSES
from bpnet.core.metrics import Accuracy
from bpnet.core.network import forward
from bpnet.training import evaluation
from bpnet.training.evaluation import SLICE_ROWS, Samples, Tally, evaluate, predict
from bpnet.training.events import Score
from tests.core.nets import make_batch, make_network
from tests.tolerances import ROUNDING
from tests.training.making import make_metric, make_samples

QUADRATIC = LOSSES.create("quadratic")
NETWORK = make_network((3, 5, 2), "tanh", "identity")


@pytest.mark.parametrize("rows", [1, 23, SLICE_ROWS, SLICE_ROWS + 1, 2 * SLICE_ROWS + 5])
def test_loss_and_metrics_over_slices(rows: int) -> None:
    samples = make_samples(rows)
    score = evaluate(NETWORK, QUADRATIC, make_metric, samples)
    residual = forward(NETWORK, samples.X).outputs - samples.Y
    assert score.loss == pytest.approx(0.5 * (residual**2).sum(axis=1).mean(), rel=ROUNDING)
    assert score["mae"] == score.metrics["mae"] == pytest.approx(np.abs(residual).mean(), rel=ROUNDING)
    assert score["loss"] == score.loss


def test_weights_count_in_the_loss_and_not_in_the_metrics() -> None:
    samples = make_samples()
    weight = np.arange(len(samples)) / 7.0
    plain = evaluate(NETWORK, QUADRATIC, make_metric, samples)
    weighted = evaluate(NETWORK, QUADRATIC, make_metric, Samples(samples.X, samples.Y, weight))
    each = 0.5 * ((forward(NETWORK, samples.X).outputs - samples.Y) ** 2).sum(axis=1)
    assert weighted.loss == pytest.approx((each * weight).mean(), rel=ROUNDING)
    assert weighted.metrics == plain.metrics


def test_a_tally_counts_parts_of_any_size_alike() -> None:
    network = make_network((3, 5, 4), "tanh", "softmax")
    X, Y = make_batch("cross_entropy", 50, 3, 4)
    loss = LOSSES.create("cross_entropy")
    tally = Tally(loss, Accuracy(exclusive=True))
    trace = forward(network, X)
    for rows in (slice(0, 1), slice(1, 30), slice(30, 50)):
        tally.add(trace.z[3][rows], trace.a[3][rows], Samples(X[rows], Y[rows]))
    outputs = trace.outputs
    expected = -np.log(outputs[Y == 1]).mean()
    assert tally.score().loss == pytest.approx(expected, rel=1e-12)
    assert tally.score().metrics == {"accuracy": (outputs.argmax(axis=1) == Y.argmax(axis=1)).mean()}


def test_float32_losses_are_summed_in_float64() -> None:
    network = NETWORK.with_parameters(np.zeros_like(NETWORK.parameters, dtype=np.float32))
    Y = np.full((999, 2), np.float32(1.1))
    score = evaluate(network, QUADRATIC, make_metric, Samples(np.zeros((999, 3), np.float32), Y))
    assert score.loss == float(np.float32(0.5) * (Y[0] * Y[0]).sum())


def test_scoring_is_without_dropout() -> None:
    dropping = make_network((3, 5, 2), "tanh", "identity", dropout=0.5)
    samples = make_samples()
    assert evaluate(dropping, QUADRATIC, make_metric, samples) == evaluate(
        NETWORK, QUADRATIC, make_metric, samples
    )


def test_a_loss_that_overflows_is_returned_without_a_warning() -> None:
    samples = make_samples()
    samples.Y[2] = 1e200
    assert evaluate(NETWORK, QUADRATIC, make_metric, samples).loss == np.inf


def test_a_score_reads_like_a_mapping() -> None:
    score = Score(0.25, {"accuracy": 0.5})
    assert (score["loss"], score["accuracy"]) == (0.25, 0.5)
    with pytest.raises(KeyError):
        score["r2"]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_outputs_of_many_rows(monkeypatch: pytest.MonkeyPatch, dtype: Any) -> None:
    network = NETWORK.with_parameters(NETWORK.parameters.astype(dtype))
    X = make_samples(23).X.astype(dtype)
    monkeypatch.setattr(evaluation, "SLICE_ROWS", 5)
    outputs = predict(network, X)
    assert outputs.dtype == dtype
    parts = [forward(network, X[start : start + 5]).outputs for start in range(0, 23, 5)]
    np.testing.assert_array_equal(outputs, np.concatenate(parts))
    assert predict(network, X[:0]).shape == (0, 2)


def test_outputs_that_overflow_come_back_without_a_warning() -> None:
    network = make_network((3, 2), "tanh", "identity")
    network.W[2][:] = 2.0
    np.testing.assert_array_equal(predict(network, np.full((1, 3), 1e308)), [[np.inf, np.inf]])


def test_rows_of_samples() -> None:
    samples = Samples(np.arange(6.0).reshape(3, 2), np.arange(3.0).reshape(3, 1), np.array([5.0, 6.0, 7.0]))
    taken = samples.take(np.array([2, 0]))
    assert len(samples) == 3
    assert len(taken) == 2
    assert taken.weight is not None
    np.testing.assert_array_equal(taken.X, [[4, 5], [0, 1]])
    np.testing.assert_array_equal(taken.Y, [[2], [0]])
    np.testing.assert_array_equal(taken.weight, [7, 5])
    assert Samples(samples.X, samples.Y).take(slice(1, 2)).weight is None
