"""What the networks for still pictures share: their call, with its checks, and their declaration."""

from typing import Any, ClassVar

import jax
import jax.numpy as jnp
from flax import nnx

from rvm_jax.errors import UserError
from rvm_jax.guidance.jax_ops import check_input
from rvm_jax.networks import functional
from rvm_jax.networks.api import Array, InputSpec, Preprocessing, Result, Settings
from rvm_jax.networks.compiled import compiled
from rvm_jax.networks.input_checks import check_picture
from rvm_jax.networks.layers.arithmetic import at_least_float32


class ImageNetwork(nnx.Module):
    """Mattes single pictures, in evaluation mode until `nnx.view(network, use_running_average=False)`.

    A subclass defines `forward(inputs, key)`, from (B, H, W, 3 + guidance channels) to its result, a named tuple of
    maps (B, h, w, 1) that is a `Result`.

    Args:
        name: what `rvm_jax.create` takes as `name`.
        inputs: what the call takes.
        preparation: what `rvm_jax.create` takes as `preparation`: one of PREPROCESSING's.

    Raises:
        UserError: another preparation.
    """

    PREPROCESSING: ClassVar[dict[str, Preprocessing]]
    default_loss: ClassVar[str] = "picture"

    def __init__(self, name: str, inputs: InputSpec, preparation: str):
        if preparation not in self.PREPROCESSING:
            raise UserError(f"{name}: preparation '{preparation}' is unknown; use {' or '.join(self.PREPROCESSING)}")
        self.name, self.inputs, self.preparation_name = name, inputs, preparation
        self.trains = False

    def set_view(self, use_running_average: bool | None = None, **others: Any) -> dict[str, Any]:
        """Makes the view for training: `nnx.view(network, use_running_average=False)` calls this."""
        if use_running_average is not None:
            self.trains = not use_running_average
        return others

    @property
    def preprocessing(self) -> Preprocessing:
        """How pictures become this network's input."""
        return self.PREPROCESSING[self.preparation_name]

    @property
    def parts(self) -> tuple[str, ...]:
        """The top-level attributes that hold parameters."""
        return functional.parts(self)

    @property
    def config(self) -> Settings:
        """The arguments of `rvm_jax.create` that make a network of this kind again (all but `rngs`)."""
        return {"name": self.name, "preparation": self.preparation_name}

    def normalise(self, src: jax.Array) -> jax.Array:
        """Normalises RGB in [0, 1], (…, 3), to what the call takes."""
        return self.preprocessing.normalise(src)

    def __call__(
        self,
        image: Array,
        guidance: Array | None = None,
        *,
        key: jax.Array | None = None,
    ) -> Any:
        """Mattes pictures.

        Args:
            image: `normalise(src)`, float (B, H, W, 3); or clips (B, T, H, W, 3), each frame a picture of its own.
            guidance: the mask or the trimap that `self.inputs` names, with the image's leading axes and sides.
            key: where dropout and stochastic depth draw from, in the view for training; None goes without them.

        Returns:
            The network's own `Result`; its maps have the image's leading axes.

        Raises:
            UserError: if an image or a guidance is of another kind, shape or (outside of `jit`) has other values.
        """
        check_picture(self.name, self.inputs, image)
        check_input(self.name, self.inputs.guidance, image, guidance)
        return self._matte(image, guidance, key)

    @compiled
    def _matte(self, image: Array, guidance: Array | None, key: jax.Array | None) -> Any:
        inputs = at_least_float32(image)
        if guidance is not None:
            inputs = jnp.concatenate([inputs, jnp.asarray(guidance, inputs.dtype)], -1)
        leading = inputs.shape[:-3]
        result = self.forward(inputs.reshape(-1, *inputs.shape[-3:]), key if self.trains else None)
        return jax.tree.map(lambda x: at_least_float32(x).reshape(*leading, *x.shape[1:]), result)

    def forward(self, inputs: jax.Array, key: jax.Array | None) -> Result:
        """Computes the result of pictures and guidance side by side in the channels, (B, H, W, C)."""
        raise NotImplementedError
