"""What a network says about itself, so that training, matting and evaluation never ask for its name.

Every network class of the project has `wants` (a `Wants`), `preparation` (a `Preparation`), `config` (the arguments of
`rvm_jax.create` that make it again) and `normalise(src)`; its results have `pha`, the final alpha in [0, 1].
"""

from dataclasses import dataclass
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np

from rvm_jax.errors import UserError

Guidance = Literal["mask", "trimap"]
CHANNELS = {"mask": 1, "trimap": 3}
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class Wants:
    """What a network's call takes beside pictures (B, H, W, 3).

    Attributes:
        guidance: "mask", (B, H, W, 1) of 0 and 1; "trimap", (B, H, W, 3), one-hot in the order background, unknown,
            foreground; or None.
        state: whether frames of a clip go one after the other, each with the `rec` of the one before.
        size_multiple: what both sides must be divisible by.
    """

    guidance: Guidance | None = None
    state: bool = False
    size_multiple: int = 1

    @property
    def inputs(self) -> tuple[str, ...]:
        """The names of the inputs, in the order of the call: "picture", then "mask", "trimap" or "state"."""
        return ("picture", *([self.guidance] if self.guidance else []), *(["state"] if self.state else []))


@dataclass(frozen=True)
class Preparation:
    """How pictures become a network's input, and its output an alpha (`rvm_jax.PictureMatter` does both).

    Attributes:
        mean, std: RGB in [0, 1] is normalised to (src - mean) / std.
        padding: "edge" adds nothing but what the size multiple asks for, below and to the right, repeating the edge;
            "reflect_border" is the published test script's: 32 pixels on every side, and below and to the right what
            the next multiple of 32 asks for, edge pixels not repeated; "symmetric_centred" is AEMatter's: what the
            size multiple asks for, half of it on each side, edge pixels repeated; "resize" is MODNet's: no padding,
            the picture is resized (`short_side`) and the alpha resized back.
        short_side: where the longer side is below it, or the shorter above: the length that the shorter side gets.
        keeps_known: whether only the trimap's unknown region takes the network's alpha.
        truncates: whether 255 · alpha loses its fraction (as NumPy's astype(uint8)) in place of being rounded.
        wraps: whether values outside of [0, 1] wrap around at 256 there, in place of being clipped.
    """

    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    std: tuple[float, float, float] = (1.0, 1.0, 1.0)
    padding: Literal["edge", "reflect_border", "symmetric_centred", "resize"] = "edge"
    short_side: int | None = None
    keeps_known: bool = False
    truncates: bool = False
    wraps: bool = False

    def normalise(self, src: jax.Array) -> jax.Array:
        """RGB in [0, 1], (…, 3), to what the network takes."""
        if self.mean == (0.0, 0.0, 0.0) and self.std == (1.0, 1.0, 1.0):
            return src
        return (src - jnp.array(self.mean, src.dtype)) / jnp.array(self.std, src.dtype)


def check_picture(name: str, wants: Wants, image: jax.Array | np.ndarray) -> None:
    """Raises UserError, naming the network, where `image` is no float (B, H, W, 3) of sides that it can take."""
    if image.ndim not in (4, 5) or image.shape[-1] != 3:
        raise UserError(f"{name}: the image has shape {image.shape}; pictures are (B, H, W, 3)")
    if not jnp.issubdtype(image.dtype, jnp.floating):
        raise UserError(f"{name}: the image is {image.dtype}; pass float pictures (uint8 pictures: image / 255)")
    height, width = image.shape[-3:-1]
    if height % wants.size_multiple or width % wants.size_multiple:
        raise UserError(
            f"{name} needs sides that are multiples of {wants.size_multiple}, not {height}×{width}; "
            "rvm_jax.PictureMatter pads pictures of any size"
        )


def check_guidance(
    name: str, wants: Wants, image: jax.Array | np.ndarray, guidance: jax.Array | np.ndarray | None
) -> None:
    """Raises UserError, naming the network, where its mask or trimap is missing, or not what it should be."""
    kind = wants.guidance
    if kind is None:
        if guidance is not None:
            raise UserError(f"{name} takes the image alone, without a mask or trimap")
        return
    wanted = (*image.shape[:-1], CHANNELS[kind])
    if guidance is None:
        raise UserError(f"{name} needs a {kind} beside the image: network(image, {kind}), of shape {wanted}")
    if tuple(guidance.shape) != wanted:
        raise UserError(f"{name}: the {kind} has shape {tuple(guidance.shape)}, but this image needs {wanted}")
    if isinstance(guidance, jax.core.Tracer):  # inside jit there are no values to look at
        return
    values = np.asarray(guidance)
    binary = np.isin(values, (0, 1)).all()
    if kind == "mask" and not binary:
        raise UserError(f"{name}: the mask has values other than 0 and 1; pass mask >= 128 for one of 0 to 255")
    if kind == "trimap" and not (binary and (values.sum(-1) == 1).all()):
        raise UserError(
            f"{name}: the trimap is not one-hot; its channels are trimap == 0, trimap == 128 and trimap == 255"
        )
