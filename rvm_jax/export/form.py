"""What a file is made for: its contract, sizes and dtype, as the caller asked for them."""

from dataclasses import dataclass, replace

from flax import nnx

from rvm_jax.errors import UserError
from rvm_jax.networks.api import Network

DTYPES = ("float32", "float16")
RUNTIMES = ("onnxruntime", "openvino")
# How far ONNX Runtime may be from JAX before nothing is written.
BOUNDS = {"float32": 1e-4, "float16": 1e-2}


@dataclass(frozen=True)
class Form:
    """Says how a network becomes a file.

    Attributes:
        size: (height, width) of the frames; None for any.
        ratio: the downsample ratio, baked in; None for an input that says it.
        batch: how many streams or pictures a call takes; None for any number.
        frames: of each stream in a call.
        dtype: what convolutions compute in, "float32" or "float16".
        runtime: whose kernels the graph is arranged for, "onnxruntime" or "openvino"; either runs both.
    """

    size: tuple[int, int] | None = None
    ratio: float | None = None
    batch: int | None = None
    frames: int = 1
    dtype: str = "float32"
    runtime: str = "onnxruntime"

    def __post_init__(self) -> None:
        if self.dtype not in DTYPES:
            raise UserError(f"dtype '{self.dtype}' is unknown; use one of {', '.join(DTYPES)}")
        if self.runtime not in RUNTIMES:
            raise UserError(f"runtime '{self.runtime}' is unknown; use one of {', '.join(RUNTIMES)}")
        if self.size is not None and min(self.size) < 1:
            raise UserError(f"size is {self.size[1]}x{self.size[0]}; give a width and a height of 1 pixel or more")
        for name in ("batch", "frames"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise UserError(f"{name} is {value}; give a whole number of 1 or more")
        if self.ratio is not None and not 0 < self.ratio <= 1:
            raise UserError(f"downsample_ratio is {self.ratio}; give a share of the sides above 0 and up to 1")

    @property
    def description(self) -> dict[str, str]:
        """Returns the form in words, for the file's metadata."""
        return {
            "size": "any" if self.size is None else f"{self.size[1]}x{self.size[0]}",
            "downsample_ratio": "an input" if self.ratio is None else f"{self.ratio:g}",
            "batch": "any" if self.batch is None else str(self.batch),
            "frames_per_call": str(self.frames),
            "dtype": self.dtype,
            "arranged_for": self.runtime,
        }

    def of_faces(self) -> "Form":
        """Returns the form of the face programs' models: single pictures of 256².

        Raises UserError if the caller asked for another.
        """
        if self.size not in (None, (256, 256)) or self.ratio not in (None, 1.0) or self.frames > 1:
            raise UserError("the face programs take single pictures of 256x256; leave size, ratio and chunk out")
        return replace(self, size=(256, 256), ratio=1.0)


def check_has_weights(network: Network) -> None:
    """Raises UserError if an exported file is in the place of a network: it has no weights to export."""
    if not isinstance(network, nnx.Module):
        raise UserError(f"{network.name} is an ONNX model already; export the checkpoint that it was made from")


def guidance_of(network: Network) -> str | None:
    """Returns the guidance that a network wants beside pictures."""
    return network.inputs.guidance


def has_state(network: Network) -> bool:
    """Says whether a network passes a state from frame to frame."""
    return bool(network.inputs.state)
