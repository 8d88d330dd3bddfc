"""Pickles of which nothing but tensors comes to life: a whole pickled module gives its weights and runs no code."""

import pickle
from collections import OrderedDict
from typing import IO, Any


class Inert:
    """Stands for an object of a class that is not known here, and does nothing; `held` is what the pickle put in it."""

    held: Any

    def __new__(cls, *_: object, **__: object) -> "Inert":
        made = object.__new__(cls)
        object.__setattr__(made, "held", {})
        return made

    def __init__(self, *_: object, **__: object) -> None:
        """Takes anything."""

    def __setstate__(self, state: Any) -> None:
        object.__setattr__(self, "held", state)

    def __setitem__(self, key: object, value: object) -> None:
        if isinstance(self.held, dict):
            self.held[key] = value

    def append(self, _: object) -> None:
        """Drops it."""

    def extend(self, _: object) -> None:
        """Drops them."""

    def add(self, _: object) -> None:
        """Drops it."""

    def __call__(self, *_: object, **__: object) -> "Inert":
        return self

    def __hash__(self) -> int:
        return id(self)


class InertPickle:
    """What `torch.load` takes as `pickle_module`: of the classes that a file names it makes tensors, else `Inert`.

    Args:
        torch: the module.
    """

    __name__ = "inert_pickle"

    def __init__(self, torch: Any):
        utilities = torch._utils
        known: dict[tuple[str, str], Any] = {
            ("collections", "OrderedDict"): OrderedDict,
            ("builtins", "set"): set,
            ("__builtin__", "set"): set,
            ("torch", "Size"): torch.Size,
            ("torch._utils", "_rebuild_tensor_v2"): utilities._rebuild_tensor_v2,
            ("torch._utils", "_rebuild_parameter"): utilities._rebuild_parameter,
        }
        for name in dir(torch):
            value = getattr(torch, name)
            if isinstance(value, torch.dtype) or name.endswith("Storage"):
                known["torch", name] = value
        if hasattr(utilities, "_rebuild_tensor"):
            known["torch._utils", "_rebuild_tensor"] = utilities._rebuild_tensor

        class Unpickler(pickle.Unpickler):
            """Makes nothing else."""

            def find_class(self, module: str, name: str) -> Any:
                return known.get((module, name), Inert)

        self.Unpickler = Unpickler

    def load(self, file: IO[bytes], **options: Any) -> Any:
        """Reads one pickle."""
        return self.Unpickler(file, **options).load()
