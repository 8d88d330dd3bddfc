"""Looks at datasets: python scripts/inspect_data.py --name=sim --root=datasets/SIM --output_dir=inspection

Lists what each source holds, what it leaves out and why, and its licence, and draws a contact sheet of pictures and of
what their alpha cuts out. With --config=… it looks at all sources of a recipe.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from absl import flags

from rvm_jax import cli
from rvm_jax.process import configure_process
from scripts import _source_flags

_SAMPLE = flags.DEFINE_integer("sample", 100, "How many items of a source to decode; 0: all.", lower_bound=0)
_PICTURES = flags.DEFINE_integer("pictures", 24, "How many of them the sheet shows.", lower_bound=1)
_OUTPUT_DIR = flags.DEFINE_string("output_dir", "inspection", "The folder for the sheets, <source>.png.")


def main(_: list[str]) -> None:
    from data_pipeline.inspection import inspect_source
    from data_pipeline.sources import ADAPTERS, current_adapter, open_source
    from data_pipeline.sources.listing import source_roots
    from rvm_jax.errors import UserError
    from rvm_jax.media.pictures import write_picture
    from rvm_jax.output_paths import check_outputs

    failed = 0
    listed = _source_flags.sources(_split())
    sheets = [Path(_OUTPUT_DIR.value) / f"{label}.png" for label, *_ in listed]
    check_outputs(sheets, below=[root for _, spec, _ in listed for root in source_roots(spec)])
    for label, spec, request in listed:
        try:
            source = open_source(_whole(spec), request)
        except UserError as error:
            if len(listed) == 1:
                raise
            print(f"{label}: {error}\n")
            failed += 1
            continue
        adapter = ADAPTERS[current_adapter(spec["name"], f"{label}.name")]
        report = inspect_source(source, adapter, label=label, sample=_SAMPLE.value or None, pictures=_PICTURES.value)
        print("\n".join(report.lines))
        if report.sheet is not None:
            path = Path(_OUTPUT_DIR.value) / f"{label}.png"
            write_picture(path, report.sheet)
            print(f"  sheet: {path}")
        print()
    if failed:
        raise UserError(f"{failed} of {len(listed)} sources could not be opened; see above")


def _split() -> str:
    return "train" if _source_flags.SPLIT.value in (None, "all") else _source_flags.SPLIT.value


def _whole(spec: Mapping[str, Any]) -> Mapping[str, Any]:
    """The spec without its partition, where all of the dataset is asked for."""
    from data_pipeline.sources import ADAPTERS, current_adapter

    adapter = ADAPTERS.get(current_adapter(spec["name"], "name"))
    is_drawn = adapter is not None and adapter.generates
    return {**spec, "split": "all"} if _source_flags.SPLIT.value == "all" and not is_drawn else spec


if __name__ == "__main__":
    configure_process("worker")
    cli.run(main)
