"""What a network for pictures says to images and guidance that are not what it takes."""

import jax
import jax.numpy as jnp
import numpy as np

from rvm_jax.errors import UserError
from rvm_jax.networks.api import CHANNELS, Array, InputSpec


def check_picture(name: str, spec: InputSpec, image: Array) -> None:
    """Checks that `image` is a float (B, H, W, 3) or (B, T, H, W, 3) of sides that the network can take.

    Raises:
        UserError: it is not; the network's `name` is said.
    """
    if image.ndim not in (4, 5) or image.shape[-1] != 3:
        raise UserError(f"{name}: the image has shape {image.shape}; pictures are (B, H, W, 3)")
    if not jnp.issubdtype(image.dtype, jnp.floating):
        raise UserError(f"{name}: the image is {image.dtype}; pass float pictures (uint8 pictures: image / 255)")
    height, width = image.shape[-3:-1]
    if height % spec.size_multiple or width % spec.size_multiple:
        raise UserError(
            f"{name} needs sides that are multiples of {spec.size_multiple}, not {height}×{width}; "
            "rvm_jax.PictureMatter pads pictures of any size"
        )


def check_guidance(name: str, spec: InputSpec, image: Array, guidance: Array | None) -> None:
    """Checks that the mask (…, H, W, 1) or trimap (…, H, W, 3) that `spec` asks for fits `image`.

    Raises:
        UserError: it is missing, superfluous, of another shape or (outside of `jit`) has other values.
    """
    kind = spec.guidance
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
