"""The Beam side of preparing a set: the items of a part are split across Beam's workers (extra `beam`)."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from rvm_jax.errors import UserError

_CHECKOUT = str(Path(__file__).resolve().parents[1])


def pipeline_options(options: Sequence[str]) -> Any:
    """Reads Beam's own options, `--runner=…`; without any it is the direct runner, in this process."""
    # What the direct runner starts here must find the checkout; remote workers have it in their container.
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (_CHECKOUT, os.environ.get("PYTHONPATH"))))
    try:
        from apache_beam.options.pipeline_options import PipelineOptions
    except ImportError as error:
        raise UserError('Beam is not installed; pip install -e ".[beam]"') from error
    return PipelineOptions(list(options))


def rows_by_beam(items: Sequence[Any], rows_of: Callable[[Any], Any]) -> Any:
    """Returns the pipeline from items to their numbered rows, spread over the workers."""
    import apache_beam as beam

    return beam.Create(list(items)) | "Reshuffle" >> beam.Reshuffle() | "Read" >> beam.FlatMap(rows_of)
