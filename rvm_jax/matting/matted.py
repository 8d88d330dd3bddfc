"""Frames as a network matted them, and their rounding on the device."""

from collections.abc import Mapping
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from rvm_jax.media.face_alignment import face_ellipse
from rvm_jax.media.frame_source import Frame
from rvm_jax.networks.api import Matte, State


class Matted(NamedTuple):
    """Holds a frame and what a network made of it.

    Attributes:
      frame: the frame.
      pha: its alpha, (H, W, 1) uint8 or uint16.
      fgr: its foreground, (H, W, 3) uint8.
      rec: the state on the device after it; None if the clip cannot be resumed from here.
    """

    frame: Frame
    pha: np.ndarray
    fgr: np.ndarray
    rec: State | None = None

    @property
    def pha8(self) -> np.ndarray:
        """Returns the alpha with 8 bits."""
        return self.pha if self.pha.dtype == np.uint8 else ((self.pha + 128.0) // 257).astype(np.uint8)

    @property
    def regions(self) -> Mapping[str, np.ndarray]:
        """Returns where the whole faces are, (H, W) uint8 by the face's name: a mask that was given, or ellipses."""
        guide = self.frame.guide
        if guide.whole_face is not None:
            return {"0": guide.whole_face}
        return {
            face: face_ellipse(pose, self.frame.size, self.frame.pixel_aspect)
            for face, pose in (guide.poses or {}).items()
        }


@partial(jax.jit, static_argnums=0)
def quantize(alpha_bits: int, matte: Matte) -> Matte:
    """Rounds the alpha to 8 or 16 bits and the foreground to 8, on the device: less travels from it."""
    levels = 2**alpha_bits - 1
    pha = jnp.round(matte.pha * levels).astype(jnp.uint8 if alpha_bits == 8 else jnp.uint16)
    return Matte(None if matte.fgr is None else jnp.round(matte.fgr * 255).astype(jnp.uint8), pha, matte.rec)
