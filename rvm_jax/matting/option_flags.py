"""Flags of the fields of settings classes, and the values that they were given."""

import types
from typing import Any, get_args

from absl import flags

from rvm_jax.errors import UserError
from rvm_jax.matting.option import Option, options


def define(settings: type) -> None:
    """Defines the flag of each field that has one."""
    for name, (field, option) in options(settings).items():
        if option.flag is not None:
            _define(option.flag or name, field.type, field.default, option)


def read(settings: type) -> dict[str, Any]:
    """Returns the fields' values by their names. Raises UserError if a text is no such value."""
    return {
        name: _value(option.flag or name, option)
        for name, (_, option) in options(settings).items()
        if option.flag is not None
    }


def given(settings: type) -> dict[str, str]:
    """Returns the flags that differ from their defaults, by the names of their fields."""
    found = {}
    for name, (field, option) in options(settings).items():
        if option.flag is not None and _value(option.flag or name, option) != field.default:
            found[name] = option.flag or name
    return found


def _define(flag: str, kind: Any, default: Any, option: Option) -> None:
    names = {part for part in get_args(kind) or (kind,) if part is not types.NoneType}
    if kind == tuple[str, ...]:
        flags.DEFINE_multi_string(flag, list(default) or None, option.help, required=option.required)
    elif option.choices:
        flags.DEFINE_enum(flag, default, list(option.choices), option.help)
    elif option.parse is not None:
        flags.DEFINE_string(flag, None if default is None else str(default), option.help + _example(option))
    elif names == {bool}:
        flags.DEFINE_bool(flag, default, option.help)
    elif names == {int}:
        flags.DEFINE_integer(flag, default, option.help)
    elif names == {float}:
        flags.DEFINE_float(flag, default, option.help)
    else:
        flags.DEFINE_string(flag, default or None, option.help, required=option.required)


def _example(option: Option) -> str:
    return f" ({option.written.partition('; give ')[2]})" if option.written else ""


def _value(flag: str, option: Option) -> Any:
    value = flags.FLAGS[flag].value
    if isinstance(value, list) or (value is None and flags.FLAGS[flag].flag_type() == "multi string"):
        return tuple(value or ())
    if option.parse is None or value is None:
        return value
    try:
        return option.parse(value)
    except (ValueError, ZeroDivisionError) as error:
        raise UserError(f"--{flag}={value} is no {option.written or 'number'}") from error
