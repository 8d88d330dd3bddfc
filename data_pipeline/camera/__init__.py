"""What a camera, its software and a video file do to a clip: light, lens, sensor, sharpening, compression.

Each effect is a plain function `(clip, rng, …) -> clip` on uint8 (T, H, W, 3), RGB; `apply` draws which a clip gets.
"""

from data_pipeline.camera.settings import OFF, Camera, read_camera
from data_pipeline.camera.shooting import apply, apply_all

__all__ = ["OFF", "Camera", "apply", "apply_all", "read_camera"]
