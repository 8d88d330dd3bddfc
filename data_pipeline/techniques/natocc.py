"""Naturalistic occlusions after NatOcc (Voo et al. 2022): hands and objects in the colours of the face's picture.

Hands take the complexion of the face by sliced optimal transport; the alpha is drawn in by a pixel and softened, so
that no rim of the old background shows. Presets of `NatOccOptions`:

- `repaired`, the default: occluders move as what they are (`trajectories`): a hand reaches in from outside, its
  fingers on the face; the alpha is mask × (1 − occluder).
- `verbatim`: any occluder at any point of the face with its upper side outward, moved by an affine; mask − occluder.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatch

import cv2
import numpy as np

from data_pipeline.motion import Affine, affine_matrix
from data_pipeline.sources.base import Picture, Video
from data_pipeline.techniques.augmentations import Clip
from data_pipeline.techniques.colour_transfer import transfer_colours
from data_pipeline.techniques.layers import crop, occluder_layer, stills
from data_pipeline.techniques.options import OcclusionOptions
from data_pipeline.techniques.scene import close_scene, draw_occluder, open_scene
from data_pipeline.techniques.technique import Technique
from data_pipeline.techniques.trajectories import draw_trajectory, kind_of, reach, wear

_HOLDING = "*hand_with_*"  # what these hands hold has colours of its own, which would be shifted with theirs
_LEAST_LEFT = 0.7  # of an alpha that edges were taken from


@dataclass(frozen=True)
class NatOccOptions(OcclusionOptions):
    """Options of the technique, besides those that all have."""

    colour_transfer: float = 1.0  # probability that a hand takes the face's colours
    transfer_all: bool = False  # whether objects take them, too
    edges: bool = True  # whether alphas are drawn in and softened
    area: tuple[float, float] = (0.5, 1.0)  # the occluder's bounding box over that of the face
    distort: float = 0.7  # probability of a static affine (scale 0.8..1.2, ±15 degrees, shear ±8) of what nothing holds
    jitter: float = 0.5
    noise: float = 0.05
    blur: float = 0.02
    motion_blur: float = 0.3
    jpeg: float = 0.2


def synthesize(
    face: Picture | Video, occluders: Sequence[Picture], rng: np.random.Generator, options: NatOccOptions
) -> Clip:
    """Makes a clip; arguments and result are those of `published.synthesize`."""
    scene = open_scene(face, rng, options)
    for occluder in occluders:
        rgb, alpha = crop(occluder.rgb, occluder.alpha, options.resolution)
        kind = kind_of(occluder.category)
        takes_colours = options.transfer_all or (kind is reach and not fnmatch(occluder.category.lower(), _HOLDING))
        if rng.random() < options.colour_transfer and takes_colours:
            rgb = transfer_colours(rgb, alpha, stills(face)[0].rgb, stills(face)[0].alpha, rng)
        if options.edges:
            alpha = soften(alpha)
        layer = occluder_layer(rgb, alpha)
        placed = draw_trajectory(rng, scene, layer, occluder.category, options, options.area)
        path = placed.path
        stays_in_place = options.trajectory == "natural" and kind in (reach, wear)
        if rng.random() < options.distort and not stays_in_place:
            path = path @ _distortion(rng, placed.layer.outline)
        draw_occluder(scene, placed.layer, path, rng, options, opacity=placed.opacity)
    return close_scene(scene, rng, options)


TECHNIQUE = Technique(
    synthesize,
    {
        "repaired": NatOccOptions(),
        "verbatim": NatOccOptions(trajectory="affine", label="subtract", motion_blur=0.0, noise=0.0),
    },
    benchmark={
        "hands": ("*hand*", "arm", "arms", "hiu*", "11k*"),
        "objects": (
            "mug",
            "cup",
            "phone",
            "book",
            "microphone",
            "leaf",
            "*glasses",
            "eyewear",
            "mask",
            "scarf",
            "hat",
            "object",
        ),
    },
)


def soften(alpha: np.ndarray) -> np.ndarray:
    """Draws an alpha (h, w) in by a pixel and softens its edge, inside of what it was; the picture's border stays cut.

    Nets and wires, of which that would leave little, stay as they are.
    """
    wide = cv2.copyMakeBorder(alpha, 4, 4, 4, 4, cv2.BORDER_REPLICATE)
    wide = cv2.GaussianBlur(cv2.erode(wide, np.ones((3, 3), np.uint8)), (5, 5), 0)
    softened = cv2.min(wide[4:-4, 4:-4], alpha)
    return softened if cv2.sumElems(softened)[0] > _LEAST_LEFT * cv2.sumElems(alpha)[0] else alpha


def _distortion(rng: np.random.Generator, outline: np.ndarray) -> np.ndarray:
    """An affine about the middle of the outline (N, 2)."""
    affine = Affine(rng.uniform(-15, 15), 0, 0, rng.uniform(0.8, 1.2), rng.uniform(-8, 8))
    matrix = affine_matrix(affine, 0)
    x, y = (outline.min(axis=0) + outline.max(axis=0)) / 2
    matrix[:2, 2] = (x, y) - matrix[:2, :2] @ (x, y)
    return matrix
