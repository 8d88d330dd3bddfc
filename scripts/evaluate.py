"""Compares predicted alphas with true ones: errors by region, Grad, Conn, dtSSD and more, with 95 % intervals.

    python scripts/evaluate.py --pred_dir=predictions --label_dir=benchmark

Labels are `<label_dir>/<category>/mask/<name>.png` or `…/mask/<clip>/<frame>.png`, predictions
`<pred_dir>/<category>/[<clip>/]<name>.png` (else `.jpg`), as `scripts/matte.py` writes them. Prints tables, a line a
category and the mean over categories, and writes them with every picture's errors as JSON. docs/evaluation.md says what
each number is.
"""

from pathlib import Path

from absl import flags

from rvm_jax import cli
from rvm_jax.process import configure_process

_PRED_DIR = flags.DEFINE_string("pred_dir", None, "folder of the predictions", required=True)
_LABEL_DIR = flags.DEFINE_string("label_dir", None, "folder of the labels", required=True)
_REGIONS = flags.DEFINE_list(
    "region", None, "where MSE and SAD are counted, such as published,band; by default in all regions"
)
_METRICS = flags.DEFINE_list(
    "metrics",
    None,
    "what is measured besides MAD and MSE, such as iou,grad; by default all; empty for nothing, which is faster",
)
_FGR_DIR = flags.DEFINE_string(
    "fgr_dir",
    None,
    "folder of predicted foregrounds, laid out as the predictions are; true ones: <category>/fgr",
)
_EXCLUDE = flags.DEFINE_list("exclude", ["11k-sot"], "categories to leave out; the published table leaves out 11k-sot")
_OUTPUT = flags.DEFINE_string("output", None, "the JSON file; by default <pred_dir>/eval.json")


def main(argv: list[str]) -> None:
    del argv
    from eval import report
    from eval.folders import pairs as folders
    from eval.folders.evaluation import evaluate
    from eval.metrics.metric import chosen_names, optional_names
    from eval.metrics.region import REGIONS
    from rvm_jax.atomic_files import write_bytes
    from rvm_jax.output_paths import check_outputs

    regions = chosen_names(_REGIONS.value, "region", list(REGIONS))
    metrics = chosen_names(_METRICS.value, "metrics", optional_names())
    pred_dir, label_dir = Path(_PRED_DIR.value), Path(_LABEL_DIR.value)
    pairs = folders.find_pairs(pred_dir, label_dir, _EXCLUDE.value)
    if _FGR_DIR.value:
        pairs = folders.add_foregrounds(pairs, Path(_FGR_DIR.value), label_dir)
    output = Path(_OUTPUT.value) if _OUTPUT.value else pred_dir / "eval.json"
    check_outputs([output], [path for pair in pairs for path in pair.files])
    evaluation = evaluate(pairs, regions, metrics)

    left_out = [category for category in _EXCLUDE.value if (label_dir / category).is_dir()]
    document = report.as_json(evaluation, pred_dir=str(pred_dir), label_dir=str(label_dir), left_out=left_out)
    write_bytes(output, document.encode())

    print(report.text(evaluation))
    print("\n" + "\n".join(f"{name}: {meaning}" for name, meaning in report.legend().items()))
    if left_out:
        print(f"left out: {', '.join(left_out)}")
    print(f"written to {output}")


if __name__ == "__main__":
    configure_process("eval")
    cli.run(main)
