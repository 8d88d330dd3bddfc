"""Settings as they are written on a command line."""

import ast
from typing import Any


def literal(text: str) -> Any:
    """Returns the value of a setting: a literal of Python, or the text itself."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text
