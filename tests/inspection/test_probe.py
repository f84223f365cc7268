from dataclasses import replace

import numpy as np
import pytest

from bpnet.core.activations import ACTIVATIONS
from bpnet.core.losses import LOSSES
from bpnet.core.network import Layer
from bpnet.inspection.probe import SAMPLES, draw_network, draw_targets, generic_probe
from tests.inspection.making import make_point


def test_nothing_of_a_drawn_network_is_equal_symmetric_or_0() -> None:
    layers = [Layer(6, 6, ACTIVATIONS.create("tanh")), Layer(6, 6, ACTIVATIONS.create("tanh"))]
    network = draw_network(layers, np.random.default_rng(0))
    assert len(set(network.parameters.tolist())) > network.parameters.size - 6
    assert np.abs(network.parameters).min() > 0
    for W in network.W.values():
        assert np.abs(W - W.T).max() > 0.1
    for b in network.b.values():
        assert np.abs(b).min() >= 0.1
        assert {-1.0, 1.0} == set(np.sign(b).tolist())


@pytest.mark.parametrize("name", list(LOSSES))
def test_targets_make_sense(name: str) -> None:
    loss = LOSSES.create(name)
    Y = draw_targets(loss, 50, 3, np.random.default_rng(0))
    assert Y.shape == (50, 3)
    if loss.classifies:
        assert (Y.sum(axis=1) == 1).all()
    if loss.classifies is not False:
        assert set(np.unique(Y)) == {0, 1}
    else:
        assert len(np.unique(Y)) == Y.size


def test_the_probe_keeps_the_kind_of_cost() -> None:
    point = make_point((4, 5, 3), "relu", "softmax", "cross_entropy", dropout=0.3, weighted=True, n_samples=1)
    probe = generic_probe(replace(point, weight_decay=0.2))
    assert probe.name == "a generic probe"
    assert probe.network.layers == point.network.layers
    assert (probe.loss, probe.weight_decay) == (point.loss, 0.2)
    assert probe.X.shape == (6, 4)
    assert probe.Y.shape == (6, 3)
    assert probe.masks.keys() == {2}
    assert probe.masks[2].shape == (6, 5)
    assert probe.sample_weight is not None
    assert len(set(probe.sample_weight.tolist())) == 6


@pytest.mark.parametrize(
    ("sizes", "samples"), [((2, 2, 1), SAMPLES), ((3, 2), 4), ((4, 3, 6, 5), 7), ((8, 30, 10), SAMPLES)]
)
def test_there_are_as_many_samples_as_no_layer_has_units(sizes: tuple[int, ...], samples: int) -> None:
    """Else a length of the wrong axis would be the right number."""
    assert len(generic_probe(make_point(sizes)).X) == samples


def test_one_sample_is_one_and_many_are_at_least_as_many() -> None:
    point = make_point((1, 40, 41, 2))
    assert len(generic_probe(point, samples=1).X) == 1
    assert len(generic_probe(point, samples=40).X) == 42


def test_without_weights_and_dropout_it_has_none() -> None:
    probe = generic_probe(make_point())
    assert probe.sample_weight is None
    assert probe.masks == {}


def test_the_same_seed_draws_the_same_probe() -> None:
    first, again, other = (generic_probe(make_point(), seed) for seed in (1, 1, 2))
    assert first.network.parameters.tolist() == again.network.parameters.tolist()
    assert first.X.tolist() == again.X.tolist()
    assert first.X.tolist() != other.X.tolist()


@pytest.mark.parametrize("loss", ["huber", "quadratic"])
def test_a_wide_probe_has_targets_on_both_sides_and_far_from_0(loss: str) -> None:
    point = generic_probe(make_point(loss=loss), 1, name="a wide probe", spread=8.0)
    assert point.name == "a wide probe"
    assert np.abs(point.Y).min() >= 8
    assert (point.Y[0] > 0).all()
    assert (point.Y[1] < 0).all()
    assert np.abs(point.X).max() > 8


def test_a_wide_probe_leaves_classes_alone() -> None:
    point = generic_probe(make_point(output="softmax", loss="cross_entropy"), 1, spread=8.0)
    assert (np.sort(point.Y, axis=1)[:, -1] == 1).all()
    assert (point.Y.sum(axis=1) == 1).all()
