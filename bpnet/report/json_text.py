"""The JSON documents that commands print."""

import json
from typing import Any


def json_text(document: Any) -> str:  # noqa: ANN401 - whatever JSON can say
    """Write a document with its line end, indented, letters as they are.

    Parameters
    ----------
    document : Any

    Raises
    ------
    ValueError
        If a number is not finite: JSON has none such.
    """
    return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
