"""The work directory's records: config.json, what a run was made with, and starts.json, when it began and on what."""

import json
import platform
import subprocess
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

import jax
from etils import epath
from ml_collections import ConfigDict

from rvm_jax.atomic_files import absolute, disk_errors, write_text
from rvm_jax.errors import UserError
from rvm_jax.output_paths import StrPath, check_output_folders, check_outputs
from rvm_jax.train.rates import same_rates
from rvm_jax.train.renamed import current_settings
from rvm_jax.version import __version__

# What a run may change when it resumes: nothing that has a part in the steps already made.
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
_FILES = ("config.json", "starts.json", "metrics.jsonl")
_FOLDERS = ("checkpoints", "best", "pictures", "tensorboard", "profile")
_PACKAGES = ("jax", "jaxlib", "flax", "optax", "orbax-checkpoint", "grain", "numpy", "opencv-python-headless")


def check_workdir(workdir: StrPath, inputs: Iterable[StrPath]) -> None:
    """Refuses a work directory whose files would replace, or whose old checkpoints are, what a training reads.

    Args:
        workdir: the work directory.
        inputs: weights that it starts from, and the folders of its data.

    Raises:
        UserError: naming the first that would be lost.
    """
    root, read = absolute(workdir), list(inputs)
    check_output_folders([root / name for name in _FOLDERS], read)
    check_outputs([root / name for name in _FILES], read)


def check_config(config: ConfigDict, workdir: epath.Path, *, write: bool = True, allow_changes: bool = False) -> str:
    """Writes config.json, after a comparison with the one that is there.

    What an earlier version wrote is read under today's names.

    Args:
        config: the whole config.
        workdir: the work directory.
        write: False on all hosts but the first, which only compare.
        allow_changes: resume with other settings than those the run was made with.

    Returns:
        The settings that differ and may not, with both values; empty if there are none.

    Raises:
        UserError: if there are some, and `allow_changes` is False; or if the file cannot be read or written.
    """
    path = workdir / "config.json"
    text = json.dumps(config.to_dict(), indent=2, sort_keys=True) + "\n"
    difference = ""
    if path.exists():
        try:
            with disk_errors(path):
                old, new = _flat(_current(path.read_text())), _flat(json.loads(text))
                if same_rates(old.get("optimizer.rates"), new.get("optimizer.rates")):
                    old["optimizer.rates"] = new["optimizer.rates"]
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
                f"{workdir}: was made with other settings ({difference}); use another --workdir, or resume with these "
                "by --allow_changes"
            )
    if write:
        write_text(path, text)
    return difference


def record_start(
    workdir: epath.Path, step: int, fingerprint: str, *, write: bool = True, allow_changes: bool = False
) -> None:
    """Records in starts.json that a run begins or resumes: when, at which step, with what versions, code and devices.

    Args:
        workdir: the work directory.
        step: the one that the run resumes from.
        fingerprint: of the data.
        write: False on all hosts but the first, which only compare.
        allow_changes: resume with other data than those the run was made with.

    Raises:
        UserError: if the data's fingerprint is not that of the first start, and `allow_changes` is False; or if the
            file cannot be read or written.
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
            f"{workdir}: was made with other data (fingerprint {first}, now {fingerprint}): the number of clips or the "
            "first clip is another; use another --workdir, or resume with these by --allow_changes"
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
    """Returns the versions of what a result depends on; packages that are not installed are left out."""
    found = {"python": platform.python_version(), "rvm-jax": __version__}
    for name in _PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def git_revision() -> str:
    """Returns the checkout's revision, with "+changes" if files differ from it; "unknown" outside of a checkout."""
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


def _current(text: str) -> dict[str, Any]:
    """Reads a config.json, and returns its settings under today's names, as JSON has them."""
    current: dict[str, Any] = json.loads(json.dumps(current_settings(json.loads(text))[0]))
    return current


def _flat(settings: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in settings.items():
        flat |= _flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {prefix + key: value}
    return flat
