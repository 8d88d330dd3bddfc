"""Compares networks on a benchmark, by their predictions or by the networks themselves:

    python scripts/compare.py --label_dir=work/benchmark --output_dir=work/comparison \
        --entry=MODNet=work/modnet_predictions --entry=RVM=work/quickstart

An entry is name=path: a folder of predictions, a work directory, one of its steps, or a .pth or .safetensors file; or
the name of a network of the package (--entry=face). A network mattes the benchmark first, RVM clips with its state,
others frame by frame; what is matted stays, so that an interrupted comparison is resumed. Networks see frames in full,
those of the package at the size that they were trained for, unless --downsample_ratio=name=0.25 says otherwise. Masks
and trimaps, where a network wants them, are derived from the benchmark's alphas unless --guidance says otherwise.

Writes index.html, one file with tables that sort, plots and a slider between input, truth and prediction; tables as
Markdown, CSV and LaTeX; comparison.json; sheets of each entry's best, median and worst; comparison.jpg and
comparison.mp4, all entries beside each other. The published networks come in the order of the published table, others
as they are given; differences are paired, to the last entry.
"""

from pathlib import Path

from absl import flags

from rvm_jax import cli
from rvm_jax.process import configure_process

_ENTRIES = flags.DEFINE_multi_string("entry", [], "name=path of predictions or of a network; repeat the flag.")
_GUIDANCE = flags.DEFINE_multi_string(
    "guidance",
    [],
    "What masks and trimaps are derived from: truth, an entry's name, or a folder of alphas; name=one of these for a "
    "single entry; repeat the flag.",
)
_LABEL_DIR = flags.DEFINE_string("label_dir", None, "The benchmark.", required=True)
_OUTPUT_DIR = flags.DEFINE_string("output_dir", None, "Where everything goes.", required=True)
_EXCLUDE = flags.DEFINE_list("exclude", ["11k-sot"], "Categories to leave out; the published table leaves out 11k-sot.")
_PRECISION = flags.DEFINE_enum(
    "precision", "float32", ["float32", "tensorfloat32", "bfloat16"], "Of the networks' products."
)
_RATIOS = flags.DEFINE_multi_string(
    "downsample_ratio", [], "name=ratio, the share of their sides at which a network sees frames, or name=auto; repeat."
)
_METRICS = flags.DEFINE_list(
    "metrics", None, "What is measured besides MAD and MSE, such as iou,dtssd; by default all; fewer are faster."
)
_NUM_CLIPS = flags.DEFINE_integer("num_clips", 12, "Clips in the video.", lower_bound=1)


def main(_: list[str]) -> None:
    from eval import report
    from eval.compare.comparison import all_tables, compare
    from eval.compare.entries import parse_entries, parse_guidance, parse_ratios
    from eval.compare.outputs import check_outputs_of
    from eval.compare.predictions import find_predictions
    from eval.metrics.metric import chosen_names, optional_names
    from rvm_jax.networks.precision import check_precision

    label_dir, output_dir = Path(str(_LABEL_DIR.value)), Path(str(_OUTPUT_DIR.value))
    entries = parse_entries(_ENTRIES.value)
    guidance = parse_guidance(_GUIDANCE.value, entries)
    ratios = parse_ratios(_RATIOS.value, entries)
    metrics = chosen_names(_METRICS.value, "metrics", optional_names())
    check_outputs_of(output_dir, entries, guidance, label_dir)
    predictions = find_predictions(
        entries,
        label_dir,
        output_dir / "predictions",
        _EXCLUDE.value,
        guidance,
        precision=check_precision(str(_PRECISION.value)),
        ratios=ratios,
    )
    comparison = compare(predictions, label_dir, output_dir, _NUM_CLIPS.value, metrics)
    for table in all_tables(comparison)[: -len(comparison.categories)]:
        print(f"\n{table.title}\n{report.markdown(table.cells)}", end="")
    print(f"\n{output_dir / 'index.html'}: all of it, to be opened in a browser")


if __name__ == "__main__":
    configure_process("eval")
    cli.run(main)
