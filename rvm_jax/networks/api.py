"""What a network says about itself, so that training, matting and evaluation never ask for its name.

`Network` is what every network of the project is, `Result` what its call gives. A network's package holds a
`Declaration` named DECLARATION; `rvm_jax.networks` finds it there, or takes it from `register`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, Protocol

import jax
import jax.numpy as jnp
import numpy as np

from rvm_jax.guidance.values import CHANNELS as CHANNELS
from rvm_jax.guidance.values import Guidance as Guidance

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)

Array = jax.Array | np.ndarray
# The arguments of `rvm_jax.create` (JSON's values), as configs and checkpoints hold them.
Settings = dict[str, Any]
# A state dict in PyTorch's layout.
StateDict = dict[str, np.ndarray]
# The recurrent state after a frame: arrays (B, h, w, C); () of a network without one.
State = tuple[jax.Array, ...]


@dataclass(frozen=True)
class InputSpec:
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
    def names(self) -> tuple[str, ...]:
        """The names of the inputs, in the order of the call: "picture", then "mask", "trimap" or "state"."""
        return ("picture", *([self.guidance] if self.guidance else []), *(["state"] if self.state else []))


@dataclass(frozen=True)
class Preprocessing:
    """How pictures become a network's input, and its output an alpha (`rvm_jax.PictureMatter` does both).

    Attributes:
        mean, std: RGB in [0, 1] is normalised to (src - mean) / std.
        padding: "edge" adds nothing but what the size multiple asks for, below and to the right, repeating the edge;
            "reflect_border" is the published test script's: 32 pixels on every side, and below and to the right what
            the next multiple of 32 asks for, edge pixels not repeated; "symmetric_centred" is AEMatter's: what the
            size multiple asks for, half of it on each side, edge pixels repeated; "resize" is MODNet's: no padding,
            the picture is resized (`short_side`) and the alpha resized back.
        short_side: if the longer side is below it, or the shorter above: the length that the shorter side gets.
        keep_known_region: whether only the trimap's unknown region takes the network's alpha.
        rounding: how 255 · alpha becomes an integer where the project's own script is followed: "nearest", or
            "truncate" (as NumPy's astype(uint8)).
        overflow: what values outside of [0, 1] do there: "clip", or "wrap" around at 256.
    """

    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    std: tuple[float, float, float] = (1.0, 1.0, 1.0)
    padding: Literal["edge", "reflect_border", "symmetric_centred", "resize"] = "edge"
    short_side: int | None = None
    keep_known_region: bool = False
    rounding: Literal["nearest", "truncate"] = "nearest"
    overflow: Literal["clip", "wrap"] = "clip"

    def normalise(self, src: jax.Array) -> jax.Array:
        """Normalises RGB in [0, 1], (…, 3), to what the network takes."""
        if self.mean == (0.0, 0.0, 0.0) and self.std == (1.0, 1.0, 1.0):
            return src
        return (src - jnp.array(self.mean, src.dtype)) / jnp.array(self.std, src.dtype)


class Result(Protocol):
    """What a network's call gives; networks add maps of their own."""

    @property
    def pha(self) -> jax.Array:
        """The final alpha, (…, H, W, 1) in [0, 1]."""

    @property
    def supervised(self) -> jax.Array:
        """What a loss on the alpha looks at, (…, H, W, 1): `pha`, or what it is clipped from."""


class Matte(NamedTuple):
    """What a matting pass over frames gives.

    Attributes:
        fgr: the foreground, (…, H, W, 3) in [0, 1], or None.
        pha: the alpha, (…, H, W, 1) in [0, 1].
        rec: the state after the last frame.
    """

    fgr: jax.Array | None
    pha: jax.Array
    rec: State

    @property
    def supervised(self) -> jax.Array:
        """What a loss on the alpha looks at: the alpha."""
        return self.pha


class Network(Protocol):
    """A matting network in evaluation mode; `nnx.view(network, use_running_average=False)` is its view for training."""

    @property
    def name(self) -> str:
        """What `rvm_jax.create` takes as `name`."""

    @property
    def inputs(self) -> InputSpec:
        """What the call takes."""

    @property
    def preprocessing(self) -> Preprocessing:
        """How pictures become the call's input, and its output an alpha."""

    @property
    def config(self) -> Settings:
        """The arguments of `rvm_jax.create` that make a network of this kind again (all but `rngs`)."""

    @property
    def parts(self) -> tuple[str, ...]:
        """The top-level attributes that hold parameters: the first names of its tensors' keys."""

    @property
    def default_loss(self) -> str:
        """The loss that trains it if a recipe names no other, of `rvm_jax.train.losses`."""

    def normalise(self, src: jax.Array) -> jax.Array:
        """Normalises RGB in [0, 1], (…, 3), to what the call takes."""

    def __call__(self, src: Array, /, *args: Any, **kwargs: Any) -> Result:
        """Mattes `normalise(src)`, float (B, H, W, 3) or clips (B, T, H, W, 3), with the guidance that `inputs` names.

        Networks for pictures take `key` (of dropout), networks with a state `rec` and `downsample_ratio`.
        """


class RecurrentNetwork(Network, Protocol):
    """A network whose call takes frames with the state of the frames before."""

    @property
    def foreground(self) -> bool:
        """Whether results have a foreground `fgr`."""

    def __call__(self, src: Array, /, rec: Any = None, downsample_ratio: float = 1.0) -> Matte:
        """Mattes frames (B, H, W, 3) or clips (B, T, H, W, 3), RGB in [0, 1]."""


def unchanged(tensors: StateDict, settings: Settings) -> StateDict:
    """Adapts nothing."""
    return tensors


@dataclass(frozen=True)
class Declaration:
    """What a network's package says about it; the only place that names it.

    Attributes:
        names: what `rvm_jax.create` takes as `name`; `network` is given it if its constructor has a `name`.
        network: the class, or a function; its keyword arguments, but `rngs` and `kernels`, are the settings.
        recognise: from a state dict to the settings of the network that it is of, or None if it is of another. A
            ValueError says, without the file's name, why a file that looks like its own is not.
        backbone_keys: keys of the files of its encoder alone, which `load_backbone` reads.
        adaptable: by setting, the values (found, wanted) between which `adapt_weights` leads.
        adapt_weights: makes a state dict one of a network of the settings wanted, as far as it can; what it leaves
            unfit is refused by its keys.
        is_default: whether it is what `create` makes, and what old checkpoints hold, if no name is given.
        overfit_settings, overfit_rate: what scripts/overfit.py makes it with, and Adam's learning rate there.
        onnx_emitter: the module whose EMITTER (`rvm_jax.export.emitters`) adds it to an ONNX graph; None if it has no
            ONNX form.
    """

    names: tuple[str, ...]
    network: Callable[..., Network]
    recognise: Callable[[Mapping[str, np.ndarray]], Settings | None] = lambda tensors: None
    backbone_keys: tuple[str, ...] = ()
    adaptable: Mapping[str, tuple[object, object]] = field(default_factory=dict)
    adapt_weights: Callable[[StateDict, Settings], StateDict] = unchanged
    is_default: bool = False
    overfit_settings: Mapping[str, Any] = field(default_factory=dict)
    overfit_rate: float = 1e-3
    onnx_emitter: str | None = None


def recognise_by_channels(key: str, names: Mapping[int, str]) -> Callable[[Mapping[str, np.ndarray]], Settings | None]:
    """Returns a `Declaration.recognise`: by a key that no other network has, and the channels that it takes.

    Args:
        key: of a convolution's weight, (outputs, inputs, k, k).
        names: the network's name for each number of inputs.
    """

    def recognise(tensors: Mapping[str, np.ndarray]) -> Settings | None:
        if key not in tensors:
            return None
        channels = tensors[key].shape[1] if tensors[key].ndim > 1 else 0
        if channels not in names:
            known = " or ".join(map(str, names))
            raise ValueError(f"{key} takes {channels} channels; the networks that have it take {known}")
        return {"name": names[channels]}

    return recognise
