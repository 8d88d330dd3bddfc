"""From decoded frames to RGB as a player shows them: matrix, range, transfer curve, rotation and mirroring (PyAV)."""

import av
import numpy as np
from av.video.reformatter import Colorspace, VideoReformatter

from rvm_jax.media import hdr
from rvm_jax.media.display_matrix import display_matrix, upright
from rvm_jax.notices import notice

# libswscale's BILINEAR, FULL_CHR_H_INT, FULL_CHR_H_INP and ACCURATE_RND. Without them its fast path is chosen, which
# darkens the colours by a level on the way to YUV and back.
ACCURATE = 0x2 | 0x2000 | 0x4000 | 0x40000

_UNSPECIFIED = (2, 0)  # the matrix of no tag; 0 is that of RGB, which some writers leave in YUV
_CURVES = {hdr.PQ: "PQ", hdr.HLG: "HLG"}
# What players take for high definition, whose colours are BT.709's where no tag says so.
_HD_WIDTH, _SD_HEIGHT = 1280, 576


class RgbConverter:
    """Converts the frames of one video.

    Untagged colours are BT.709's from 1280 pixels of width or 577 of height, BT.601's below, as players take them. HDR
    (PQ, HLG) is tone-mapped to BT.709, which is said once.

    Args:
      name: what messages call the video.
    """

    def __init__(self, name: str):
        self._name = name
        # One for all frames: FFmpeg keeps megabytes for each that a frame would make of its own.
        self._reformatter = VideoReformatter()

    def __call__(self, frame: av.VideoFrame) -> np.ndarray:
        """Returns RGB (H, W, 3) uint8, upright."""
        curve = int(frame.color_trc)
        source = source_colorspace(frame)
        if curve in _CURVES and not _is_rgb(frame):
            notice(
                f"{self._name}: its colours are HDR ({_CURVES[curve]}) and are tone-mapped to BT.709; for another look "
                "convert it to SDR first"
            )
            deep = self._reformatter.reformat(
                frame, format="rgb48le", src_colorspace=source, interpolation=ACCURATE
            ).to_ndarray()
            rgb = hdr.to_sdr(deep, curve)
        else:
            rgb = self._reformatter.reformat(
                frame, format="rgb24", src_colorspace=source, interpolation=ACCURATE
            ).to_ndarray()
        return upright(rgb, display_matrix(frame))


def source_colorspace(frame: av.VideoFrame) -> Colorspace | None:
    """Returns the matrix to read a frame's colours by; None for the one that its tag names."""
    if int(frame.colorspace) not in _UNSPECIFIED or _is_rgb(frame):
        return None
    is_hd = frame.width >= _HD_WIDTH or frame.height > _SD_HEIGHT
    return Colorspace.ITU709 if is_hd else Colorspace.ITU601


def _is_rgb(frame: av.VideoFrame) -> bool:
    return bool(frame.format.is_rgb)
