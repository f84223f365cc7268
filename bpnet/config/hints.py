"""Names that people bring from other tools, and the nearest name to one that is misspelt."""

import difflib
from collections.abc import Iterable, Mapping

KEYS: Mapping[str, str] = {
    **dict.fromkeys(("lr", "eta", "alpha", "learning_rate_init", "step_size"), "training.learning_rate"),
    **dict.fromkeys(("hidden", "hidden_layers", "hidden_layer_sizes", "units", "sizes"), "network.layers"),
    **dict.fromkeys(("optimiser", "solver", "optim"), "training.optimizer"),
    **dict.fromkeys(("batch", "batchsize", "minibatch_size", "mini_batch_size"), "training.batch_size"),
    **dict.fromkeys(
        ("n_epochs", "max_epochs", "num_epochs", "nb_epochs", "iterations", "max_iter"), "training.epochs"
    ),
    **dict.fromkeys(("l2", "lambda", "lmbda", "l2_penalty", "regularization"), "training.weight_decay"),
    **dict.fromkeys(("lr_schedule", "lr_scheduler", "scheduler"), "training.schedule"),
    **dict.fromkeys(("cost", "criterion", "loss_function"), "training.loss"),
    **dict.fromkeys(("clip", "grad_clip", "gradient_clip", "max_grad_norm"), "training.clip_norm"),
    **dict.fromkeys(("class_weight",), "training.class_weights"),
    **dict.fromkeys(("patience", "early_stop"), "training.early_stopping"),
    **dict.fromkeys(("momentum", "nesterov"), "training.optimizer: {name: sgd, momentum: 0.9}"),
    **dict.fromkeys(("beta1", "beta2", "eps"), "training.optimizer: {name: adam, ...}"),
    **dict.fromkeys(("dropout",), "network.layers: [..., {size: 32, dropout: 0.1}, ...]"),
    **dict.fromkeys(("init", "initialiser", "weight_init", "initialization"), "network.initializer"),
    **dict.fromkeys(("activations", "hidden_activation"), "network.activation"),
    **dict.fromkeys(("last_activation", "final_activation"), "network.output_activation"),
    **dict.fromkeys(("label", "labels", "y", "target_column"), "data.target"),
    **dict.fromkeys(("file", "path", "dataset", "train_file", "training_data"), "data.train"),
    **dict.fromkeys(("normalize", "normalise", "standardize", "scaling", "scaler"), "data.scale"),
    **dict.fromkeys(("validation_split", "val", "valid", "validation_fraction"), "data.validation"),
    **dict.fromkeys(("test_size", "test_split"), "data.test"),
    **dict.fromkeys(("random_state", "random_seed"), "seed"),
    **dict.fromkeys(("model", "net", "architecture"), "network"),
}
"""Other tools' keys, each with ours and, where it helps, how to write it."""

NAMES: Mapping[str, str] = {
    "mse": "quadratic", "mean_squared_error": "quadratic", "squared_error": "quadratic", "l2": "quadratic",
    "crossentropy": "cross_entropy", "categorical_crossentropy": "cross_entropy", "ce": "cross_entropy",
    "sparse_categorical_crossentropy": "cross_entropy", "log_loss": "cross_entropy", "nll": "cross_entropy",
    "bce": "binary_cross_entropy", "binary_crossentropy": "binary_cross_entropy",
    "mae": "mean_absolute_error", "l1": "mean_absolute_error", "absolute_error": "mean_absolute_error",
    "smooth_l1": "huber",
    "linear": "identity", "none": "identity", "logistic": "sigmoid", "swish": "silu",
    "leakyrelu": "leaky_relu",
    "momentum": "sgd", "gradient_descent": "sgd", "nesterov": "sgd",
    "xavier": "glorot_uniform", "glorot": "glorot_uniform", "xavier_uniform": "glorot_uniform",
    "xavier_normal": "glorot_normal", "he": "he_normal", "kaiming": "he_normal", "lecun": "lecun_normal",
    "kaiming_uniform": "he_uniform", "kaiming_normal": "he_normal", "normal": "standard_normal",
    "cosine_annealing": "cosine", "reduce_on_plateau": "plateau", "step_decay": "step",
    "fixed": "constant",
    "min_max": "minmax", "zscore": "standard", "z_score": "standard", "normal_score": "standard",
    "mean_imputation": "mean", "mode": "most_frequent",
    "val_loss": "validation_loss", "val_accuracy": "validation_accuracy",
    "double": "float64", "single": "float32",
}  # fmt: skip
"""Other tools' words for our activations, losses and so on."""

_NOTES = {"quadratic": ", which is half the squared error"}


def nearest(word: object, known: Iterable[str], aliases: Mapping[str, str] | None = None) -> str | None:
    """Return the known word that is probably meant; None if nothing is near."""
    names = list(known)
    if not isinstance(word, str):
        return None
    normal = word.lower().replace("-", "_").replace(" ", "_")
    if normal in names:
        return normal
    if aliases and aliases.get(normal) in names:
        return aliases[normal]
    return next(iter(difflib.get_close_matches(normal, names, n=1)), None)


def suggestion(word: object, known: Iterable[str]) -> str:
    """``; did you mean 'sigmoid'?``, or nothing."""
    near = nearest(word, known, NAMES)
    return f"; did you mean {near!r}{_NOTES.get(near, '')}?" if near else ""
