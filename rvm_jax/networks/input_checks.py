"""What a network for pictures says to images that are not what it takes."""

import jax.numpy as jnp

from rvm_jax.errors import UserError
from rvm_jax.networks.api import Array, InputSpec


def check_picture(name: str, spec: InputSpec, image: Array) -> None:
    """Checks that `image` is a float (B, H, W, 3) or (B, T, H, W, 3) of sides that the network can take.

    Raises:
        UserError: naming the network, if it is not.
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
