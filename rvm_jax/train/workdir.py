"""The work directory's records: config.json, what a run was made with, and starts.json, when it began and on what."""

import json
import platform
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

import jax
from etils import epath
from ml_collections import ConfigDict

from rvm_jax.atomic_files import disk_errors, write_text
from rvm_jax.errors import UserError
from rvm_jax.version import __version__

# What a run may change when it goes on: nothing that has a part in the steps already made.
_MAY_CHANGE = {
    "data.workers",
    "train.steps",
    "train.epochs",
    "train.checkpoint_every",
    "train.keep_checkpoints",
    "train.max_skipped_in_row",
    "eval.every",
    "eval.num_clips",
    "eval.batch_size",
    "log.every",
    "log.pictures_every",
}
_PACKAGES = ("jax", "jaxlib", "flax", "optax", "orbax-checkpoint", "grain", "numpy", "opencv-python-headless")


def keep_config(config: ConfigDict, workdir: epath.Path, *, write: bool = True, allow_changes: bool = False) -> str:
    """Writes config.json, or compares with the one there.

    Args:
        config: the whole config.
        workdir: the work directory.
        write: False on all hosts but the first, which only compare.
        allow_changes: go on with other settings than those the run was made with.

    Returns:
        The settings that differ and may not, with both values; empty where there are none.

    Raises:
        UserError: there are some, and `allow_changes` is False; or the file cannot be read or written.
    """
    path = workdir / "config.json"
    text = json.dumps(config.to_dict(), indent=2, sort_keys=True) + "\n"
    difference = ""
    if path.exists():
        try:
            with disk_errors(path):
                old, new = _flat(json.loads(path.read_text())), _flat(json.loads(text))
        except UserError:
            raise
        except (ValueError, AttributeError) as error:
            raise UserError(f"{path}: is damaged; remove it, or use another --workdir") from error
        # A decay reaches zero at the last step: with more steps, those already made would have been others.
        decays = new.get("optimizer.schedule", "constant") != "constant"
        may_change = _MAY_CHANGE - ({"train.steps", "train.epochs"} if decays else set())
        difference = "; ".join(
            f"{key} is {new.get(key, 'absent')!r}, was {old.get(key, 'absent')!r}"
            for key in sorted(old | new)
            if old.get(key) != new.get(key) and key not in may_change
        )
        if difference and not allow_changes:
            raise UserError(
                f"{workdir}: was made with other settings ({difference}); use another --workdir, or go on with these "
                "by --allow_changes"
            )
    if write:
        write_text(path, text)
    return difference


def keep_start(
    workdir: epath.Path, step: int, fingerprint: str, *, write: bool = True, allow_changes: bool = False
) -> None:
    """Notes in starts.json that a run began or goes on: when, at which step, with what versions, code, data, devices.

    Args:
        workdir: the work directory.
        step: the one that the run goes on from.
        fingerprint: of the data.
        write: False on all hosts but the first, which only compare.
        allow_changes: go on with other data than those the run was made with.

    Raises:
        UserError: the data's fingerprint is not that of the first start, and `allow_changes` is False.
    """
    path = workdir / "starts.json"
    try:
        with disk_errors(path):
            starts = json.loads(path.read_text()) if path.exists() else []
        first = starts[0]["data_fingerprint"] if starts else fingerprint
    except UserError:
        raise
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path}: is damaged; remove it, or use another --workdir") from error
    if first != fingerprint and not allow_changes:
        raise UserError(
            f"{workdir}: was made with other data (fingerprint {first}, now {fingerprint}): pictures were added, "
            "removed or changed, or the pipeline was; use another --workdir, or go on with these by --allow_changes"
        )
    if not write:
        return
    now = {
        "step": step,
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "data_fingerprint": fingerprint,
        "devices": f"{jax.device_count()} {jax.devices()[0].device_kind}, {jax.process_count()} host(s)",
        "versions": versions(),
        "git_revision": git_revision(),
    }
    write_text(path, json.dumps([*starts, now], indent=2) + "\n")


def versions() -> dict[str, str]:
    """Versions of what a result depends on; packages that are not installed are left out."""
    found = {"python": platform.python_version(), "rvm-jax": __version__}
    for name in _PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def git_revision() -> str:
    """The checkout's revision, with "+changes" where files differ from it; "unknown" outside of a checkout."""
    folder = Path(__file__).resolve().parent
    try:
        described = subprocess.run(
            ["git", "describe", "--always", "--abbrev=40", "--dirty=+changes", "--exclude=*"],
            cwd=folder,
            capture_output=True,
            text=True,
            check=True,
            timeout=30,
        )
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return described.stdout.strip()


def _flat(settings: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in settings.items():
        flat |= _flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {prefix + key: value}
    return flat
