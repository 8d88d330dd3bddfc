"""The options that techniques share."""

from dataclasses import dataclass
from typing import Literal

from data_pipeline.camera import OFF, Camera
from rvm_jax.media.face_templates import TEMPLATES, template_points


@dataclass(frozen=True)
class TechniqueOptions:
    """Of every technique. Probabilities are per clip, or per layer where it says so; ranges are drawn uniformly."""

    resolution: int = 512  # side of the frames; these three are set by the data section
    seq_length: int = 4
    trimap: bool = False

    motion_span: tuple[int, int] = (0, 26)  # frames of the whole movement, see `motion.draw_clock`
    random_start: bool = True
    pause: float = 0.03
    aspect: tuple[float, float] = (0.9, 1.1)
    border: Literal["mirror", "black"] = "mirror"  # what lies beyond the picture of a face or a background

    flip: float = 0.5  # per layer
    jitter: float = 0.3  # colour jitter, per layer
    saturation_bug: bool = False
    noise: float = 0.0  # see `augmentations` for this one and those below
    sharpen: float = 0.0
    blur: float = 0.0
    grey: float = 0.0
    jpeg: float = 0.0
    camera: Camera = OFF  # the whole of a camera, see `data_pipeline.camera`; after all of the above


@dataclass(frozen=True)
class OcclusionOptions(TechniqueOptions):
    """Of the techniques that put occluders before a face."""

    occlusion: float = 0.8  # probability of an occluder
    occluders: tuple[int, int] = (1, 1)  # how many at once, both ends included
    trajectory: Literal["natural", "affine"] = "natural"  # by the occluder's category, or RVM's moving affine
    visits: float = 0.5  # probability that a natural occluder comes and goes, in place of being there all along
    label: Literal["multiply", "subtract", "opaque"] = "multiply"  # see `scene.draw_occluder`
    move_face: float = 0.15  # probabilities of a movement: of the face alone, of face and occluder as one
    move_both: float = 0.15
    camera_motion: bool = True  # the movement of both comes last, as a camera's; else before each layer's static affine
    face_scale: tuple[float, float] = (1.0, 1.5)
    face_template: float = 0.0  # probability that the face lies in the frame as in the crop of a face program
    face_templates: tuple[str, ...] = tuple(TEMPLATES)  # those to draw from
    motion_blur: float = 0.0  # probability of a shutter that stays open while the layers move

    def __post_init__(self) -> None:
        for name in self.face_templates:
            template_points(name)  # a mistake shows now
