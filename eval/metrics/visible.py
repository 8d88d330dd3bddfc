"""IoU: the alpha as a mask of the visible face; jitted, in whole numbers up to the division."""

import jax
import jax.numpy as jnp
import numpy as np

from eval.metrics.metric import BatchMetric, register
from eval.metrics.region import inside
from eval.metrics.sums import sum_rows

VISIBLE_FROM = 128  # the first byte above one half


@register
class VisibleOverlap(BatchMetric):
    """IoU of the visible face."""

    name, title, place = "iou", "IoU", 20
    legend = "intersection over union of the alphas above one half"
    is_main = True
    from_windows = True

    def compute(self, pred: np.ndarray, label: np.ndarray, sizes: np.ndarray) -> np.ndarray:
        return visible_iou(pred, label, sizes)


def visible_iou(pred: np.ndarray, label: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Returns the intersection over union (B,) of the alphas above one half; 1 where both are empty."""
    both, either = (np.asarray(rows).sum(-1, dtype=np.int64) for rows in _overlap_rows(pred, label, sizes))
    return np.where(either > 0, both / np.maximum(either, 1), 1.0)


@jax.jit
def _overlap_rows(pred: jax.Array, label: jax.Array, sizes: jax.Array) -> tuple[jax.Array, jax.Array]:
    is_pred, is_label = pred >= VISIBLE_FROM, label >= VISIBLE_FROM
    within = inside(label, sizes)
    both, either = is_pred & is_label & within, (is_pred | is_label) & within
    return sum_rows(both.astype(jnp.int32)), sum_rows(either.astype(jnp.int32))
