"""Finding configs: the examples that travel with the package, and files named on the command line."""

import difflib
import sys
from pathlib import Path
from typing import BinaryIO

from bpnet.config.places import printable
from bpnet.errors import ConfigError, Problem

_PACKAGE = Path(__file__).parent.parent
_FOLDERS = (_PACKAGE / "shipped" / "configs", _PACKAGE.parent / "configs")


def builtin_configs() -> dict[str, Path]:
    """Configs that ``bpnet train NAME`` knows by name: in an installed wheel, else in the checkout."""
    folder = next((folder for folder in _FOLDERS if folder.is_dir()), None)
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))} if folder else {}


def read_reference(reference: str | Path, stdin: BinaryIO | None, limit: int) -> tuple[bytes, str, Path]:
    """Text, name and folder of what a person called a config: a path, a built-in name or ``-``.

    Parameters
    ----------
    reference : str or Path
    stdin : binary stream, optional
        Read for ``-``; the process's own by default.
    limit : int
        At most so many bytes are read.

    Raises
    ------
    ConfigError
        If nothing can be read there.
    """
    path = Path(reference)
    try:
        if str(reference) == "-":
            return _standard_input(stdin).read(limit), "stdin", Path.cwd()
        if isinstance(reference, str) and reference == path.name and not path.suffix and not path.is_file():
            path = _builtin(reference)
        with path.open("rb") as file:
            return file.read(limit), printable(str(path)), path.absolute().parent
    except IsADirectoryError:
        raise _refusal(path, "a folder, not a config file") from None
    except FileNotFoundError:
        raise _refusal(path, "no such file" + _nearest_file(path)) from None
    except OSError as error:
        raise _refusal(path, f"cannot be read: {error.strerror or error}") from None
    except ValueError:  # a NUL in the name
        raise _refusal(path, "no file can have this name") from None


def _refusal(path: object, message: str) -> ConfigError:
    return ConfigError((Problem(printable(str(path)), "", message),))


def _standard_input(given: BinaryIO | None) -> BinaryIO:
    if given is not None:
        return given
    if sys.stdin is None:
        raise _refusal("-", "standard input is closed")
    return sys.stdin.buffer


def _builtin(name: str) -> Path:
    known = builtin_configs()
    if name in known:
        return known[name]
    if Path(name).is_dir():
        raise IsADirectoryError
    near = difflib.get_close_matches(name, known, n=1)
    suggestion = f"; did you mean {near[0]!r}?" if near else _nearest_file(Path(f"{name}.yaml"))
    names = f"; the built-in configs are {', '.join(known)}" if known else ""
    raise _refusal(name, f"no such file, nor a built-in config{suggestion}{names}")


def _nearest_file(path: Path) -> str:
    if path.stem in builtin_configs():
        return f"; did you mean the built-in config {path.stem!r}, without {path.suffix!r}?"
    if not path.parent.is_dir():
        return f": there is no folder {printable(str(path.parent))}"
    try:
        names = [file.name for file in path.parent.iterdir()]
    except OSError:
        return ""
    near = difflib.get_close_matches(path.name, names, n=1)
    return f"; did you mean {printable(str(path.with_name(near[0])))}?" if near else ""
