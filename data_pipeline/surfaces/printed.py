"""Paper: packages with blocks, logos and pictures; pages, labels and handwriting."""

import cv2
import numpy as np

from data_pipeline.surfaces.colours import flat, mixed, natural, near, ramp, scheme, skin_like, strong
from data_pipeline.surfaces.light import relief, windows
from data_pipeline.surfaces.motifs import fill, outline, scatter, stamp
from data_pipeline.surfaces.noise import fractal, places, step, unit

_FONTS = (
    cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_DUPLEX, cv2.FONT_HERSHEY_COMPLEX, cv2.FONT_HERSHEY_TRIPLEX,
    cv2.FONT_HERSHEY_SCRIPT_SIMPLEX, cv2.FONT_HERSHEY_PLAIN,
)  # fmt: skip
_LETTERS = np.array(list("etaoinshrdlucmfwypvbgkjqxzETAOINSHRDLCUM0123456789&!%."))
_OFTEN = 1.0 / np.arange(6, 6 + len(_LETTERS))
_OFTEN /= _OFTEN.sum()


def words(rng: np.random.Generator, length: int) -> str:
    """Draws letters and spaces, as many as `length`."""
    letters = rng.choice(_LETTERS, length, p=_OFTEN)
    letters[rng.random(length) < 0.16] = " "
    return "".join(letters)


def _write(rng: np.random.Generator, sheet: np.ndarray, text: str, x: float, y: float, height: float) -> None:
    """Writes a line into a mask (n, n) uint8 with its baseline at x, y; `height` of a capital, in pixels."""
    font = _FONTS[int(rng.integers(len(_FONTS)))]
    thick = max(int(height * float(rng.choice([0.08, 0.14, 0.25]))), 1)
    scale = height / (10.0 if font == cv2.FONT_HERSHEY_PLAIN else 21.0)
    cv2.putText(sheet, text, (int(x), int(y)), font, scale, 255, thick, cv2.LINE_AA)


def _inked(picture: np.ndarray, sheet: np.ndarray, colour: np.ndarray) -> np.ndarray:
    """Prints a mask (n, n) uint8 in one colour."""
    return mixed(picture, colour, sheet * np.float32(1 / 255))


def page(rng: np.random.Generator, n: int) -> np.ndarray:
    """Draws a page, a letter, a newspaper, a label: lines of text with headings, rules and a picture."""
    paper = skin_like(rng) if rng.random() < 0.2 else near(rng, np.array([0.94, 0.92, 0.87], np.float32), 0.06)
    ink = near(rng, np.full(3, 0.12, np.float32), 0.3) if rng.random() < 0.75 else strong(rng) * 0.6
    if rng.random() < 0.15:
        paper, ink = ink, paper
    picture, sheet = flat(paper, n), np.zeros((n, n), np.uint8)
    y, size = rng.uniform(0, 0.1) * n, n * rng.uniform(0.012, 0.05)
    left, columns = rng.uniform(-0.1, 0.1) * n, int(rng.integers(1, 3))
    while y < n:
        heading = rng.random() < 0.12
        height = size * (rng.uniform(1.8, 3.5) if heading else 1)
        y += height * rng.uniform(1.7, 1.9)
        for column in range(1 if heading else columns):
            length = int(n / columns / height * (0.9 if rng.random() < 0.85 else rng.uniform(0.2, 0.9)))
            _write(rng, sheet, words(rng, max(length, 2)), left + column * n / columns, y, height)
        if rng.random() < 0.06:
            deep = rng.uniform(0.1, 0.3) * n
            part = picture[int(y) + 2 : int(y + deep), int(max(left, 0)) : int(n * rng.uniform(0.4, 1))]
            if part.size:
                part[:] = cv2.resize(photo(rng, 48), part.shape[1::-1])
            y += deep
    return _paper(rng, _inked(picture, sheet, ink))


def photo(rng: np.random.Generator, n: int) -> np.ndarray:
    """Draws what a printed picture might show, much simplified: sky, land, things."""
    _, y = places(n)
    a, b, c = (natural(rng) for _ in range(3))
    land = step(y + np.float32(0.08) * fractal(rng, n, 3, 0.8), rng.uniform(0.3, 0.8), 0.03)
    picture = mixed(ramp(unit(fractal(rng, n, 2, 0.7)), a, np.clip(a * 1.3, 0, 1)), b, land)
    for _ in range(int(rng.integers(1, 5))):
        x, top = rng.uniform(0, n, 2)
        stamp(picture, outline(rng, int(rng.integers(6))), x, top, rng.uniform(0.05, 0.3) * n, 0.0, c)
        c = natural(rng)
    return np.asarray(picture * (1 + 0.15 * fractal(rng, n, 4, 0.95))[..., None], np.float32)


def package(rng: np.random.Generator, n: int) -> np.ndarray:
    """Draws a wrapper, a box, a poster, a book cover: blocks, gradients, a logo, a picture, words, a bar code."""
    colours = scheme(rng, 5) if rng.random() < 0.7 else [strong(rng) for _ in range(5)]
    across, down = places(n)
    turn = rng.uniform(0, 2 * np.pi)
    t = np.clip(0.5 + (across - 0.5) * np.cos(turn) + (down - 0.5) * np.sin(turn), 0, 1)
    picture = ramp(t.astype(np.float32), colours[0], colours[0] if rng.random() < 0.5 else colours[1])
    if rng.random() < 0.25:
        scatter(rng, picture, colours[1:3], int(rng.integers(3, 7)))
    for colour in colours[1 : 1 + int(rng.integers(0, 4))]:
        box = rng.uniform(-0.2, 1.2, (2, 2)) * n
        corners = np.array([box[0], (box[1, 0], box[0, 1]), box[1], (box[0, 0], box[1, 1])])
        fill(picture, corners + rng.normal(0, 0.06 * n * (rng.random() < 0.4), (4, 2)), colour)
    if rng.random() < 0.35:
        low = (rng.uniform(0, 0.5, 2) * n).astype(int)
        side = int(n * rng.uniform(0.25, 0.5))
        picture[low[1] : low[1] + side, low[0] : low[0] + side] = cv2.resize(photo(rng, 64), (side, side))
    for _ in range(int(rng.integers(0, 3))):
        shape, size = outline(rng, int(rng.integers(6))), rng.uniform(0.08, 0.3) * n
        cx, cy = rng.uniform(0.1, 0.9, 2) * n
        stamp(picture, shape, cx, cy, size, rng.normal(0, 0.3), colours[3])
        stamp(picture, shape, cx, cy, size * 0.8, 0.0, colours[4])
    for colour in colours[1 : 1 + int(rng.integers(1, 4))]:
        sheet = np.zeros((n, n), np.uint8)
        for _ in range(int(rng.integers(1, 4))):
            x, y = rng.uniform(-0.1, 0.9, 2) * n
            _write(rng, sheet, words(rng, int(rng.integers(3, 14))), x, y, n * rng.uniform(0.02, 0.14))
        picture = _inked(picture, sheet, colour)
    if rng.random() < 0.25:
        bars = np.repeat(rng.integers(0, 2, 30), 2).astype(np.float32)[None, :, None]
        code = cv2.resize(np.repeat(bars, 3, 2), (n // 4, n // 8), interpolation=cv2.INTER_AREA)
        top, left = (int(v) for v in rng.integers(0, n - n // 4, 2))
        picture[top : top + n // 8, left : left + n // 4] = 0.08 + 0.87 * code
    return _paper(rng, picture)


def _paper(rng: np.random.Generator, picture: np.ndarray) -> np.ndarray:
    """Makes paper of a print: fibres, waves or creases, sometimes the gloss of a coating."""
    n = len(picture)
    picture = picture * (1 + 0.02 * fractal(rng, n, n / 4, 0.8))[..., None]
    kind = rng.random()
    if kind < 0.5:
        waves = fractal(rng, n, rng.uniform(1, 3), 0.4, rng.uniform(0.3, 3))
        picture = relief(rng, picture, waves, n * rng.uniform(0.005, 0.06))
    elif kind < 0.65:
        creases = np.abs(fractal(rng, n, 3, 0.5)) + np.abs(fractal(rng, n, 3, 0.5))
        picture = relief(rng, picture, creases, n * rng.uniform(0.01, 0.04))
    if rng.random() < 0.3:
        picture = picture + (windows(rng, n) * np.float32(rng.uniform(0.1, 0.5)))[..., None]
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), 0.5), np.float32)
