"""MSE and SAD over regions, as the published comparison states them in the unknown region."""

import numpy as np

from eval.metrics.metric import RegionMetric, register
from eval.metrics.sums import ErrorSums


@register
class RegionSquaredError(RegionMetric):
    """MSE over a region."""

    name, title, place = "mse_{region}", "MSE {region}", 10
    legend = "mean squared error of alphas in [0, 1] over the region"
    is_main = True

    def compute(self, sums: ErrorSums) -> np.ndarray:
        return sums.mse


@register
class RegionAbsoluteDifferences(RegionMetric):
    """SAD over a region."""

    name, title, place = "sad_{region}", "SAD {region}", 11
    legend = "sum of absolute differences of alphas in [0, 1] over the region, divided by 1000"
    is_main = True

    def compute(self, sums: ErrorSums) -> np.ndarray:
        return sums.sad
