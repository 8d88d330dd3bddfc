"""python scripts/benchmark.py matting --json=matting.json

Measures speed beside the alternatives, in one run on this machine, and writes what it found as rows
{"name", "value", "unit", "peer", "ratio"}; a ratio above 1 says that ours is better than that peer.

`all` runs all of them, `all --quick` in ten minutes. `compile`, `compile_matting` and `feed` measure nothing of an
accelerator: they tell what can be told of one without having it.
`matting --network=all` measures all networks beside one another. `python scripts/benchmark.py matting --help` lists
the flags of one benchmark. `taskset -c 0 python …` measures on one core.
"""

import sys
from importlib import import_module

from absl import flags
from ml_collections import config_flags

from rvm_jax import cli
from rvm_jax.errors import UserError
from rvm_jax.process import Role, configure_process

# Each module defines its own flags and measure() -> list[Row]; `all` has a write_json of its own.
BENCHMARKS = {
    "all": "scripts.benchmarks.all",
    "compile": "scripts.benchmarks.compile",
    "compile_matting": "scripts.benchmarks.compile_matting",
    "data": "scripts.benchmarks.data",
    "devices": "scripts.benchmarks.devices",
    "eval": "scripts.benchmarks.eval",
    "feed": "scripts.benchmarks.feed",
    "first": "scripts.benchmarks.first",
    "matting": "scripts.benchmarks.matting",
    "parity": "scripts.benchmarks.parity",
    "train": "scripts.benchmarks.train",
}
_ROLES: dict[str, Role] = {"data": "worker", "eval": "eval", "feed": "worker", "train": "train"}

_JSON = flags.DEFINE_string("json", None, "The file to write the rows to.")


def main(argv: list[str]) -> None:
    del argv
    if benchmark is None:
        raise UserError(f"say first what to measure: benchmark.py {'|'.join(BENCHMARKS)} [--json=FILE]")
    from rvm_jax.output_paths import check_outputs
    from scripts.benchmarks import report

    if _JSON.value:
        report.check_writable(_JSON.value)
        check_outputs([_JSON.value], _recipe())
    print(report.environment(), flush=True)
    rows = benchmark.measure()
    if _JSON.value:
        getattr(benchmark, "write_json", report.write_json)(_JSON.value, rows)


def _recipe() -> list[str]:
    """Returns the file of --config, where the benchmark has one: all that any reads."""
    if "config" not in flags.FLAGS or flags.FLAGS["config"].value is None:
        return []
    return [config_flags.get_config_filename(flags.FLAGS["config"]).partition(":")[0]]


if __name__ == "__main__":
    what = sys.argv.pop(1) if sys.argv[1:] and not sys.argv[1].startswith("-") else None
    if what in _ROLES:
        configure_process(_ROLES[what])
    benchmark = import_module(BENCHMARKS[what]) if what in BENCHMARKS else None
    if benchmark:
        flags.adopt_module_key_flags(benchmark)
    cli.run(main)
