"""How a diagnosis names tensors and layers."""

from collections.abc import Sequence

Key = tuple[str, int]

_MOST_LISTED = 4
"""Tensors that are listed one by one."""

_SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


def up(l: int) -> str:
    """A layer's number as an exponent."""
    return str(l).translate(_SUPERSCRIPTS)


def nabla(key: Key) -> str:
    """Name of a tensor: ``∇W²``."""
    return f"∇{key[0]}{up(key[1])}"


def layer_first(keys: Sequence[Key]) -> list[Key]:
    """From the output back, as errors go; W before b."""
    return sorted(keys, key=lambda key: (-key[1], key[0]))


def named(keys: Sequence[Key]) -> str:
    """``∇W³, ∇b³ and ∇W²``; of many layers ``∇W and ∇b of layers 2 to 8``."""
    names = [nabla(key) for key in layer_first(keys)]
    kinds, numbers = sorted({name for name, _ in keys}), sorted({l for _, l in keys})
    unbroken = numbers[-1] - numbers[0] == len(numbers) - 1 and len(keys) == len(kinds) * len(numbers)
    if len(keys) > _MOST_LISTED and unbroken:
        return f"{' and '.join(f'∇{name}' for name in kinds)} of layers {numbers[0]} to {numbers[-1]}"
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def whose(keys: Sequence[Key], every: Sequence[Key]) -> str:
    """Some tensors of all that there are, and the verb to go with them."""
    if len(keys) == len(every):
        return "gradient is everywhere"
    for name in "Wb":
        alike = [key for key in every if key[0] == name]
        if len(alike) > 1 and set(keys) == set(alike):
            return f"∇{name} of every layer is"
    return f"{named(keys)} {'is' if len(keys) == 1 else 'are'}"


def numbers(layers: Sequence[int]) -> str:
    """``2, 3``; of many layers in a row ``2 to 8``."""
    first, last = min(layers), max(layers)
    if len(layers) >= _MOST_LISTED and last - first == len(layers) - 1:
        return f"{first} to {last}"
    return ", ".join(map(str, layers))
