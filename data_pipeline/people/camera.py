"""Where the camera is, what it frames, and what its film does to light."""

from dataclasses import dataclass

import cv2
import numpy as np

from data_pipeline.people.colour import to_bytes, to_srgb
from data_pipeline.people.geometry import Bytes, Floats, floats, look_at, rotation_x, rotation_z, vector


@dataclass(frozen=True)
class Camera:
    """Looks at the head.

    Attributes:
        distance: from the head joint, in decimetres.
        half: half the height, in decimetres, of what is seen at that distance.
        x, y: where it looks, from the head joint.
        elevation: radians, positive from above.
        roll: radians.
        blur: standard deviation of the lens's blur, in pixels of a frame of 512.
        noise: standard deviation of the sensor's noise at middle grey, 0 to 1.
    """

    distance: float = 10.0
    half: float = 1.9
    x: float = 0.0
    y: float = 0.25
    elevation: float = 0.0
    roll: float = 0.0
    blur: float = 0.5
    noise: float = 0.01

    def centre(self, head: Floats) -> Floats:
        """Returns the point (3,) that it looks at, for a head joint (3,)."""
        return head + vector(self.x, self.y, 0)

    def matrix(self, head: Floats) -> Floats:
        """Returns the world-to-camera matrix (4, 4) for a head joint (3,)."""
        matrix = look_at(rotation_x(-self.elevation) @ vector(0, 0, 1), self.centre(head), self.distance)
        tilt = np.eye(4, dtype=np.float32)
        tilt[:3, :3] = rotation_z(self.roll)
        return tilt @ matrix

    def place(self, head: Floats) -> Floats:
        """Returns where the camera is (3,)."""
        return self.centre(head) + rotation_x(-self.elevation) @ vector(0, 0, self.distance)


def draw_camera(rng: np.random.Generator) -> Camera:
    """Draws a framing between a close portrait and head with shoulders, and a lens between wide and long."""
    half = float(rng.uniform(1.15, 2.3))
    return Camera(
        distance=float(rng.uniform(4.5, 13)) * (0.6 + 0.2 * half),
        half=half,
        x=float(rng.normal(0, 0.10 * half)),
        y=float(0.30 + rng.normal(0, 0.12 * half) - 0.28 * max(0.0, half - 1.3)),
        elevation=float(rng.normal(0, 0.10)),
        roll=float(rng.normal(0, 0.03)),
        blur=draw_blur(rng),
        noise=float(rng.choice([rng.uniform(0.0, 0.012), rng.uniform(0.012, 0.04)], p=[0.7, 0.3])),
    )


def draw_blur(rng: np.random.Generator) -> float:
    """Draws how much a lens blurs, in pixels of a frame of 512²."""
    return float(rng.choice([rng.uniform(0.3, 0.8), rng.uniform(0.8, 1.8)], p=[0.75, 0.25]))


def develop(picture: Floats, exposure: float) -> Floats:
    """Maps linear light (h, w, 3) to sRGB values through an exposure and a tone curve with soft highlights."""
    exposed = picture * np.float32(exposure)
    exposed = exposed * (1 + 0.18 * exposed) / (1 + 0.75 * exposed) * 1.25
    return to_srgb(np.clip(exposed, 0, 1))


def lens_blur(picture: Floats, sigma: float) -> Floats:
    """Blurs a picture (h, w) or (h, w, c) by the lens; sigma in pixels."""
    return floats(cv2.GaussianBlur(picture, (0, 0), sigma)) if sigma > 0.2 else picture


def sensor(picture: Floats, noise: float, rng: np.random.Generator) -> Bytes:
    """Adds noise, stronger in the shadows, to sRGB values (h, w, 3) and rounds them to 8 bits."""
    if noise:
        grain = rng.standard_normal(picture.shape, dtype=np.float32)
        picture = picture + grain * np.float32(noise) * (np.float32(1.2) - np.float32(0.6) * picture)
    return to_bytes(picture)
