"""Writes datasets as ArrayRecord: python scripts/prepare_data.py --name=sim --root=datasets/SIM --output_dir=prepared

Each source goes to <output_dir>/<source>; a config reads it with root=<that folder> and prepared=True, all else as it
was, and gets the same clips (with --size, of pictures shrunk once). With --config=… all its sources are written, and
with --synthesize=N besides it the first N clips of its stream, for the source `synthesized`. An interrupted run resumes
where it stopped. --beam writes by Beam, here or with the options of any runner: --beam_option=--runner=DataflowRunner.
"""

from pathlib import Path

from absl import flags

from rvm_jax import cli
from rvm_jax.process import configure_process
from scripts import _source_flags

_OUTPUT_DIR = flags.DEFINE_string("output_dir", None, "The folder for the prepared sets.", required=True)
_SIZE = flags.DEFINE_integer("size", None, "Shrinks pictures whose short side is longer.", lower_bound=16)
_PART_SIZE = flags.DEFINE_integer("part_size", 2000, "Rows that are written at once, about.", lower_bound=1)
_SYNTHESIZE = flags.DEFINE_integer("synthesize", None, "How many clips of the config to write.", lower_bound=1)
_SEED = flags.DEFINE_integer("seed", None, "Of these clips; the config's where not given.")
_BEAM = flags.DEFINE_bool("beam", False, "Whether to write by Beam (extra `beam`).")
_BEAM_OPTIONS = flags.DEFINE_multi_string("beam_option", [], "An option of Beam or of its runner, with its dashes.")


def main(_: list[str]) -> None:
    from data_pipeline.pipeline import section_of
    from data_pipeline.prepare_source import prepare_source, prepare_synthesis
    from data_pipeline.sources.listing import source_roots
    from rvm_jax.errors import UserError
    from rvm_jax.output_paths import check_output_folders

    beam_options = _BEAM_OPTIONS.value if _BEAM.value or _BEAM_OPTIONS.value else None
    options = {"size": _SIZE.value, "part_size": _PART_SIZE.value, "beam_options": beam_options}
    output = Path(_OUTPUT_DIR.value)
    asked = _source_flags.SPLIT.value or "all"
    split = "train" if asked == "all" else asked
    if _SYNTHESIZE.value:
        if _source_flags.CONFIG.value is None:
            raise UserError("--synthesize needs --config, the recipe of the clips")
        data = section_of(_source_flags.CONFIG.value.data, split)
        path = output / "synthesized"
        check_output_folders([path], source_roots(data))
        rows = prepare_synthesis(path, data, split=split, seed=_SEED.value, num_clips=_SYNTHESIZE.value, **options)
        print(f"{path}: {rows} rows written; read it with name='synthesized', root='{path}', prepared=True")
        return
    listed = _source_flags.sources(split)
    check_output_folders(
        [output / label for label, *_ in listed], [r for _, spec, _ in listed for r in source_roots(spec)]
    )
    for label, spec, request in listed:
        path = output / label
        rows = prepare_source(path, spec, request, asked, **options)
        print(f"{path}: {rows} rows written; read it with root='{path}', prepared=True")


if __name__ == "__main__":
    configure_process("worker")
    cli.run(main)
