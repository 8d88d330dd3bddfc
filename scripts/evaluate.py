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

_PRED_DIR = flags.DEFINE_string("pred_dir", None, "folder of the predictions", required=True)
_LABEL_DIR = flags.DEFINE_string("label_dir", None, "folder of the labels", required=True)
_REGIONS = flags.DEFINE_list(
    "region",
    ["described", "published", "all", "face", "band"],
    "where MSE and SAD are counted: described, published, all, face, band",
)
_METRICS = flags.DEFINE_list(
    "metrics",
    ["iou", "grad", "conn", "dtssd", "flicker"],
    "what is measured besides MAD and MSE: iou, grad, conn, dtssd, flicker; empty for nothing, which is faster",
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
    from eval.folders import evaluation as benchmark
    from eval.folders import reading as folders
    from eval.metrics.region import REGIONS
    from rvm_jax.errors import UserError
    from rvm_jax.media.pictures import write_bytes

    for flag, known in ((_REGIONS, REGIONS), (_METRICS, benchmark.METRICS)):
        for name in filter(None, flag.value):
            if name not in known:
                raise UserError(f"--{flag.name}: '{name}' is none of {', '.join(known)}")
    pred_dir, label_dir = Path(_PRED_DIR.value), Path(_LABEL_DIR.value)
    pairs = folders.find_pairs(pred_dir, label_dir, _EXCLUDE.value)
    if _FGR_DIR.value:
        pairs = folders.add_foregrounds(pairs, Path(_FGR_DIR.value), label_dir)
    regions, metrics = ([name for name in dict.fromkeys(flag.value) if name] for flag in (_REGIONS, _METRICS))
    evaluation = benchmark.evaluate(pairs, regions, metrics)

    left_out = [category for category in _EXCLUDE.value if (label_dir / category).is_dir()]
    output = Path(_OUTPUT.value) if _OUTPUT.value else pred_dir / "eval.json"
    document = report.as_json(evaluation, pred_dir=str(pred_dir), label_dir=str(label_dir), left_out=left_out)
    write_bytes(output, document.encode())

    print(report.text(evaluation))
    print("\n" + "\n".join(f"{name}: {meaning}" for name, meaning in report.LEGEND.items()))
    if left_out:
        print(f"left out: {', '.join(left_out)}")
    print(f"written to {output}")


if __name__ == "__main__":
    cli.run(main)
