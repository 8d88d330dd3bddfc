"""Robust Video Matting (Lin et al. 2021, arXiv 2108.11515): encoder, LR-ASPP, recurrent decoder, refiner."""

from typing import Any, ClassVar, Literal, NamedTuple, overload

import jax
import jax.numpy as jnp
from flax import nnx

from rvm_jax.errors import UserError
from rvm_jax.networks import functional
from rvm_jax.networks.api import Array, InputSpec, Matte, Preprocessing, Settings, State
from rvm_jax.networks.backbones.mobilenetv3 import MobileNetV3Large
from rvm_jax.networks.backbones.resnet import ResNet50
from rvm_jax.networks.compiled import compiled
from rvm_jax.networks.layers.arithmetic import at_least_float32, clamp
from rvm_jax.networks.layers.basic import Conv2d
from rvm_jax.networks.layers.kernels import Kernels, use_kernels
from rvm_jax.networks.layers.kernels.space_to_depth import Squares, pixels
from rvm_jax.networks.layers.resizing import rescale, scaled_size
from rvm_jax.networks.rvm.decoder import ConvGRU, RecurrentDecoder
from rvm_jax.networks.rvm.lraspp import LRASPP
from rvm_jax.networks.rvm.refiner import DeepGuidedFilter, FastGuidedFilter

# encoder, channels of LR-ASPP, and of the decoder at 1/8, 1/4, 1/2 and full size
_VARIANTS: dict[str, tuple[Any, int, tuple[int, ...]]] = {
    "mobilenetv3": (MobileNetV3Large, 128, (80, 40, 32, 16)),
    "resnet50": (ResNet50, 256, (128, 64, 32, 16)),
}
_REFINERS = {"deep_guided_filter": DeepGuidedFilter, "fast_guided_filter": FastGuidedFilter}


class Segmentation(NamedTuple):
    """What a segmentation pass gives: logits `seg` (…, H, W, 1) and the state `rec`."""

    seg: jax.Array
    rec: State


class MattingNetwork(nnx.Module):
    """RVM, in evaluation mode until `nnx.view(network, use_running_average=False)` makes a view for training.

    Args:
        variant: the encoder, "mobilenetv3" or "resnet50".
        refiner: "deep_guided_filter" or "fast_guided_filter", used where `downsample_ratio` is not 1.
        foreground: True for RVM (foreground and alpha), False for the face-matting fork (alpha alone). An alpha-only
            network keeps the deep filter's tensors, as the fork's files do, without using them.
        rngs: where the starting weights come from; None for zeros, if they will be set from a file.
        kernels: what its layers compute by; None for those of the device that the weights go to.

    Raises:
        UserError: if the variant or the refiner is unknown.
    """

    name: ClassVar = "rvm"
    inputs: ClassVar = InputSpec(state=True)
    preprocessing: ClassVar = Preprocessing()
    BACKBONE: ClassVar = "backbone"
    # The longer side, in pixels, that an automatic downsample ratio aims at: RVM's own, unless its weights say another.
    auto_side: int = 512

    def __init__(
        self,
        variant: str = "mobilenetv3",
        *,
        refiner: str = "deep_guided_filter",
        foreground: bool = True,
        rngs: nnx.Rngs | None,
        kernels: Kernels | None = None,
    ):
        if variant not in _VARIANTS:
            raise UserError(f"network variant '{variant}' is unknown; use one of {', '.join(_VARIANTS)}")
        if refiner not in _REFINERS:
            raise UserError(f"network refiner '{refiner}' is unknown; use one of {', '.join(_REFINERS)}")
        self.variant, self.refiner_name, self.foreground = variant, refiner, foreground
        encoder, deep, widths = _VARIANTS[variant]
        self.backbone = encoder(rngs=rngs)
        self.aspp = LRASPP(encoder.CHANNELS[-1], deep, rngs=rngs)
        self.decoder = RecurrentDecoder((*encoder.CHANNELS[:3], deep), widths, rngs=rngs)
        self.project_mat = Projection(widths[-1], 4 if foreground else 1, rngs=rngs)
        self.project_seg = Projection(widths[-1], 1, rngs=rngs)
        self.refiner = DeepGuidedFilter(rngs=rngs) if refiner == "deep_guided_filter" else FastGuidedFilter()
        use_kernels(self, kernels)

    @property
    def default_loss(self) -> str:
        """RVM's own recipe, or the face-matting fork's."""
        return "matting" if self.foreground else "alpha"

    @property
    def parts(self) -> tuple[str, ...]:
        """The top-level attributes that hold parameters."""
        return functional.parts(self)

    @property
    def config(self) -> Settings:
        """The arguments that make a network of this kind again (all but `rngs`)."""
        return {"variant": self.variant, "refiner": self.refiner_name, "foreground": self.foreground}

    def normalise(self, src: jax.Array) -> jax.Array:
        """Returns what the call takes: RGB in [0, 1] as it is. The MobileNetV3 encoder normalises it itself."""
        return src

    def initial_state(self, batch: int, height: int, width: int) -> State:
        """Returns the zero state (r1, r2, r3, r4) for frames of the size that the encoder sees, after downsampling."""
        channels = [unit.channels for unit in _recurrent_units(self.decoder)]
        shapes = []
        for count in channels:
            height, width = -(-height // 2), -(-width // 2)
            shapes.append((batch, height, width, count))
        return tuple(jnp.zeros(shape) for shape in shapes)

    @overload
    def __call__(
        self,
        src: Array,
        rec: State | None = None,
        downsample_ratio: float = 1.0,
        segmentation_pass: Literal[False] = False,
    ) -> Matte: ...

    @overload
    def __call__(
        self, src: Array, rec: State | None = None, downsample_ratio: float = 1.0, *, segmentation_pass: Literal[True]
    ) -> Segmentation: ...

    def __call__(
        self,
        src: Array,
        rec: State | None = None,
        downsample_ratio: float = 1.0,
        segmentation_pass: bool = False,
    ) -> Matte | Segmentation:
        """Mattes frames, or a clip of them.

        Args:
            src: RGB in [0, 1], float, (B, T, H, W, 3) or (B, H, W, 3).
            rec: the state that the frames before left, `(r1, r2, r3, r4)`, each (B, h, w, C); None to begin.
            downsample_ratio: the encoder and decoder see frames of floor(side · ratio); the refiner brings the matte to
                full size. RVM recommends a longer side of 256 to 512 there.
            segmentation_pass: return the person segmentation's logits instead (at the downsampled size).

        Returns:
            A `Matte`, or a `Segmentation`; their arrays have T where `src` has, the state never.

        Raises:
            UserError: src is not float, not RGB or of another rank; a state of another size.
        """
        src = _checked_frames(src)
        rec = self._checked_state(rec, src.shape[0], scaled_size(src.shape[-3:-1], downsample_ratio))
        return self._matte(src, rec, downsample_ratio, segmentation_pass)

    @compiled
    def _matte(
        self, src: jax.Array, rec: State, downsample_ratio: float, segmentation_pass: bool
    ) -> Matte | Segmentation:
        leading = src.shape[:-3]
        frames = src.reshape(-1, *src.shape[-3:])
        small = frames if downsample_ratio == 1 else rescale(frames, downsample_ratio)

        *fine, deep = self.backbone(small)
        hidden, rec = self.decoder(small, (*fine, self.aspp(deep)), rec)

        def unfold(x: jax.Array) -> jax.Array:
            return x.reshape(*leading, *x.shape[1:])

        if segmentation_pass:
            return Segmentation(unfold(self.project_seg(hidden)), rec)
        matte = at_least_float32(self.project_mat(hidden))
        if not self.foreground:
            if downsample_ratio != 1:
                matte = FastGuidedFilter().refine_alpha(frames, small, matte)
            return Matte(None, unfold(clamp(matte, 0.0, 1.0)), rec)
        residual, alpha = matte[..., :3], matte[..., 3:]
        if downsample_ratio != 1:
            residual, alpha = self.refiner(frames, small, matte, pixels(hidden))
        return Matte(unfold(clamp(residual + frames, 0.0, 1.0)), unfold(clamp(alpha, 0.0, 1.0)), rec)

    def _checked_state(self, rec: State | None, batch: int, size: tuple[int, int]) -> State:
        zero = self.initial_state(batch, *size)
        if rec is None:
            return zero
        given, wanted = [tuple(r.shape) for r in rec], [r.shape for r in zero]
        if given != wanted:
            raise UserError(
                f"the recurrent state has shapes {given}, but these frames need {wanted}; pass rec=None where a new "
                "size or another clip begins"
            )
        return tuple(at_least_float32(r) for r in rec)


class Projection(nnx.Module):
    """The 1×1 convolution from the decoder's features to a head's outputs."""

    def __init__(self, inputs: int, outputs: int, *, rngs: nnx.Rngs | None):
        self.conv = Conv2d(inputs, outputs, 1, rngs=rngs)

    def __call__(self, x: jax.Array | Squares) -> jax.Array:
        return Squares(self.conv.on_squares(x.maps)).pixels() if isinstance(x, Squares) else self.conv(x)


def _recurrent_units(decoder: RecurrentDecoder) -> tuple[ConvGRU, ...]:
    return decoder.decode1.gru, decoder.decode2.gru, decoder.decode3.gru, decoder.decode4.gru


def _checked_frames(src: Array) -> jax.Array:
    if src.ndim not in (4, 5) or src.shape[-1] != 3:
        raise UserError(f"src has shape {src.shape}; frames are (B, H, W, 3) and clips (B, T, H, W, 3)")
    if not jnp.issubdtype(src.dtype, jnp.floating):
        raise UserError(f"src is {src.dtype}; pass float frames in [0, 1] (uint8 frames: src / 255)")
    return at_least_float32(src)
