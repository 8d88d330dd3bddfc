"""What a user should know although nothing failed: said once, in one sentence."""

import sys
import warnings
from typing import TextIO


class Notice(UserWarning):
    """Something about an input or a setting that a user may want to change; the work goes on."""


def notice(text: str) -> None:
    """Warns of `text`, once a process; commands print it as `warning: …`."""
    warnings.warn(text, Notice, stacklevel=2)


def print_notices() -> None:
    """Lets notices appear as one line each, without the place in the code that a warning names."""
    show = warnings.showwarning

    def shown(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        if issubclass(category, Notice):
            print(f"warning: {message}", file=sys.stderr)
        else:
            show(message, category, filename, lineno, file, line)

    warnings.showwarning = shown
