"""How an option of matting is declared: once, as a field of a settings class, with its help."""

from collections.abc import Callable
from dataclasses import Field, dataclass, field, fields
from typing import Any, TypeVar

from rvm_jax.errors import UserError

T = TypeVar("T")


@dataclass(frozen=True)
class Option:
    """Holds what is declared of a field beside its type and its default.

    Attributes:
      help: what it is, for --help and for `help(Settings)`.
      flag: its flag's name; "" for the field's own, None where it has none.
      parse: makes the value of the flag's text; raises ValueError.
      written: how the flag's text looks, for --help and errors.
      choices: the texts that the flag takes.
      valid: whether a value will do.
      expected: what will.
      clips_only: whether it says nothing about pictures, which therefore refuse it.
      required: whether the flag must be given.
    """

    help: str
    flag: str | None = ""
    parse: Callable[[str], Any] | None = None
    written: str = ""
    choices: tuple[str, ...] = ()
    valid: Callable[[Any], bool] | None = None
    expected: str = ""
    clips_only: bool = False
    required: bool = False


def option(default: Any, help: str, **more: Any) -> Any:
    """Declares a field of a settings class; `more` are the attributes of `Option`."""
    return field(default=default, metadata={"option": Option(help, **more)})


def options(settings: type) -> dict[str, tuple[Field[Any], Option]]:
    """Returns the options of a settings class by the name of the field: the field and what is declared of it."""
    return {each.name: (each, each.metadata["option"]) for each in fields(settings)}


def documented(settings: type[T]) -> type[T]:
    """Adds the help of all options to a class's docstring."""
    lines = [f"  {name}: {option.help}" for name, (_, option) in options(settings).items()]
    settings.__doc__ = f"{settings.__doc__}\n\nAttributes:\n" + "\n".join(lines) + "\n"
    return settings


@dataclass(frozen=True)
class Checked:
    """Settings whose values are checked when they are made.

    Raises:
      UserError: if one is out of its range.
    """

    def __post_init__(self) -> None:
        for name, (_, declared) in options(type(self)).items():
            value = getattr(self, name)
            if declared.valid is not None and not declared.valid(value):
                shown = f"{value[1]}x{value[0]}" if isinstance(value, tuple) else value
                raise UserError(f"{name} is {shown}; give {declared.expected}")
