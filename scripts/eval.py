"""Compares predicted alphas with true ones: MSE and SAD in the unknown region, and the mean absolute error.

    python scripts/eval.py --pred_dir=predictions --label_dir=benchmark

Labels are `<label_dir>/<category>/mask/<name>.png` or `…/mask/<clip>/<frame>.png`, predictions
`<pred_dir>/<category>/[<clip>/]<name>.png` (else `.jpg`), as `scripts/test.py` writes them. Prints a table, a line a
category and the mean over categories, and writes it with every picture's errors as JSON.
"""

from pathlib import Path

import _checkout  # noqa: F401
from absl import flags

from rvm_jax import cli

_PRED_DIR = flags.DEFINE_string("pred_dir", None, "folder of the predictions", required=True)
_LABEL_DIR = flags.DEFINE_string("label_dir", None, "folder of the labels", required=True)
_REGIONS = flags.DEFINE_list(
    "region", ["described", "published"], "where MSE and SAD are counted: described, published, all"
)
_EXCLUDE = flags.DEFINE_list("exclude", ["11k-sot"], "categories to leave out; the published table leaves out 11k-sot")
_OUTPUT = flags.DEFINE_string("output", None, "the JSON file; by default <pred_dir>/eval.json")


def main(argv: list[str]) -> None:
    del argv
    from eval import benchmark, folders, report
    from eval.region import REGIONS
    from rvm_jax.errors import UserError
    from rvm_jax.media.pictures import write_bytes

    for name in _REGIONS.value:
        if name not in REGIONS:
            raise UserError(f"--region: '{name}' is none of {', '.join(REGIONS)}")
    pred_dir, label_dir = Path(_PRED_DIR.value), Path(_LABEL_DIR.value)
    pairs = folders.find_pairs(pred_dir, label_dir, _EXCLUDE.value)
    evaluation = benchmark.evaluate(pairs, tuple(dict.fromkeys(_REGIONS.value)))

    left_out = [category for category in _EXCLUDE.value if (label_dir / category).is_dir()]
    output = Path(_OUTPUT.value) if _OUTPUT.value else pred_dir / "eval.json"
    text = report.as_json(evaluation, pred_dir=str(pred_dir), label_dir=str(label_dir), left_out=left_out)
    write_bytes(output, text.encode())

    print(report.table(evaluation))
    print("\n" + "\n".join(f"{name}: {meaning}" for name, meaning in report.LEGEND.items()))
    if left_out:
        print(f"left out: {', '.join(left_out)}")
    print(f"written to {output}")


if __name__ == "__main__":
    cli.run(main)
