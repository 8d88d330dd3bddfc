"""How clips and pictures are matted: the settings of `matte_video` and `matte_pictures`."""

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from rvm_jax.errors import UserError
from rvm_jax.export.engines import Engine
from rvm_jax.matter import Matter, Ratio
from rvm_jax.matting.guidance import GuidanceSource, is_guided
from rvm_jax.matting.weights import StrPath, Weights
from rvm_jax.media.composite import GREEN, Color
from rvm_jax.media.face_tracks import FaceTracks
from rvm_jax.media.frame_source import DEFAULT_RATE
from rvm_jax.networks.frame_by_frame import FrameByFrame
from rvm_jax.networks.interface import Guidance

DEFAULT_CHUNK = 4


@dataclass(frozen=True)
class Settings:
    """How a clip is matted.

    Attributes:
      downsample_ratio: see `Matter`; "auto" is RVM's rule, networks for still pictures see all in full size then.
      seq_chunk: how many frames go to the device at once; more is faster on a GPU and takes more memory.
      dtype: what the network computes in, "float32" or "bfloat16".
      scene_cut: the score from which a frame begins a new scene, see `Matter`; None keeps the state through cuts.
      input_resize: (height, width) to which frames are brought first; outputs have that size.
      input_rate: frames per second of folders of frames and of raw frames.
      input_size: (height, width) of raw frames.
      input_stream: which of a file's video streams, from 0.
      background: what the face is laid on in compositions and comparisons: a colour, its name, a picture, a video, or
        "transparent" (comparisons then keep to the plain green).
      alpha_bits: 8 or 16, for alphas as PNG, ProRes and FFV1.
      video_codec: an encoder for all videos, where not the one that the suffix stands for.
      video_mbps: megabits per second of the videos; None keeps a quality.
      faces: where faces are: they are cut out, matted each with a state of its own, and put back.
      face_side: the side, in pixels, of the square in which a face is matted.
      face_mask: where the whole face is, hidden parts too, for the occluder's alpha: a picture, a folder of frames or a
        video of masks.
      preparation: for a network of a PyTorch file, see `load_network`; not for those of `compare_with`.
      guidance: where the masks or trimaps come from that a guided network wants.
      compare_with: further networks for the comparison.
      bridge: whether a broken frame is replaced by the one before, named and counted; otherwise it is an error.
      engine: what computes, "jax", "onnxruntime" or "auto", see `Matter`.
      progress: whether to show a bar with frames per second and the time left.
    """

    downsample_ratio: Ratio = "auto"
    seq_chunk: int = DEFAULT_CHUNK
    dtype: str = "float32"
    scene_cut: float | None = None
    input_resize: tuple[int, int] | None = None
    input_rate: Fraction = DEFAULT_RATE
    input_size: tuple[int, int] | None = None
    input_stream: int = 0
    background: str | Path | Color = GREEN
    alpha_bits: int = 8
    video_codec: str | None = None
    video_mbps: float | None = None
    faces: FaceTracks | None = None
    face_side: int = 512
    face_mask: StrPath | None = None
    preparation: str | None = None
    guidance: GuidanceSource | None = None
    compare_with: tuple[Weights, ...] = ()
    bridge: bool = True
    engine: Engine = "jax"
    progress: bool = True

    def __post_init__(self) -> None:
        if self.alpha_bits not in (8, 16):
            raise UserError(f"alpha_bits is {self.alpha_bits}; give 8 or 16")
        for name in ("seq_chunk", "face_side"):
            if getattr(self, name) < 1:
                raise UserError(f"{name} is {getattr(self, name)}; give a whole number of 1 or more")
        if self.input_rate <= 0:
            raise UserError(f"input_rate is {self.input_rate}; give frames per second above 0")
        if self.video_mbps is not None and self.video_mbps <= 0:
            raise UserError(f"video_mbps is {self.video_mbps}; give megabits per second above 0")
        for name in ("input_resize", "input_size"):
            size = getattr(self, name)
            if size is not None and min(size) < 1:
                raise UserError(f"{name} is {size[1]}x{size[0]}; give a width and a height of 1 pixel or more")


def has_state(network: Any) -> bool:
    """Whether the frames of a clip must go through a network, or a Matter, one after the other."""
    return isinstance(network, Matter) or network.wants.state


def check_guidance(network: Any, how: Settings) -> Guidance | None:
    """Returns what guidance a network takes. Raises UserError where it is missing, given to one that takes none, or
    does not go with the other settings."""
    if not is_guided(network):
        if how.guidance is not None:
            name = "a Matter" if isinstance(network, Matter) else network.name
            raise UserError(f"{name} takes the picture alone, without a mask or trimap; leave the guidance out")
        return None
    name, kind = network.name, network.wants.guidance
    if how.guidance is None:
        raise UserError(
            f"{name} needs a {kind} beside each picture or frame; give {kind}s (--guidance), alphas to derive them "
            "from (--guidance_alpha), or a network that mattes first (--guidance_checkpoint)"
        )
    if how.downsample_ratio not in ("auto", 1):
        raise UserError(f"{name} sees its pictures and {kind}s at full size; leave downsample_ratio out")
    if how.faces is not None:
        raise UserError(f"{name} is guided by {kind}s of whole frames; leave the faces out")
    return kind


def as_matter(network: Any, how: Settings, pad_to: int = 1) -> Matter:
    """Returns a network's Matter by these settings; a Matter has settings of its own and starts a new stream.

    A network for still pictures mattes each frame for itself. Raises UserError where it wants a mask or trimap.
    """
    if isinstance(network, Matter):
        return network.another()
    ratio = how.downsample_ratio
    if not has_state(network):
        network = FrameByFrame(network)
        ratio = 1.0 if ratio == "auto" else ratio
    return Matter(network, ratio, dtype=how.dtype, scene_cut=how.scene_cut, pad_to=pad_to, engine=how.engine)
