"""Finding configs: the examples that travel with the package, and files named on the command line."""

import difflib
import sys
from pathlib import Path
from typing import BinaryIO

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
    if str(reference) == "-":
        return (stdin or sys.stdin.buffer).read(limit), "stdin", Path.cwd()
    path = Path(reference)
    try:
        if isinstance(reference, str) and reference == path.name and not path.suffix and not path.is_file():
            path = _builtin(reference)
        with path.open("rb") as file:
            return file.read(limit), str(path), path.absolute().parent
    except IsADirectoryError:
        raise _refusal(path, "a folder, not a config file") from None
    except FileNotFoundError:
        raise _refusal(path, "no such file" + _nearest_file(path)) from None
    except OSError as error:
        raise _refusal(path, f"cannot be read: {error.strerror or error}") from None
    except ValueError:  # a NUL in the name
        raise _refusal(repr(str(path)), "no file can have this name") from None


def _refusal(path: object, message: str) -> ConfigError:
    return ConfigError((Problem(str(path), "", message),))


def _builtin(name: str) -> Path:
    known = builtin_configs()
    if name in known:
        return known[name]
    if Path(name).is_dir():
        raise IsADirectoryError
    near = difflib.get_close_matches(name, known, n=1)
    suggestion = f"; did you mean {near[0]!r}?" if near else ""
    names = f" Built-in configs: {', '.join(known)}." if known else ""
    raise _refusal(name, f"no such file, nor a built-in config{suggestion}{names}")


def _nearest_file(path: Path) -> str:
    if not path.parent.is_dir():
        return f": there is no folder {path.parent}"
    try:
        names = [file.name for file in path.parent.iterdir()]
    except OSError:
        return ""
    near = difflib.get_close_matches(path.name, names, n=1)
    return f"; did you mean {path.with_name(near[0])}?" if near else ""
