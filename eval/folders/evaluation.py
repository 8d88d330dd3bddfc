"""Evaluates folders of predictions and labels.

Pictures are read by threads, a few ahead, and measured in batches, so memory stays constant.
"""

from collections.abc import Callable, Sequence

import cv2
import numpy as np
from tqdm import tqdm

from eval.folders.batches import Batches
from eval.folders.checks import check_pictures
from eval.folders.pairs import Pair, raise_problems
from eval.folders.rows import Evaluation, summarise
from eval.metrics.batch import Decoded
from eval.metrics.metric import Metric, PictureMetric, WindowMetric, chosen_metrics, optional_names
from eval.metrics.region import REGIONS
from eval.metrics.window import covered
from eval.threads import map_ahead
from rvm_jax.errors import UserError
from rvm_jax.media.masks import read_mask
from rvm_jax.media.pictures import read_picture

_AT_ONCE, _AHEAD = 4, 16  # pairs that a thread decodes, and that wait to be measured
Load = Callable[[Pair, Sequence[Metric]], Decoded | str]


def evaluate(
    pairs: Sequence[Pair],
    regions: Sequence[str] | None = None,
    metrics: Sequence[str] | None = None,
    progress: bool = True,
    *,
    batch_pixels: int = 2**21,
    load: Load | None = None,
) -> Evaluation:
    """Evaluates every pair, showing progress.

    Args:
      pairs: see `eval.folders.pairs.find_pairs`; at least one. Foregrounds are counted where all have them.
      regions: names of `eval.metrics.region.REGIONS` in which errors are counted; by default all.
      metrics: which of `eval.metrics.metric.optional_names` to measure besides those that always are; by default all.
      progress: whether bars are shown.
      batch_pixels: how many pixels are measured at once, as windows of pictures, at most 16 of them.
      load: what decodes a pair, or returns what is wrong with it; by default `decode`.

    Raises:
      UserError: with all files that cannot be read and all predictions of another size than their label.
    """
    check_pictures(pairs, progress)
    chosen = chosen_metrics(optional_names() if metrics is None else metrics)
    batches = Batches(tuple(REGIONS if regions is None else regions), chosen, batch_pixels)
    histograms: dict[str, np.ndarray] = {}
    problems: list[str] = []
    decode_pair = load or decode
    with batches:
        decoded = map_ahead(lambda pair: decode_pair(pair, chosen), pairs, ahead=_AHEAD, at_once=_AT_ONCE)
        for found in tqdm(decoded, "evaluation", len(pairs), unit="picture", disable=not progress):
            if isinstance(found, str):
                problems.append(found)
            elif not problems:  # after a problem only further problems are looked for
                category = found.pair.category
                histograms[category] = histograms.get(category, np.zeros(256)) + found.histogram
                batches.add(found)
        raise_problems(problems)
        batches.finish()
    return summarise(batches.measured, histograms)


def decode(pair: Pair, metrics: Sequence[Metric]) -> Decoded | str:
    """Returns the pair's pictures and what is measured at once, or what is wrong with them."""
    try:
        label = read_mask(pair.label)
        pred = read_mask(pair.pred, rescale=False)
        foregrounds = tuple(read_picture(path) for path in (pair.fgr_pred, pair.fgr_label) if path is not None)
    except UserError as error:
        return str(error)
    window = covered(pred, label)
    within = window.of(pred), window.of(label)
    values = {}
    for metric in metrics:
        if isinstance(metric, WindowMetric):
            values[metric.name] = metric.compute_within(*within, label.size) if window.area else 0.0
        elif isinstance(metric, PictureMetric):
            values[metric.name] = metric.compute(pred, label)
    return Decoded(pair, pred, label, window, foregrounds, values, _histogram(within[1], label.size))


def _histogram(label: np.ndarray, pixels: int) -> np.ndarray:
    """Returns the shares (256,) float64 of the alphas of a picture of so many pixels, 0 beyond the part given."""
    counts = np.zeros(256)
    if label.size:
        counts += cv2.calcHist([label], [0], None, [256], [0, 256]).ravel()
    counts[0] += pixels - label.size
    return counts / pixels
