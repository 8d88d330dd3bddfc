"""The tables of a study's results, each a file: of the techniques, of what is left out, and of the networks."""

from collections.abc import Sequence
from pathlib import Path

from ml_collections import ConfigDict

from eval.study.networks import PHASE as NETWORKS
from eval.study.picture import draw_differences
from eval.study.questions import Table
from eval.study.report import document, order_of
from eval.study.run import read_results, read_start
from rvm_jax.media.pictures import write_bytes

_MAIN, _LEFT_OUT = "tables.md", "leave_out.md"


def write_tables(config: ConfigDict, results: Path, names: Sequence[str] = ()) -> list[str]:
    """Writes Markdown files and a picture for each into a folder of results, and returns their texts.

    Args:
      config: a recipe with a section `study`.
      results: of runs; those of networks are in a folder of it.
      names: of contenders; where given, they alone make the first table, and there is none of what is left out.

    Raises:
      UserError: if there are no results, or too few for intervals.
    """
    study, networks = config.study, results / NETWORKS
    order = order_of(study.contenders, names or [*study.main.contenders, *study.pilot.contenders])
    found: dict[Path, tuple[Table, int]] = {}
    if not networks.is_dir() or any(results.glob("*_*.json")):
        runs, start = read_results(results), read_start(results)
        found[results / _MAIN] = (Table(runs, order, start), len(study.main.contenders))
        left_out = set(study.leave_out.contenders) - set(study.main.contenders)
        if not names and {run.contender for run in runs} & left_out:
            order = list(study.leave_out.contenders)  # the whole first, which shares are of
            found[results / _LEFT_OUT] = (Table(runs, order, start), len(study.leave_out.contenders))
    if networks.is_dir():
        order = list(study.networks.of)
        found[networks / _MAIN] = (Table(read_results(networks), order), len(order))
    texts = {path: document(table, planned) for path, (table, planned) in found.items()}
    for path, (table, _) in found.items():
        write_bytes(path, texts[path].encode())
        write_bytes(path.with_suffix(".png"), draw_differences(table))
    return list(texts.values())
