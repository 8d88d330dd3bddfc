"""Settings of earlier versions under today's names: in configs, in a work directory's config.json, and in flags."""

import ast
import re
from collections.abc import Mapping
from typing import Any

from ml_collections import ConfigDict

from rvm_jax.errors import UserError

# RVM's two heads once had the decoder's rate.
_PATTERNS = {"decoder": "decoder|project_mat|project_seg"}
_RENAMED = re.compile(r"--?config\.(train\.dtype|(?:train\.passes|optimizer\.rates)\.[^=]+)=(.*)", re.DOTALL)


def current_settings(settings: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Returns a config's settings under today's names, and a sentence for each that had another.

    Args:
        settings: nested dictionaries, as `ConfigDict.to_dict` or a config.json has them; they stay as they are.
    """
    said = []
    settings = {key: dict(value) if isinstance(value, Mapping) else value for key, value in settings.items()}
    train, optimizer = settings.get("train"), settings.get("optimizer")
    if train is not None and "passes" in train:
        passes = train.pop("passes")
        if passes:
            said.append("train.passes is now called train.phases")
        train["phases"] = {**passes, **train.get("phases", {})}
    if train is not None and "dtype" in train:
        precision = train.pop("dtype")
        if precision != "float32":
            said.append(f"train.dtype is now called train.precision, here '{precision}'")
        if precision != "float32" or "precision" not in train:
            train["precision"] = precision
    if optimizer is not None:
        optimizer.setdefault("name", "adam")
        optimizer.setdefault("kwargs", {})
        if isinstance(optimizer.get("rates"), Mapping):
            optimizer["rates"] = _patterns(optimizer["rates"])
            said.append(f"optimizer.rates is now a list of patterns and rates, here {optimizer['rates']}")
        if optimizer.get("freeze"):
            optimizer["freeze"] = tuple(map(_regular, optimizer["freeze"]))
            shells = [one for one in settings["optimizer"]["freeze"] if one.startswith(r"(?s:")]
            if shells:
                said.append(f"optimizer.freeze now takes regular expressions, here {', '.join(shells)}")
    return settings, said


def take_renamed_flags(argv: list[str]) -> list[tuple[str, str]]:
    """Removes flags that set what is called differently today from a command line, and returns (setting, value) pairs.

    These are `--config.optimizer.rates.<part>=…`, `--config.train.passes.<name>.<key>=…` and `--config.train.dtype=…`.
    """
    found = [(arg, _RENAMED.fullmatch(arg)) for arg in argv]
    argv[:] = [arg for arg, match in found if match is None]
    return [(match[1], match[2]) for _, match in found if match is not None]


def apply_renamed_flags(config: ConfigDict, overrides: list[tuple[str, str]]) -> list[str]:
    """Sets in a config what `take_renamed_flags` found, and returns a sentence for each.

    Raises:
        UserError: if the config has no such setting, or the value is of another kind.
    """
    said = []
    for path, text in overrides:
        if path == "train.dtype":
            config.train["dtype" if "dtype" in config.train else "precision"] = text
            said.append(f"--config.train.dtype is now --config.train.precision={text}")
            continue
        section, key, name = path.split(".", 2)
        try:
            value: Any = ast.literal_eval(text)
        except (ValueError, SyntaxError):
            value = text
        old = config[section].get(key)
        if isinstance(old, ConfigDict):  # a config of an earlier version
            _set(old, name, value, path)
        elif key == "rates":
            if not isinstance(value, (int, float)):
                raise UserError(f"--config.{path}={text}: a learning rate is a number")
            pattern = _PATTERNS.get(name, name)
            config.optimizer.rates = ((pattern, float(value)), *config.optimizer.rates)
            said.append(f'--config.{path} is now --config.optimizer.rates="{config.optimizer.rates}"')
        else:
            _set(config.train.phases, name, value, path)
            said.append(f"--config.{path} is now --config.train.phases.{name}")
    return said


def _set(section: ConfigDict, name: str, value: Any, path: str) -> None:
    *parents, last = name.split(".")
    try:
        for parent in parents:
            section = section[parent]
        if last not in section:
            raise KeyError(last)
        section[last] = value
    except (KeyError, TypeError, AttributeError) as error:
        raise UserError(
            f"--config.{path}: there is no such setting, or it is of another kind than {value!r}"
        ) from error


def _patterns(rates: Mapping[str, float]) -> tuple[tuple[str, float | None], ...]:
    """Returns the patterns of rates by part; RVM's refiner, which may have no tensors, is what the others leave."""
    named = {_PATTERNS.get(part, part): rate or None for part, rate in rates.items() if part != "refiner"}
    return (*named.items(), *([(".*", rates["refiner"] or None)] if "refiner" in rates else []))


def _regular(pattern: str) -> str:
    """Returns the regular expression of a pattern, which may be a shell's, such as "*.gru.*" or "project_*".

    Raises:
        UserError: if it is no text.
    """
    if not isinstance(pattern, str):
        raise UserError(f"optimizer.freeze: {pattern!r} is no pattern of names; give such as ('backbone',)")
    if re.search(r"(^|[^.\])}])\*", pattern):
        from fnmatch import translate

        return translate(pattern).removesuffix(r"\Z").removesuffix(r"\z")
    return pattern
