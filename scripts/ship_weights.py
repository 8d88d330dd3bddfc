"""Writes a trained network as the one that comes with the package:

    python scripts/ship_weights.py --checkpoint=work/face/stage3 --auto_side=256

The file, rvm_jax/weights/face.safetensors, holds PyTorch's keys in float16; its metadata says the recipe, the
revision, the data and the licence. It may be shipped only if all that it learned from is free: rendered people and
drawn things.
"""

import json
import subprocess
from pathlib import Path

from absl import flags

from rvm_jax import cli
from rvm_jax.errors import UserError
from scripts import ROOT

_CHECKPOINT = flags.DEFINE_string("checkpoint", None, "A work directory, or one of its steps.", required=True)
_OUTPUT = flags.DEFINE_string("output", str(ROOT / "rvm_jax/weights/face.safetensors"), "The file to write.")
_AUTO_SIDE = flags.DEFINE_integer("auto_side", 256, "The longer side that it sees frames at.", lower_bound=32)
_ABOUT = flags.DEFINE_string("about", "", "A sentence on how it was trained, for the metadata.")

# What a network that is shipped may have learned from: sources that this project makes.
_FREE = {"people", "drawn", "procedural", "surfaces"}


def main(_: list[str]) -> None:
    import rvm_jax
    from rvm_jax.output_paths import check_outputs
    from rvm_jax.weights import shipped

    output = Path(_OUTPUT.value)
    check_outputs([output], [_CHECKPOINT.value], below=[_CHECKPOINT.value])
    network = rvm_jax.load(_CHECKPOINT.value)
    about = {
        "name": "face",
        "licence": "Apache-2.0",
        "network": json.dumps(network.config),
        "data": f"made by this project alone: {', '.join(sorted(_sources(Path(_CHECKPOINT.value))))}",
        "revision": _revision(),
        "source": "https://arxiv.org/abs/2108.11515",
    }
    if _ABOUT.value:
        about["recipe"] = _ABOUT.value
    shipped.write_shipped(network, output, about, _AUTO_SIDE.value)
    print(f"{output}: {output.stat().st_size / 1e6:.2f} MB")


def _sources(checkpoint: Path) -> set[str]:
    """Returns the names of the sources that a run learned from; refuses those whose licence is not ours."""
    folder = next((each for each in (checkpoint, *checkpoint.parents) if (each / "config.json").is_file()), None)
    if folder is None:
        raise UserError(f"{checkpoint}: no config.json says what it learned from; give a work directory")
    data = json.loads((folder / "config.json").read_text())["data"]
    sections = ("faces", "occluders", "textures", "backgrounds", "foregrounds", "segmentation")
    names = {source["name"] for section in sections for source in (data.get(section) or {}).values()}
    if names - _FREE:
        raise UserError(f"{folder}: learned from {', '.join(sorted(names - _FREE))}, whose licences do not allow it")
    return {"drawn" if name == "procedural" else name for name in names}


def _revision() -> str:
    command = ["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip() or "unknown"


if __name__ == "__main__":
    cli.run(main)
