"""High dynamic range, PQ and HLG, brought to what an ordinary screen shows (NumPy)."""

from functools import cache

import numpy as np

# Code points of transfer curves (ISO/IEC 23091-2).
PQ, HLG = 16, 18
# ITU-R BT.2408: white of a caption, or of SDR in an HDR programme, in candelas per square metre.
_WHITE = 203.0
_HLG_PEAK, _HLG_GAMMA = 1000.0, 1.2
# ITU-R BT.2087: from the primaries of BT.2020 to those of BT.709, in linear light.
_TO_709 = np.array([[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]], np.float32)
_LUMA_2020 = np.array([0.2627, 0.6780, 0.0593], np.float32)
# Up to this share of white nothing is changed; what is brighter is compressed into the rest.
_KNEE = 0.75
_DISPLAY_GAMMA = 2.4  # ITU-R BT.1886


def to_sdr(picture: np.ndarray, curve: int) -> np.ndarray:
    """Returns BT.709 (H, W, 3) uint8 for a picture of BT.2020 primaries (H, W, 3) uint16 by its curve, PQ or HLG."""
    light = _linear(curve)[picture]
    if curve == HLG:  # scene light, to what a screen of 1000 candelas shows
        light = light * np.power(light @ _LUMA_2020, _HLG_GAMMA - 1, dtype=np.float32)[..., None]
        light *= np.float32(_HLG_PEAK / _WHITE)
    light = light @ _TO_709.T
    np.maximum(light, 0, out=light)
    # By the strongest channel, so that hues stay.
    strongest = light.max(-1, keepdims=True)
    over = np.maximum(strongest - _KNEE, 0)
    shown = np.minimum(strongest, _KNEE) + (1 - _KNEE) * -np.expm1(-over / (1 - _KNEE))
    light *= shown / np.maximum(strongest, 1e-6)
    codes: np.ndarray = np.rint(255 * np.power(np.clip(light, 0, 1), 1 / _DISPLAY_GAMMA)).astype(np.uint8)
    return codes


@cache
def _linear(curve: int) -> np.ndarray:
    """Returns the light, relative to white for PQ and to the peak for HLG, of each of 65536 codes."""
    code = np.linspace(0, 1, 65536)
    if curve == PQ:
        m1, m2, c1, c2, c3 = 2610 / 16384, 2523 / 32, 3424 / 4096, 2413 / 128, 2392 / 128
        power = code ** (1 / m2)
        light = 10_000 / _WHITE * (np.maximum(power - c1, 0) / (c2 - c3 * power)) ** (1 / m1)
    else:
        a, b, c = 0.17883277, 0.28466892, 0.55991073
        light = np.where(code <= 0.5, code**2 / 3, (np.exp((code - c) / a) + b) / 12)
    return light.astype(np.float32)
