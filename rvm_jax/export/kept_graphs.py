"""Graphs that were made before, beside the compiled programs: a command that finds one needs no weights in JAX.

A graph is for one file of weights, by its checksum, one shape of frames, and this version of the emitters.
"""

import hashlib
import json
import os
from collections.abc import Callable
from contextlib import suppress
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from rvm_jax.atomic_files import write_bytes
from rvm_jax.compilation import kept_in
from rvm_jax.errors import UserError
from rvm_jax.networks.api import InputSpec, Network, Preprocessing
from rvm_jax.networks.rvm.model import MattingNetwork
from rvm_jax.version import __version__

# Each holds the weights: of RVM MobileNetV3 15 MB.
_KEPT = 8


class KeptNetwork:
    """RVM's weights as graphs that were made of them, as `Matter` takes them; read into JAX where a graph is missing.

    Args:
        path: the file of the weights.
        facts: `config` and `auto_side` of the network.
        folder: where graphs lie.
        stem: what their names begin with.
        load: returns the network.
    """

    inputs = InputSpec(state=True)
    preprocessing = Preprocessing()

    def __init__(self, path: Path, facts: dict[str, Any], folder: Path, stem: str, load: Callable[[], Network]):
        self.path, self.config, self.auto_side = path, facts["config"], int(facts["auto_side"])
        self._folder, self._stem, self._load = folder, stem, load

    @property
    def name(self) -> str:
        """The network's."""
        name: str = self.config["name"]
        return name

    @cached_property
    def network(self) -> Network:
        """The network itself."""
        return self._load()

    def fingerprint(self) -> list[np.ndarray]:
        """Returns the checksum of the weights' file."""
        return [np.frombuffer(self._stem.encode(), np.uint8)]

    def find(self, key: tuple[object, ...]) -> str | None:
        """Returns the file of the graph for a shape, None where none was made yet."""
        path = self._path(key)
        with suppress(OSError):
            os.utime(path)  # the one that is unused for longest goes first
            return str(path)
        return None

    def keep(self, key: tuple[object, ...], model: bytes) -> None:
        """Keeps a graph in the place of the one that was unused for longest; nothing happens where it cannot."""
        with suppress(OSError, UserError):
            write_bytes(self._path(key), model)
            oldest_first = sorted(self._folder.glob("*.onnx"), key=lambda path: path.stat().st_mtime)
            for path in oldest_first[:-_KEPT]:
                path.unlink()

    def _path(self, key: tuple[object, ...]) -> Path:
        return self._folder / f"{self._stem}-{'-'.join(map(str, key))}.onnx"


def kept_network(path: Path, load: Callable[[], Network]) -> Network | KeptNetwork:
    """Returns a file's network as its kept graphs; what `load` gives where nothing is kept, or it is not RVM."""
    folder = kept_in("graphs")
    if folder is None:
        return load()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        stem = _stem(path)
        told = folder / f"{stem}.json"
        if told.is_file():
            return KeptNetwork(path, json.loads(told.read_bytes()), folder, stem, load)
    except (OSError, ValueError, KeyError, TypeError):  # a folder that cannot be read or made, or a damaged note
        return load()
    network = load()
    if type(network) is not MattingNetwork:
        return network
    facts = {"config": network.config, "auto_side": network.auto_side}
    with suppress(OSError, UserError):
        write_bytes(told, json.dumps(facts).encode())
    return KeptNetwork(path, facts, folder, stem, lambda: network)


def _stem(path: Path) -> str:
    with path.open("rb") as file:
        weights = hashlib.file_digest(file, "sha256").hexdigest()
    return f"{weights[:20]}-{_emitters()}"


@lru_cache(maxsize=1)
def _emitters() -> str:
    """Tells one version of what makes graphs from another."""
    digest = hashlib.sha256(__version__.encode())
    for source in sorted(Path(__file__).parent.rglob("*.py")):
        digest.update(source.read_bytes())
    return digest.hexdigest()[:12]
