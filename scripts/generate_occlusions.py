"""Writes clips to disk: python scripts/generate_occlusions.py --config=configs/quickstart.py --output_dir=benchmark

They lie as an evaluation wants them, `<output_dir>/<category>/{img,mask}/<clip>/<frame>.png`, the category being the
occluder's, or with --layout=natocc as the NatOcc project has them, `<output_dir>/{image,mask}`. A run that was
interrupted resumes where it stopped; clips that are there are kept. --technique takes another one than the config's:

    python scripts/generate_occlusions.py --config=configs/quickstart.py --technique=natocc --config.data.seq_length=1 \
        --layout=natocc --num_clips=1000 --output_dir=natocc
"""

from pathlib import Path

from absl import flags
from ml_collections import config_flags
from tqdm import tqdm

from rvm_jax import cli
from rvm_jax.process import configure_process

_CONFIG = config_flags.DEFINE_config_file("config", None, "The recipe whose data is written.", lock_config=True)
_TECHNIQUE = flags.DEFINE_string("technique", None, "An occlusion technique by name, in place of the config's.")
_PRESET = flags.DEFINE_string("preset", None, "A preset of --technique.")
_SPLIT = flags.DEFINE_enum("split", "test", ["train", "valid", "test"], "The split to write.")
_NUM_CLIPS = flags.DEFINE_integer("num_clips", 100, "How many clips to write.", lower_bound=1)
_SEED = flags.DEFINE_integer("seed", None, "Of the stream; the split's own where not given.")
_OUTPUT_DIR = flags.DEFINE_string("output_dir", None, "The folder to write to.", required=True)
_LAYOUT = flags.DEFINE_enum("layout", "benchmark", ["benchmark", "natocc"], "How the files lie.")
_CATEGORY = flags.DEFINE_string("category", None, "Puts all clips there, in place of the occluders' categories.")
_BINARY = flags.DEFINE_bool("binary", False, "Masks of 0 and 1, as RealOcc's, in place of the alpha, 0 to 255.")
_WORKERS = flags.DEFINE_integer("workers", 0, "Processes that make clips; 0 for this one.", lower_bound=0)
flags.mark_flag_as_required("config")


def main(_: list[str]) -> None:
    from data_pipeline.generate import Job, missing_clips, write_clips
    from data_pipeline.sources.listing import source_roots
    from rvm_jax.errors import UserError
    from rvm_jax.output_paths import check_output_folders

    data = _CONFIG.value.data.to_dict()
    if _TECHNIQUE.value:
        data["techniques"] = {_TECHNIQUE.value: {"name": _TECHNIQUE.value, "preset": _PRESET.value}}
    elif _PRESET.value:
        raise UserError("--preset: say of which technique, by --technique")
    job = Job(
        Path(_OUTPUT_DIR.value), data, _SPLIT.value, _SEED.value, _NUM_CLIPS.value, _LAYOUT.value, _CATEGORY.value,
        _BINARY.value,
    )  # fmt: skip
    check_output_folders([job.root], source_roots(data))
    missing = missing_clips(job)
    there = job.num_clips - len(missing)
    for _ in tqdm(write_clips(job, missing, _WORKERS.value), "clips", total=job.num_clips, initial=there):
        pass
    print(f"{job.root}: {len(missing)} clips written, {there} were there")


if __name__ == "__main__":
    configure_process("worker")
    cli.run(main)
