"""Shapes without a name: textured blobs, and smoke."""

import cv2
import numpy as np

from data_pipeline.drawn import palette, textures
from data_pipeline.drawn.canvas import Canvas, Surface
from data_pipeline.drawn.curves import Fit, closed
from data_pipeline.drawn.fields import Light, grid, noise


def blob(rng: np.random.Generator, canvas: Canvas) -> None:
    """Draws a random closed shape under a random texture, flat or with relief, its edge sharp or out of focus."""
    count = int(rng.integers(4, 13))
    angle = np.sort(rng.uniform(0, 2 * np.pi, count) * 0.35 + np.arange(count) * 2 * np.pi / count * 0.9)
    radius = rng.uniform(0.35, 1.0, count)
    corners = np.stack([np.cos(angle), np.sin(angle) * rng.uniform(0.55, 1)], 1) * radius[:, None]
    shape = closed(corners, 8) if rng.random() < 0.75 else corners
    outline = Fit(shape, rng.uniform(0, np.pi), margin=0.06)(shape)
    rng.random()  # of no use: keeps what is drawn after it as it was, when the outline had a coin of its own
    surface = textures.draw(rng, materials=canvas.materials)
    if rng.random() < 0.6:
        light = Light.draw(rng)
        lit, _ = light.on(noise(rng, surface.shape[1], 4, 3, 0.5) * rng.uniform(0.1, 0.5), 1 / surface.shape[1])
        surface = surface * lit
    blur = rng.uniform(0.004, 0.02) if rng.random() < 0.3 else 0.0
    canvas.paint(canvas.cover(outline, blur=blur), Surface(surface), 1)


def smoke(rng: np.random.Generator, canvas: Canvas) -> None:
    """Draws smoke, steam or mist: turbulent density that thins out towards its edge, see-through everywhere."""
    n = 128
    x, y = grid((-1, -1, 1, 1), n)
    pull = rng.uniform(0.1, 0.45)
    shift = [(noise(rng, n, 3, 3) - 0.5) * n * pull for _ in range(2)]
    i = np.arange(n, dtype=np.float32)
    cloud = noise(rng, n, int(rng.integers(3, 6)), 5, 0.55)
    cloud = cv2.remap(cloud, i[None] + shift[0], i[:, None] + shift[1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    lean, slim = rng.uniform(-0.4, 0.4), rng.uniform(0.65, 1.1)
    reach = np.hypot((x - lean * y) / slim, y) + 0.6 * (noise(rng, n, 3, 2) - 0.5)
    frame = np.clip((1 - np.abs(x)) * 6, 0, 1) * np.clip((1 - np.abs(y)) * 6, 0, 1)
    envelope = np.clip(1.4 - 1.3 * reach, 0, 1) * frame
    density = np.clip((cloud - rng.uniform(0.25, 0.4)) * rng.uniform(3, 7), 0, None) * envelope
    alpha = 1 - np.exp(-density * rng.uniform(0.9, 2.2))
    grey = rng.uniform(0.55, 0.97)
    colour = (
        np.full(3, grey, np.float32) if rng.random() < 0.7 else palette.hsv(rng.random(), rng.uniform(0.1, 0.5), grey)
    )
    shade = 0.82 + 0.36 * cloud - 0.1 * y
    canvas.paint(canvas.everywhere(canvas.place(alpha)), Surface(colour[:, None, None] * shade), 1)
