"""Where compiled programs stay between the processes of one piece of work."""

from collections.abc import Callable
from pathlib import Path

import jax


def keep_compilations(folder: Path) -> None:
    """Keeps what is compiled in `folder`, unless JAX has a place already: work that is resumed reads it from there."""
    if not jax.config.values["jax_compilation_cache_dir"]:
        set_option: Callable[[str, str], None] = jax.config.update  # JAX gives it no types
        set_option("jax_compilation_cache_dir", str(folder.absolute()))
