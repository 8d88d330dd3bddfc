"""The work directory's config.json: what a run was made with, and whether one that goes on still asks for the same."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ml_collections import ConfigDict

from rvm_jax.errors import UserError
from rvm_jax.media.pictures import write_bytes

# What a run may change when it goes on: nothing that has a part in the steps already made.
_MAY_CHANGE = {
    "data.workers",
    "train.steps",
    "train.epochs",
    "train.checkpoint_every",
    "train.keep_checkpoints",
    "eval.every",
    "eval.num_clips",
    "eval.batch_size",
    "log.every",
}


def keep_config(config: ConfigDict, workdir: Path) -> None:
    """Writes config.json, or compares with the one there. Raises UserError, naming the keys, where they differ."""
    path = workdir / "config.json"
    text = json.dumps(config.to_dict(), indent=2, sort_keys=True) + "\n"
    if path.exists():
        try:
            old, new = _flat(json.loads(path.read_text())), _flat(json.loads(text))
        except (ValueError, AttributeError) as error:
            raise UserError(f"{path}: is damaged; remove it, or use another --workdir") from error
        # A decay reaches zero at the last step: with more steps, those already made would have been others.
        may_change = _MAY_CHANGE - ({"train.steps", "train.epochs"} if new.get("optimizer.decay") else set())
        changed = [
            f"{key} is {new.get(key, 'absent')!r}, was {old.get(key, 'absent')!r}"
            for key in sorted(old | new)
            if old.get(key) != new.get(key) and key not in may_change
        ]
        if changed:
            raise UserError(f"{workdir}: was made with other settings ({'; '.join(changed)}); use another --workdir")
    write_bytes(path, text.encode())


def _flat(settings: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in settings.items():
        flat |= _flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {prefix + key: value}
    return flat
