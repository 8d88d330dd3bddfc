"""What commands do about compiling: its results are kept, and it says so when it takes long."""

import os
import sys
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from threading import Timer

from tqdm import tqdm

_VARIABLE = "JAX_COMPILATION_CACHE_DIR"
_PATIENCE = 5.0  # seconds


def quick_to_compile() -> dict[str, str | bool]:
    """Returns XLA's options for a program that runs a few times on a CPU.

    It takes a fifth to half of the time to compile, and computes more slowly.
    """
    options: dict[str, str | bool] = {"xla_backend_optimization_level": "0"}
    if int(version("jaxlib").split(".")[1]) < 11:  # XLA refuses what it does not know, and this has gone
        options["xla_cpu_use_fusion_emitters"] = False
    return options


def cache_folder() -> Path:
    """Returns where compiled programs of this user are kept: $XDG_CACHE_HOME/rvm_jax, or ~/.cache/rvm_jax."""
    root = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(root) if Path(root).is_absolute() else Path.home() / ".cache") / "rvm_jax" / "compiled"


def keep_compilations() -> None:
    """Has JAX keep compiled programs in the user's cache folder, for this process and its children.

    `JAX_COMPILATION_CACHE_DIR` wins, and an empty one keeps nothing; so does a folder that JAX has been told already.
    Nothing happens if the folder cannot be made.
    """
    if _VARIABLE in os.environ:
        return
    try:
        folder = cache_folder()
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, RuntimeError):  # a home that is read-only, or none
        return
    os.environ[_VARIABLE] = str(folder)
    jax = sys.modules.get("jax")
    if jax is not None and not jax.config.values["jax_compilation_cache_dir"]:
        jax.config.update("jax_compilation_cache_dir", str(folder))


def kept_in(name: str) -> Path | None:
    """Returns the folder beside the compiled programs where something else is kept; None where nothing is."""
    folder = os.environ.get(_VARIABLE)
    return Path(folder) / name if folder else None


def _say(text: str) -> None:
    tqdm.write(text, file=sys.stderr)


class FirstCalls:
    """Says what is being compiled when the first call of its kind takes long.

    Args:
        say: shows a line; by default on the standard error, above a progress bar.
        after: seconds.
    """

    def __init__(self, say: Callable[[str], None] = _say, after: float = _PATIENCE) -> None:
        self._say, self._after = say, after
        self._seen: set[Hashable] = set()

    def is_first(self, kind: Hashable) -> bool:
        """Returns whether no call of this kind has been watched over yet."""
        return kind not in self._seen

    @contextmanager
    def of(self, kind: Hashable, what: str) -> Iterator[None]:
        """Watches over a call inside, which compiles if it is the first of its kind.

        Args:
            kind: what a program is compiled for once.
            what: for the line, such as "512x512".
        """
        if not self.is_first(kind):
            yield
            return
        timer = Timer(self._after, self._say, [f"compiling for {what} (once per size) …"])
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
        self._seen.add(kind)
