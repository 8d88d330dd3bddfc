"""What the networks for still pictures share: their call, with its checks, and their declaration."""

from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from rvm_jax.errors import UserError
from rvm_jax.networks.api import Preparation, Wants, check_guidance, check_picture
from rvm_jax.networks.layers.basic import at_least_float32


class StillNetwork(nnx.Module):
    """A network that mattes single pictures, in evaluation mode until `nnx.view(network, use_running_average=False)`.

    A subclass defines `forward(inputs, key)`, from (B, H, W, 3 + guidance channels) to its result, a named tuple of
    maps (B, h, w, 1) with two properties: `pha`, the final alpha in [0, 1], and `supervised`, what a loss on the alpha
    looks at.

    Attributes:
        wants: what its call takes.
        name, preparation_name: what `rvm_jax.create` takes as `name` and `preparation`.
    """

    PREPARATIONS: ClassVar[dict[str, Preparation]]

    def __init__(self, name: str, wants: Wants, preparation: str):
        if preparation not in self.PREPARATIONS:
            raise UserError(f"{name}: preparation '{preparation}' is unknown; use {' or '.join(self.PREPARATIONS)}")
        self.name, self.wants, self.preparation_name = name, wants, preparation
        self.trains = False

    def set_view(self, use_running_average: bool | None = None, **others: Any) -> dict[str, Any]:
        """What `nnx.view(network, use_running_average=False)` calls to make the view for training."""
        if use_running_average is not None:
            self.trains = not use_running_average
        return others

    @property
    def preparation(self) -> Preparation:
        """How pictures become this network's input."""
        return self.PREPARATIONS[self.preparation_name]

    @property
    def config(self) -> dict[str, Any]:
        """The arguments of `rvm_jax.create` that make a network of this kind again (all but `rngs`)."""
        return {"name": self.name, "preparation": self.preparation_name}

    def normalise(self, src: jax.Array) -> jax.Array:
        """RGB in [0, 1], (…, 3), to what the call takes."""
        return self.preparation.normalise(src)

    def __call__(
        self,
        image: jax.Array | np.ndarray,
        guidance: jax.Array | np.ndarray | None = None,
        *,
        key: jax.Array | None = None,
    ) -> Any:
        """Mattes pictures.

        Args:
            image: `normalise(src)`, float (B, H, W, 3); or clips (B, T, H, W, 3), each frame a picture of its own.
            guidance: the mask or the trimap that `wants` names, with the image's leading axes and sides.
            key: where dropout and stochastic depth draw from, in the view for training; None goes without them.

        Returns the network's result; its maps have the image's leading axes.

        Raises:
            UserError: an image or a guidance of another kind, shape or (outside of `jit`) with other values.
        """
        check_picture(self.name, self.wants, image)
        check_guidance(self.name, self.wants, image, guidance)
        inputs = at_least_float32(image)
        if guidance is not None:
            inputs = jnp.concatenate([inputs, jnp.asarray(guidance, inputs.dtype)], -1)
        leading = inputs.shape[:-3]
        result = self.forward(inputs.reshape(-1, *inputs.shape[-3:]), key if self.trains else None)
        return jax.tree.map(lambda x: at_least_float32(x).reshape(*leading, *x.shape[1:]), result)

    def forward(self, inputs: jax.Array, key: jax.Array | None) -> Any:
        """From pictures and guidance, side by side in the channels, to the result."""
        raise NotImplementedError
