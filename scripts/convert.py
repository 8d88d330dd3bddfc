"""Converts weights both ways between PyTorch's files and this project's checkpoints.

    python scripts/convert.py --input=rvm_mobilenetv3.pth --output=work/rvm_mobilenetv3
    python scripts/convert.py --input=work/quickstart --output=quickstart.pth

Either side is a .pth, .pt or .safetensors file or a checkpoint directory; the input may also be a work directory (its
latest step is taken) or one of its steps. Which network a file holds is read off its keys. A file that exists is
replaced, a directory that exists is an error.
"""

from pathlib import Path

from absl import flags

from rvm_jax import cli
from rvm_jax.errors import UserError

_INPUT = flags.DEFINE_string("input", None, "PyTorch weights, a checkpoint or a work directory.", required=True)
_OUTPUT = flags.DEFINE_string("output", None, "Where to write: *.pth, *.safetensors, else a directory.", required=True)
_REFINER = flags.DEFINE_enum(
    "refiner",
    None,
    ["deep_guided_filter", "fast_guided_filter"],
    "The refiner of the network that is made of PyTorch weights; by default what they hold.",
)
_PREPARATION = flags.DEFINE_enum(
    "preparation",
    None,
    ["published", "original"],
    "How a still-picture network of PyTorch weights was trained to see its pictures; see docs/networks.md.",
)


def main(_: list[str]) -> None:
    import rvm_jax
    from rvm_jax.output_paths import check_outputs
    from rvm_jax.weights.files import SUFFIXES
    from rvm_jax.weights.torch_weights import state_dict

    source, target = Path(_INPUT.value), Path(_OUTPUT.value)
    check_outputs([target], [source])
    if not source.is_dir():
        network = rvm_jax.load_torch(source, _REFINER.value, preparation=_PREPARATION.value)
    elif _REFINER.value or _PREPARATION.value:
        flag = "refiner" if _REFINER.value else "preparation"
        raise UserError(f"--{flag} is for PyTorch weights; {source} is a checkpoint, which says its {flag} itself")
    else:
        network = rvm_jax.load(source)
    settings = [value for key, value in network.config.items() if isinstance(value, str)]
    if "foreground" in network.config:
        settings.append("foreground and alpha" if network.foreground else "alpha alone")
    print(f"{source}: {', '.join(settings)}, {len(state_dict(network))} tensors")

    if target.suffix in SUFFIXES:
        rvm_jax.save_torch(network, target)
    else:
        rvm_jax.save(network, target)
    print(f"written to {target}")


if __name__ == "__main__":
    cli.run(main)
