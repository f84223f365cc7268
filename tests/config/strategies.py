"""Generated configs that are right."""

from typing import Any

from hypothesis import strategies as st

from bpnet.core.activations import ACTIVATIONS
from bpnet.core.initializers import INITIALIZERS
from bpnet.core.losses import LOSSES
from bpnet.core.optimizers import OPTIMIZERS
from bpnet.core.registry import Parameter, Registry, parameters_of
from bpnet.core.schedules import SCHEDULES

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1)
POSITIVE = st.floats(0, exclude_min=True, allow_infinity=False)
FRACTION = st.floats(0, 0.5, exclude_min=True, exclude_max=True)
SHARE = st.floats(0, 1, exclude_max=True)
WHOLE = st.integers(1, 10**9)
NUMBER = st.floats(allow_nan=False, allow_infinity=False)
FILE = st.from_regex(r"[^\0\ud800-\udfff~][^\0\ud800-\udfff]*\.(csv|TSV|npz|parquet\.gz)", fullmatch=True)


def of_parameter(parameter: Parameter) -> st.SearchStrategy[Any]:
    if parameter.type is bool:
        return st.booleans()
    if parameter.type is str:
        return st.just(parameter.default)
    low = parameter.minimum if parameter.above is None else parameter.above
    high = parameter.maximum if parameter.below is None else parameter.below
    if parameter.type is int:
        return st.integers(None if low is None else int(low), None if high is None else int(high))
    open_low, open_high = parameter.above is not None, parameter.below is not None
    return st.floats(
        low, high, exclude_min=open_low, exclude_max=open_high, allow_nan=False, allow_infinity=False
    )


@st.composite
def named(draw: st.DrawFn, registry: Registry[Any], *, only: str = "") -> Any:
    """Draw a name of the registry, alone or with some of its hyperparameters."""
    name = only or draw(st.sampled_from(list(registry)))
    if draw(st.booleans()):
        return name
    known = {parameter.name: of_parameter(parameter) for parameter in parameters_of(registry[name])}
    given = draw(st.fixed_dictionaries({}, optional=known))
    if given.get("nesterov") and not given.get("momentum"):
        given["momentum"] = 0.5  # there must be something to look ahead along
    return {"name": name, **given}


SOURCE = FILE | st.fixed_dictionaries({"features": TEXT, "target": TEXT}).filter(
    lambda pair: not any(path.startswith("~") for path in pair.values())
)


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    """Draw the values of a config that is right."""
    loss = draw(named(LOSSES))
    partner = getattr(LOSSES[loss["name"] if isinstance(loss, dict) else loss], "partner", "")
    train = draw(SOURCE)
    is_table = isinstance(train, str) and not train.endswith("npz")
    names = draw(st.lists(TEXT, min_size=3, max_size=6, unique=True))
    features, drop = names[1:3], names[3:]
    columns = {"target": names[0], "features": features, "drop": drop, "categorical": features[1:]}
    layer = st.fixed_dictionaries(
        {"size": WHOLE}, optional={"activation": st.none() | named(ACTIVATIONS), "dropout": SHARE}
    )
    data = {
        "train": st.just(train),
        "validation": st.none() | FRACTION | SOURCE,
        "test": st.none() | FRACTION | SOURCE,
    }
    optional_data = {
        "obtain": st.none() | TEXT,
        "missing": st.sampled_from(["error", "mean", "most_frequent", "indicator"]),
        "scale": st.sampled_from(["none", "minmax", "standard"]),
        "scale_target": st.sampled_from(["none", "minmax", "standard"]),
        "folder": TEXT.filter(lambda path: not path.startswith("~")),
    }
    network = {
        "layers": st.lists(WHOLE | layer, max_size=4).map(lambda hidden: ["auto", *hidden, "auto"]),
        "output_activation": st.just("auto") | named(ACTIVATIONS, only=partner),
    }
    optional_network = {"activation": named(ACTIVATIONS), "initializer": named(INITIALIZERS)}
    training = {"loss": st.just(loss), "learning_rate": POSITIVE, "epochs": WHOLE}
    optional_training = {
        "optimizer": named(OPTIMIZERS),
        "schedule": named(SCHEDULES),
        "batch_size": WHOLE,
        "weight_decay": POSITIVE,
        "clip_norm": st.none() | POSITIVE,
        "early_stopping": st.none()
        | st.fixed_dictionaries({"patience": WHOLE}, optional={"min_delta": POSITIVE}),
        "train_biases": st.booleans(),
        "dtype": st.sampled_from(["float32", "float64"]),
        "monitor": st.sampled_from(["auto", "loss"]),
    }
    if partner:
        optional_training["class_weights"] = st.just("balanced") | st.dictionaries(TEXT, POSITIVE, min_size=1)
    trained = draw(st.fixed_dictionaries(training, optional=optional_training))
    if "adamw" in str(trained.get("optimizer")):
        trained.pop("weight_decay", None)  # it has one of its own
    return {
        "seed": draw(st.integers(0, 10**99)),
        "data": draw(st.fixed_dictionaries(data, optional=optional_data)) | (columns if is_table else {}),
        "network": draw(st.fixed_dictionaries(network, optional=optional_network)),
        "training": trained,
    }
