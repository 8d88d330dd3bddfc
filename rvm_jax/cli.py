"""What all commands share: a user's mistake ends in one sentence on the screen, not in a traceback."""

import io
import sys
from collections.abc import Callable
from functools import partial
from types import ModuleType
from typing import NoReturn

from absl import app, flags, logging

from rvm_jax.compilation import keep_compilations
from rvm_jax.errors import UserError
from rvm_jax.notices import print_notices

_HELP = ("-h", "-help", "--help", "-helpshort", "--helpshort", "-?", "--?")


def run(main: Callable[[list[str]], object], usage: str | None = None, flags_of: ModuleType | None = None) -> None:
    """Runs `main(argv)` under absl (flags parsed); a `UserError` is printed as `error: …` with exit status 1.

    Compiled programs are kept in the user's cache folder (`keep_compilations`).

    So is an unknown flag, a config file that cannot be read, and an override of a key that a config does not have.

    Args:
        main: the command.
        usage: what --help says above the flags; by default the docstring of the file that was started.
        flags_of: the module whose flags --help shows; by default that file.
    """
    for stream in (sys.stdout, sys.stderr):
        show_any_name(stream)
    print_notices()
    keep_compilations()
    logging.set_verbosity(logging.WARNING)  # orbax and JAX tell much about themselves
    show_help = None if usage is None or flags_of is None else partial(_show_help, usage, flags_of)
    app.run(lambda argv: guarded(main, argv), flags_parser=partial(_parse, show_help))


def show_any_name(stream: object) -> None:
    """Lets a stream print names of files that its encoding lacks: escaped, where it would raise."""
    if isinstance(stream, io.TextIOWrapper) and stream.errors == "strict":
        stream.reconfigure(errors="backslashreplace")


def guarded(main: Callable[[list[str]], object], argv: list[str]) -> None:
    try:
        if len(argv) > 1:
            raise UserError(f"unexpected argument '{argv[1]}'; every option is given as --name=value")
        main(argv)
    except UserError as error:
        _end(str(error))
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(130)


def _show_help(usage: str, flags_of: ModuleType) -> None:
    listed = flags.FLAGS.module_help(flags_of)
    print(f"{usage.strip()}\n\nflags:\n\n{listed[listed.index('  --') :]}")
    sys.exit(0)


def _parse(show_help: Callable[[], None] | None, argv: list[str]) -> list[str]:
    if show_help is not None and any(argument in _HELP for argument in argv[1:]):
        show_help()
    try:
        rest: list[str] = flags.FLAGS(argv)
        for name in flags.FLAGS:
            getattr(flags.FLAGS[name].value, "keys", None)  # an absent config file says so only where it is used
        return rest
    except flags.Error as error:
        # Above the reason ml_collections prints the traceback of a config file.
        reason = _last_line(error).removeprefix(f"{UserError.__module__}.{UserError.__name__}: ")
        _end(f"{reason} (see --help)")
    except OSError as error:
        _end(f"the config cannot be read: {_last_line(error)}")
    except (AttributeError, KeyError, TypeError, ValueError) as error:  # from setting a config's overrides
        _end(override_fault(argv, error))


def override_fault(argv: list[str], error: Exception) -> str:
    """Says which override of a config is at fault, of what ml_collections raised."""
    text = str(error.args[0]) if error.args else type(error).__name__
    while isinstance(error, KeyError) and len(text) > 1 and text[0] == text[-1] and text[0] in "'\"":
        text = text[1:-1]
    text = " ".join(text.replace("\\n", "\n").replace("\\'", "'").split())
    name = text.strip("'\"").partition("'")[0].strip("\"' ")
    override = next((arg for arg in argv if f".{name}" in arg.partition("=")[0] and "." in arg.partition("=")[0]), None)
    if override is None or not name:
        return f"the config cannot be read, or has no such setting: {text}"
    hint = text[text.index("Did you mean") :] if "Did you mean" in text else ""
    fault = f"{override}: the recipe has no setting '{name}', and a flag changes only what it has; "
    return fault + (hint or "write it into a copy of the recipe")


def _last_line(error: BaseException) -> str:
    return [line.strip() for line in str(error).splitlines() if line.strip()][-1]


def _end(message: str) -> NoReturn:
    print(f"error: {message}", file=sys.stderr)
    sys.exit(1)
