"""The surfaces of things and what lies behind people: one place to ask for them."""

import cv2
import numpy as np

from data_pipeline.people.colour import muted_colour, to_linear
from data_pipeline.people.geometry import Floats
from data_pipeline.people.noise import fractal_noise


def plain_surface(rng: np.random.Generator, side: int, colour: Floats, grain: float = 0.05) -> Floats:
    """Returns linear albedo (side, side, 3) of one sRGB colour with a little grain."""
    noise = fractal_noise(rng, side, side, side / 4, 4)
    return np.asarray(to_linear(colour) * (1 + grain * noise[..., None]), np.float32)


def printed_surface(rng: np.random.Generator, side: int) -> Floats:
    """Returns linear albedo (side, side, 3) of something printed: bands, dots, letters."""
    picture = np.ones((side, side, 3), np.float32) * muted_colour(rng, 0.08, 0.95, 0.6)
    ink = muted_colour(rng, 0.05, 0.95, 0.8)
    kind = int(rng.integers(0, 4))
    if kind == 0:
        for y in range(0, side, int(rng.integers(8, 40))):
            picture[y : y + int(rng.integers(2, 12))] = ink
    elif kind == 1:
        for _ in range(int(rng.integers(10, 60))):
            centre = tuple(int(v) for v in rng.integers(0, side, 2))
            cv2.circle(picture, centre, int(rng.integers(2, 9)), ink.tolist(), -1, cv2.LINE_AA)
    elif kind == 2:
        letters = np.zeros((side, side), np.uint8)
        text = "".join(chr(int(c)) for c in rng.integers(65, 91, int(rng.integers(3, 8))))
        cv2.putText(letters, text, (4, side // 2), cv2.FONT_HERSHEY_DUPLEX, side / 140, 255, 2, cv2.LINE_AA)
        share = letters[..., None] / np.float32(255)
        picture = picture * (1 - share) + ink * share
    picture *= 1 + 0.05 * fractal_noise(rng, side, side, side / 3, 4)[..., None]
    return to_linear(np.clip(picture, 0, 1))


def background(rng: np.random.Generator, height: int, width: int) -> Floats:
    """Returns what lies behind a person: linear colour (height, width, 3), out of focus."""
    top, bottom = muted_colour(rng, 0.05, 0.9, 0.3), muted_colour(rng, 0.05, 0.9, 0.3)
    down = np.linspace(0, 1, height, dtype=np.float32)[:, None, None]
    picture = np.ascontiguousarray(np.broadcast_to(top * (1 - down) + bottom * down, (height, width, 3)))
    for _ in range(int(rng.integers(0, 40))):
        colour = muted_colour(rng, 0.03, 0.97, 0.35)
        x, y = rng.uniform(-0.1, 1.1, 2) * (width, height)
        w, h = rng.uniform(0.03, 0.6, 2) * (width, height)
        kind = rng.random()
        if kind < 0.5:
            corners = (int(x - w / 2), int(y - h / 2)), (int(x + w / 2), int(y + h / 2))
            cv2.rectangle(picture, *corners, colour.tolist(), -1)
        elif kind < 0.75:
            axes = int(w / 2), int(h / 2)
            cv2.ellipse(picture, (int(x), int(y)), axes, float(rng.uniform(0, 180)), 0, 360, colour.tolist(), -1)
        else:
            ends = (int(x), int(y)), (int(x + w - h), int(y + h))
            cv2.line(picture, *ends, colour.tolist(), int(rng.integers(1, max(2, width // 20))))
    scale = float(rng.uniform(6, max(7, width / 3)))
    picture *= 1 + 0.12 * fractal_noise(rng, height, width, scale, 5, 0.6)[..., None]
    picture += 0.03 * fractal_noise(rng, height, width, scale * 2, 5, 0.6)[..., None] * muted_colour(rng, 0, 1, 1)
    picture = cv2.GaussianBlur(picture, (0, 0), float(height * rng.choice([rng.uniform(0.001, 0.004), rng.uniform(0.004, 0.05)])))
    return to_linear(np.clip(picture, 0, 1))
