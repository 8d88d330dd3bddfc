"""Cloth: plain weave, twill and denim, plaid, knitwear, corduroy and terry, printed and embroidered fabrics."""

import cv2
import numpy as np

from data_pipeline.surfaces.colours import flat, mixed, natural, near, scheme, skin_like, strong
from data_pipeline.surfaces.light import relief
from data_pipeline.surfaces.motifs import stamped
from data_pipeline.surfaces.noise import fractal, places, step, unit, wobbled


def fabric(rng: np.random.Generator, n: int) -> np.ndarray:
    """Draws any cloth."""
    painter = (weave, weave, denim, plaid, plaid, knit, corduroy, printed_cloth, printed_cloth)[int(rng.integers(9))]
    return painter(rng, n)


def _woven(
    rng: np.random.Generator, n: int, warp: np.ndarray, weft: np.ndarray, float_over: int, depth: float
) -> np.ndarray:
    """Crosses threads of colours `warp` (k, 3) and `weft` (k, 3); `float_over` 1 is plain, 2 and 3 are twills."""
    count = len(warp)
    x, y = places(n)
    u, v = x * count, y * count
    i, j = u.astype(int), v.astype(int)
    over = (
        (i + j * (1 if float_over == 1 else -1)) % (float_over + 1) < max(float_over, 1)
        if float_over > 1
        else ((i + j) % 2 == 0)
    )
    up, across = np.abs(np.sin(np.pi * u)), np.abs(np.sin(np.pi * v))
    picture = np.where(over[..., None], warp[i[0]][None], weft[j[:, 0]][:, None])
    height = np.where(over, up, across) * (0.7 + 0.3 * np.where(over, across, up))
    shade = 1 - depth + depth * height + 0.06 * fractal(rng, n, count / 3, 0.9)
    return np.asarray(picture * shade[..., None], np.float32)


def _threads(rng: np.random.Generator, colours: np.ndarray, uneven: float) -> np.ndarray:
    """Makes the brightness of threads (k, 3) uneven."""
    return np.clip(colours * (1 + uneven * rng.standard_normal((len(colours), 1))), 0, 1).astype(np.float32)


def _folded(rng: np.random.Generator, picture: np.ndarray, depth: float) -> np.ndarray:
    """Lays a cloth in soft folds and pulls its threads a little."""
    n = len(picture)
    picture = wobbled(rng, picture, rng.uniform(0.002, 0.02))
    if rng.random() < 0.7:
        folds = fractal(rng, n, rng.uniform(1, 3), 0.45, rng.uniform(1, 4))
        picture = relief(rng, picture, folds, depth * n * rng.uniform(0.02, 0.09))
    return picture


def weave(rng: np.random.Generator, n: int) -> np.ndarray:
    """Draws linen, cotton, canvas, wool: two colours of threads, from coarse burlap to a fine shirt."""
    count = int(rng.integers(14, max(n // 3, 16)))
    warp = skin_like(rng) if rng.random() < 0.25 else natural(rng)
    weft = near(rng, warp, 0.15) if rng.random() < 0.7 else natural(rng)
    uneven = rng.uniform(0.02, 0.15)
    warps, wefts = (_threads(rng, np.tile(c, (count, 1)), uneven) for c in (warp, weft))
    return _folded(rng, _woven(rng, n, warps, wefts, int(rng.integers(1, 4)), rng.uniform(0.2, 0.6)), 1.0)


def denim(rng: np.random.Generator, n: int) -> np.ndarray:
    """Draws jeans: blue or black twill, worn light in places, with a seam."""
    count = int(rng.integers(n // 6, n // 3))
    blue = near(rng, np.array([0.16, 0.25, 0.42], np.float32) * float(rng.choice([0.5, 1.0, 1.7])), 0.12)
    warp, weft = np.tile(blue, (count, 1)), np.tile(near(rng, np.full(3, 0.75, np.float32)), (count, 1))
    picture = _woven(rng, n, _threads(rng, warp, 0.2), _threads(rng, weft, 0.1), 3, 0.4)
    picture = mixed(picture, picture * 0.5 + 0.3, unit(fractal(rng, n, 2, 0.8)) * np.float32(rng.uniform(0, 0.7)))
    if rng.random() < 0.4:
        at = int(rng.uniform(0.2, 0.8) * n)
        for line in (at, at + max(n // 24, 2)):
            for start in range(0, n, max(n // 18, 3)):
                end = start + max(n // 28, 2)
                cv2.line(picture, (line, start), (line, end), (0.75, 0.5, 0.2), max(n // 120, 1), cv2.LINE_AA)
        picture[:, at - 1 : at + 1] *= 0.6
    return _folded(rng, picture, 1.0)


def plaid(rng: np.random.Generator, n: int) -> np.ndarray:
    """Draws tartan, gingham, stripes: threads that change colour in a repeated order."""
    colours = scheme(rng, int(rng.integers(2, 5)))
    count = int(rng.integers(n // 6, n // 3))
    widths = rng.integers(1, max(count // 8, 3), int(rng.integers(2, 7)))
    sett = np.concatenate([np.tile(colours[int(rng.integers(len(colours)))], (w, 1)) for w in widths])
    sett = np.concatenate([sett, sett[::-1]])
    threads = np.tile(sett, (count // len(sett) + 1, 1))[:count]
    other = threads if rng.random() < 0.65 else np.tile(colours[0], (count, 1))
    picture = _woven(rng, n, _threads(rng, threads, 0.06), _threads(rng, other, 0.06), int(rng.integers(1, 4)), 0.3)
    return _folded(rng, picture, 1.0)


def knit(rng: np.random.Generator, n: int) -> np.ndarray:
    """Draws a jumper: columns of V-shaped stitches, plain, striped or with a pattern, some with cables."""
    columns = int(rng.integers(8, max(n // 9, 10)))
    x, y = places(n)
    u, v = x * columns, y * columns * np.float32(1.25)
    leg = np.abs(u % 1 - 0.5) * 2
    rows = v + leg * np.float32(0.6)
    height = np.sqrt(np.abs(np.sin(np.pi * rows))) * np.sqrt(np.abs(np.sin(np.pi * leg)))
    if rng.random() < 0.3:
        height = height + 1.5 * np.abs(np.sin(np.pi * u / int(rng.integers(3, 7))))
    j, i = np.maximum(rows, 0).astype(int), u.astype(int)
    colours = np.stack(scheme(rng, 3)) if rng.random() < 0.75 else np.stack([skin_like(rng)] * 3)
    period = int(rng.integers(4, 13))
    pattern = rng.choice(3, (period, period), p=[0.6, 0.25, 0.15])
    kind = rng.random()
    if kind < 0.5:
        pattern[:] = 0
    elif kind < 0.7:
        pattern[:] = pattern[:, :1]
    picture = colours[pattern[j % period, i[0][None] % period]]
    fuzz = 1 + 0.09 * fractal(rng, n, columns, 0.95)
    picture = picture * ((0.45 + 0.6 * np.minimum(height, 1)) * fuzz)[..., None]
    picture = relief(rng, picture.astype(np.float32), np.asarray(height, np.float32), n / columns * 0.12)
    return _folded(rng, picture, 0.6)


def corduroy(rng: np.random.Generator, n: int) -> np.ndarray:
    """Draws corduroy, ribs, terry, velvet or felt: pile in one colour."""
    colour = near(rng, natural(rng), 0.05)
    pile = fractal(rng, n, n / rng.uniform(4, 12), 0.8)
    height = pile * np.float32(0.6)
    if rng.random() < 0.6:
        x, _ = places(n)
        height = height + 2 * np.abs(np.sin(np.pi * x * int(rng.integers(8, max(n // 6, 10)))))
    nap = 1 + 0.12 * fractal(rng, n, 3, 0.7)
    picture = flat(colour, n) * (nap * (1 + 0.08 * pile))[..., None]
    return _folded(rng, relief(rng, picture, np.asarray(height, np.float32), rng.uniform(0.4, 1.2)), 1.0)


def printed_cloth(rng: np.random.Generator, n: int) -> np.ndarray:
    """Draws a printed fabric: flowers, dots, stripes, camouflage, batik."""
    kind = rng.random()
    if kind < 0.55:
        picture = stamped(rng, n)
    elif kind < 0.75:
        first, *colours = scheme(rng, 4) if rng.random() < 0.5 else [natural(rng) for _ in range(4)]
        picture = flat(first, n)
        for colour in colours:
            picture = mixed(picture, colour, step(fractal(rng, n, rng.uniform(3, 7), 0.5), 0.6, 0.06))
    else:
        a, b, c = scheme(rng, 3)
        x, y = places(n)
        rate, width = rng.uniform(4, 24), rng.uniform(0.2, 0.8)
        picture = mixed(flat(a, n), b, step(np.abs((x * rate) % 1 - 0.5) * 2, width, 0.1) + np.zeros_like(y))
        if rng.random() < 0.4:
            picture = mixed(picture, strong(rng) * c, step(np.abs((y * rate) % 1 - 0.5) * 2, width, 0.1) + 0 * x)
    threads = n / rng.uniform(2.5, 5)
    x, y = places(n)
    grain = 1 + np.float32(0.08) * (np.sin(2 * np.pi * threads * x) + np.sin(2 * np.pi * threads * y))
    return _folded(rng, np.asarray(picture * grain[..., None], np.float32), 1.0)
