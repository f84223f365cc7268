"""What must hold between keys; each check runs on whatever keys are right by themselves."""

from collections.abc import Callable, Collection, Iterator
from typing import Any, TypeAlias

from bpnet.config.accepts import counted
from bpnet.config.places import KeyPath, Mistake, ancestors
from bpnet.config.sources import ARRAY_SUFFIXES
from bpnet.core.losses import LOSSES, refusal

Found: TypeAlias = Iterator[tuple[KeyPath, str]]

_LOSS: KeyPath = ("training", "loss")
_LAYERS: KeyPath = ("network", "layers")


class Draft:
    """The values of a file of which some are mistaken; those are not shown to the checks."""

    def __init__(self, values: dict[str, Any], mistakes: Collection[Mistake]) -> None:
        self.values = values
        self.mistaken = {mistake.path for mistake in mistakes}
        self.hidden = {held for path in self.mistaken for held in ancestors(path)}
        self.meant = {mistake.meant for mistake in mistakes}

    def written(self, *path: str | int) -> Any:  # noqa: ANN401 - any YAML value
        """Value as written, right or wrong; None if it is absent or null."""
        value: Any = self.values
        for step in path:
            try:
                value = value[step]
            except (KeyError, IndexError, TypeError):
                return None
        return value

    def lacks(self, *path: str | int) -> bool:
        """Whether the value is absent or null, and no mistake known already explains that."""
        return self.written(*path) is None and path not in self.mistaken | self.meant

    def get(self, *path: str | int) -> Any:  # noqa: ANN401 - any YAML value
        """Value if it is right by itself; None if it is absent, null or mistaken."""
        if path in self.hidden or any(held in self.mistaken for held in ancestors(path) if held):
            return None
        return self.written(*path)

    def name(self, *path: str | int) -> str | None:
        """Name of a named thing, which a mapping may hold."""
        is_mapping = isinstance(self.written(*path), dict)
        name = self.get(*path, "name") if is_mapping else self.get(*path)
        return None if name is None else str(name)

    def size(self, index: int) -> int | None:
        """Units of a layer, if the file says a number."""
        layers = self.written(*_LAYERS)
        if not isinstance(layers, list) or len(layers) < 2:  # noqa: PLR2004 - an input and an output
            return None
        index %= len(layers)
        entry = self.get(*_LAYERS, index)
        size = entry.get("size") if isinstance(entry, dict) else entry
        return size if isinstance(size, int) else None


def output_activation_for(loss: str) -> str:
    """Name of the output activation that ``auto`` stands for."""
    return str(getattr(LOSSES[loss], "partner", "identity"))


def cross_check(values: dict[str, Any], mistakes: Collection[Mistake]) -> list[Mistake]:
    """Mistakes between keys.

    Parameters
    ----------
    values : dict
        The whole file, overridden.
    mistakes : collection of Mistake
        Those that are known already.
    """
    draft = Draft(values, mistakes)
    return [Mistake(path, message) for check in _CHECKS for path, message in check(draft)]


def _one_source(draft: Draft) -> Found:
    if not isinstance(draft.written("data"), dict):
        return
    given = {key for key in ("train", "inputs", "targets") if not draft.lacks("data", key)}
    if "train" in given and len(given) > 1:
        extra = "inputs" if "inputs" in given else "targets"
        yield ("data", extra), "data come from train or from inputs and targets, not from both"
    elif len(given) == 1 and "train" not in given:
        (only,) = given
        absent = "targets" if only == "inputs" else "inputs"
        yield ("data", absent), f"required beside {only}, but missing"
    elif not given:
        yield ("data", "train"), "required, but missing: give train, or inputs and targets"


def _inline_rows(draft: Draft) -> Found:
    inputs, targets = draft.get("data", "inputs"), draft.get("data", "targets")
    if inputs and targets and len(inputs) != len(targets):
        yield ("data", "targets"), f"has {counted(len(targets), 'row')}, but inputs has {len(inputs)}"
    width, size = len(inputs[0]) if inputs else None, draft.size(0)
    if width and size and width != size:
        yield ("data", "inputs"), _unequal(width, "column", "the first layer", size)
    width, size = len(targets[0]) if targets else None, draft.size(-1)
    # One column may hold the numbers of many classes.
    if width and size and width != size and (width > 1 or _is_regression(draft)):
        yield ("data", "targets"), _unequal(width, "column", "the last layer", size)


def _unequal(count: int, noun: str, layer: str, units: int) -> str:
    return f"has {counted(count, noun)}, but {layer} has {counted(units, 'unit')}"


def _is_regression(draft: Draft) -> bool:
    loss = draft.name(*_LOSS)
    by_loss = loss is not None and LOSSES[loss].classifies is False
    return draft.get("data", "task") == "regression" or (by_loss and not _classifies(draft))


def _classifies(draft: Draft) -> bool:
    loss = draft.name(*_LOSS)
    return draft.get("data", "task") == "classification" or (
        loss is not None and LOSSES[loss].classifies is True
    )


def _columns(draft: Draft) -> Found:
    train, inline = draft.get("data", "train"), draft.written("data", "inputs") is not None
    keys = ("target", "features", "drop", "categorical")
    columns = [key for key in keys if draft.written("data", key)]
    if isinstance(train, str) and not train.lower().endswith(ARRAY_SUFFIXES):
        if draft.lacks("data", "target"):
            yield ("data", "target"), "required, but missing: a table needs the name of the column to predict"
    elif train is not None or inline:
        kind = "inline data" if inline else "an NPZ file" if isinstance(train, str) else "a pair of files"
        for key in columns:
            yield ("data", key), f"{kind} has no column names: leave {key} out"
    yield from _overlaps(draft)


def _overlaps(draft: Draft) -> Found:
    target = draft.get("data", "target") or []
    targets = {target} if isinstance(target, str) else set(target)
    features, drop = draft.get("data", "features") or [], draft.get("data", "drop") or []
    chosen, left_out = targets.union(features), targets.union(drop)
    for index, name in enumerate(features):
        if name in targets:
            yield ("data", "features", index), f"the target {name!r} cannot be a feature too"
    for index, name in enumerate(drop):
        if name in chosen:
            kind = "target" if name in targets else "feature"
            yield ("data", "drop", index), f"{name!r} is a {kind}, and cannot be dropped too"
    for index, name in enumerate(draft.get("data", "categorical") or []):
        if name in left_out or (features and name not in chosen):
            yield ("data", "categorical", index), f"{name!r} is not among the features, so leave it out"


def _fractions(draft: Draft) -> Found:
    validation, test = draft.get("data", "validation"), draft.get("data", "test")
    if isinstance(validation, float) and isinstance(test, float) and validation + test >= 1:
        yield ("data", "test"), f"validation {validation:g} and test {test:g} leave nothing to train on"


def _layer_entries(draft: Draft) -> Found:
    layers = draft.written(*_LAYERS)
    if not isinstance(layers, list) or _LAYERS in draft.mistaken:
        return
    if len(layers) < 2:  # noqa: PLR2004 - an input and an output
        yield _LAYERS, f"found {counted(len(layers), 'layer')}, expected at least 2: the input and the output"
    last = len(layers) - 1
    for index in range(len(layers)):
        entry = draft.get(*_LAYERS, index)
        size = entry.get("size") if isinstance(entry, dict) else entry
        if size == "auto" and 0 < index < last:
            yield (
                (*_LAYERS, index),
                "auto is for the first and the last layer: give this one a number of units",
            )
        if isinstance(entry, dict) and index in (0, last):
            yield from _end_layer(entry, (*_LAYERS, index), is_input=index == 0)


def _end_layer(entry: dict[str, Any], path: KeyPath, *, is_input: bool) -> Found:
    if entry.get("activation") is not None:
        advice = "leave it out" if is_input else "write network.output_activation instead"
        kind = "input layer has no activation" if is_input else "output layer's activation is not set here"
        yield (*path, "activation"), f"the {kind}: {advice}"
    if entry.get("dropout"):
        kind = "input" if is_input else "output"
        yield (*path, "dropout"), f"the {kind} layer takes no dropout: only hidden layers do"


def _parameters(draft: Draft) -> Found:
    path: KeyPath = ("network", "parameters")
    given, layers = draft.written(*path), draft.written(*_LAYERS)
    if not isinstance(given, list) or not isinstance(layers, list) or {path, _LAYERS} & draft.mistaken:
        return
    if len(given) != len(layers) - 1:
        entries = counted(len(given), "entry", "entries")
        yield path, f"has {entries}, but {len(layers)} layers need {len(layers) - 1}"
        return
    for index in range(len(given)):
        n_in, n_out = draft.size(index), draft.size(index + 1)
        W, b = draft.get(*path, index, "W"), draft.get(*path, index, "b")
        if W and n_out and len(W) != n_out:
            yield (*path, index, "W"), _unequal(len(W), "row", f"layer {index + 2}", n_out)
        if W and n_in and len(W[0]) != n_in:
            yield (*path, index, "W"), _unequal(len(W[0]), "column", f"layer {index + 1}", n_in)
        if b and n_out and len(b) != n_out:
            yield (*path, index, "b"), _unequal(len(b), "number", f"layer {index + 2}", n_out)
        if W and b and not n_out and len(W) != len(b):
            yield (*path, index, "b"), f"has {counted(len(b), 'number')}, but W has {counted(len(W), 'row')}"


def _loss_and_output(draft: Draft) -> Found:
    loss, activation = draft.name(*_LOSS), draft.name("network", "output_activation")
    if loss is None:
        return
    if activation not in (None, "auto"):
        reason = refusal(loss, activation)
        if reason:
            yield ("network", "output_activation"), reason
    if loss == "cross_entropy" and draft.size(-1) == 1:
        message = "cross_entropy needs one output for each class: with a single yes/no output, "
        yield _LOSS, message + "use binary_cross_entropy"
    if LOSSES[loss].classifies is True and draft.get("data", "task") == "regression":
        yield ("data", "task"), f"{loss} is a loss for classes, so the task cannot be regression"


def _monitor(draft: Draft) -> Found:
    monitor = draft.get("training", "monitor")
    if not isinstance(monitor, str) or monitor == "auto":
        return
    path = ("training", "monitor")
    if monitor.startswith("validation_") and draft.lacks("data", "validation"):
        yield path, f"{monitor} needs validation data: give data.validation"
    quantity = monitor.removeprefix("validation_")
    if quantity == "accuracy" and draft.get("data", "task") == "regression":
        yield path, f"{monitor} is for classes, but the task is regression"
    if quantity in ("r2", "mae") and _classifies(draft):
        yield path, f"{monitor} is for regression, but the task is classification"


def _class_weights(draft: Draft) -> Found:
    loss, path = draft.name(*_LOSS), ("training", "class_weights")
    if draft.get(*path) is None:
        return
    # Quadratic is a regression loss that the source uses for classes.
    if loss is not None and loss != "quadratic" and LOSSES[loss].classifies is False:
        yield path, f"class weights need a loss for classes, which {loss} is not"
    elif draft.get("data", "task") == "regression":
        yield path, "class weights need classes, but the task is regression"


def _decays(draft: Draft) -> Found:
    if draft.name("training", "optimizer") == "adamw" and draft.get("training", "weight_decay"):
        path = ("training", "weight_decay")
        yield path, "adamw has a decay of its own: write optimizer: {name: adamw, weight_decay: ...} instead"


_CHECKS: tuple[Callable[[Draft], Found], ...] = (
    _one_source,
    _inline_rows,
    _columns,
    _fractions,
    _layer_entries,
    _parameters,
    _loss_and_output,
    _monitor,
    _class_weights,
    _decays,
)
