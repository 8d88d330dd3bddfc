"""Makes a benchmark: python scripts/make_benchmark.py --config=configs/quickstart.py --output_dir=work/benchmark

Pictures and clips of occluded faces by category (hands, objects, soft, shapes, hair_and_nets; clips that stay still and
clips that move), with true alphas, a fixed unknown region and a manifest of hashes; docs/evaluation.md has the details.
Faces, occluders and textures are the test split of the config's sources. The same seed gives the same pixels with the
same versions of NumPy and OpenCV, which the manifest names; processors differ by less than its tolerance. --verify
compares a benchmark with its manifest.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from absl import flags
from ml_collections import ConfigDict, config_flags

from rvm_jax import cli
from rvm_jax.process import configure_process

_CONFIG = config_flags.DEFINE_config_file("config", None, "The recipe whose sources are taken.", lock_config=True)
_OUTPUT_DIR = flags.DEFINE_string("output_dir", None, "The benchmark's folder.", required=True)
_VERIFY = flags.DEFINE_bool("verify", False, "Compares what is there with its manifest, and makes nothing.")
_PICTURES = flags.DEFINE_integer("pictures", 50, "Pictures of each kind.", lower_bound=0)
_CLIPS = flags.DEFINE_integer("clips", 10, "Clips of each kind that stay still, and as many that move.", lower_bound=0)
_FRAMES = flags.DEFINE_integer("frames", 24, "Frames of a clip.", lower_bound=2)
_SIZE = flags.DEFINE_integer("size", 512, "Height and width.", lower_bound=64)
_SEED = flags.DEFINE_integer("seed", 0, "Of the benchmark.")
_SPLIT = flags.DEFINE_enum("split", "test", ["valid", "test"], "The split of the sources to take.")
_TRAIN_CONFIG = flags.DEFINE_multi_string(
    "train_config", [], "A recipe whose training pictures the benchmark must not share; --config's always are compared."
)
_ALLOW_OVERLAP = flags.DEFINE_bool("allow_overlap", False, "Only notes shared pictures in the manifest.")


def main(_: list[str]) -> None:
    from data_pipeline.pipeline import section_of
    from data_pipeline.sources.listing import source_roots
    from eval.make_benchmark.benchmark import make
    from eval.make_benchmark.benchmark_spec import KINDS, categories
    from eval.make_benchmark.verification import verify
    from rvm_jax.errors import UserError
    from rvm_jax.output_paths import check_output_folders

    root = Path(_OUTPUT_DIR.value)
    if _VERIFY.value:
        verified = verify(root)
        print(f"{root}: all {verified.items} pictures and clips are those of the manifest")
        if verified.rounded:
            print(f"{verified.rounded} of them as another processor rounds them, within the manifest's tolerance")
        return
    if _CONFIG.value is None:
        raise UserError("--config: give the recipe whose faces and occluders the benchmark is made of")
    data = section_of(_CONFIG.value.data, _SPLIT.value)
    check_output_folders([root], source_roots(data))
    parts, absent = categories(
        data, pictures=_PICTURES.value, clips=_CLIPS.value, frames=_FRAMES.value, resolution=_SIZE.value,
        seed=_SEED.value, split=_SPLIT.value,
    )  # fmt: skip
    about = {"seed": _SEED.value, "without_occluders": absent, "overlap": _overlap(data)}
    manifest = make(root, parts, _SPLIT.value, about)
    counts = {name: len(items) for name, items in manifest["categories"].items()}
    print(
        f"{root}: {sum(counts.values())} pictures and clips; " + ", ".join(f"{n} {name}" for name, n in counts.items())
    )
    for name in absent:
        print(f"{name}: no occluders here whose category (class folder) is one of {', '.join(KINDS[name].occluders)}")
    print(f"pixels: {manifest['sha256']}")


def _overlap(data: Mapping[str, Any]) -> dict[str, dict[str, int]]:
    """Returns what the benchmark shares with trainings, by config; UserError if that is anything."""
    from data_pipeline.pipeline import section_of
    from eval.make_benchmark.overlap import shared_pictures
    from rvm_jax.errors import UserError

    trainings = {"--config": section_of(_CONFIG.value.data, "train")}
    for path in _TRAIN_CONFIG.value:
        trainings[path] = section_of(_read_config(path).data, "train")
    found = {name: shared_pictures(data, _SPLIT.value, training) for name, training in trainings.items()}
    lines = [
        f"{source}: {count} of its pictures are in the training of {name} ({', '.join(first)} …); give the source "
        "a split, or --allow_overlap"
        for name, shared in found.items()
        for source, (count, first) in shared.items()
    ]
    if lines and not _ALLOW_OVERLAP.value:
        raise UserError("\n  ".join(["the benchmark would show pictures of a training:", *lines]))
    return {name: {source: count for source, (count, _) in shared.items()} for name, shared in found.items()}


def _read_config(path: str) -> ConfigDict:
    """Reads a config file, `:arg` included, as absl's config flag does."""
    new_flags: Callable[[], flags.FlagValues] = flags.FlagValues
    flags_of_one = new_flags()
    holder = config_flags.DEFINE_config_file("train", flag_values=flags_of_one)
    flags_of_one(["train_config", f"--train={path}"])
    config: ConfigDict = holder.value
    return config


if __name__ == "__main__":
    configure_process("eval")
    cli.run(main)
