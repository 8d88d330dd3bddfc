"""The relief and the complexion of a face, as small fields over the head: what light falls on."""

import numpy as np

from data_pipeline.drawn import palette
from data_pipeline.drawn.fields import Light, grid, noise, tinted
from data_pipeline.drawn.pose import Build, Pose

BOX = (-1.05, -1.2, 1.05, 1.3)
_N = 112


def _bumps(pose: Pose, rows: list[tuple[float, float, float, float]]) -> tuple[np.ndarray, np.ndarray]:
    """Gaussians at (x, y, sigma x, sigma y) of the face, which are products of a profile down and one across (k, n)."""
    table = np.array(rows, np.float32)
    centre = pose.turn(table[:, :2]).astype(np.float32)
    x, y = grid(BOX, _N)
    along_x = np.exp(-0.5 * ((x - centre[:, :1]) / table[:, 2:3]) ** 2)
    along_y = np.exp(-0.5 * ((y.T - centre[:, 1:]) / table[:, 3:]) ** 2)
    return along_y, along_x


def _sum(pose: Pose, rows: list[tuple[float, float, float, float, float]]) -> np.ndarray:
    """The sum of Gaussians (amount, x, y, sigma x, sigma y) as one matrix product."""
    along_y, along_x = _bumps(pose, [row[1:] for row in rows])
    amounts = np.array([row[0] for row in rows], np.float32)[:, None]
    return np.asarray((along_y * amounts).T @ along_x)


def _pair(amount: float, x: float, y: float, sx: float, sy: float) -> list[tuple[float, float, float, float, float]]:
    return [(amount, x, y, sx, sy), (amount, -x, y, sx, sy)]


def relief(build: Build, pose: Pose) -> np.ndarray:
    """Returns the height of the face towards the viewer, in head units."""
    x, y = grid(BOX, _N)
    turn = np.float32(np.sin(pose.yaw))
    r = ((x - 0.12 * turn) / (build.width * 1.12)) ** 2 + ((y + 0.02) / 1.13) ** 2
    skull = 0.62 * np.sqrt(np.maximum(1 - r, 0) + 0.06) - 0.25 * np.maximum(r - 1, 0)
    # The front of the head points where the yaw and pitch turn it.
    skull += 0.35 * turn * x - 0.35 * np.float32(np.sin(pose.pitch)) * -y
    e, n, m = build.eye_gap, build.nose_width, build.mouth_width
    tip = build.nose_length
    return skull + _sum(
        pose,
        [
            (0.06, 0, tip * 0.35, 0.03 + n * 0.36, 0.2), (0.08, 0, tip - 0.03, n * 0.66, 0.09),
            *_pair(0.045, n * 0.78, tip + 0.01, n * 0.3, 0.05),
            (-0.03, 0, -0.08, 0.07, 0.06),
            *_pair(-0.07, e - 0.02, -0.03, 0.15, 0.09), *_pair(0.035, e, -0.03, 0.1, 0.055),
            *_pair(0.022 + 0.02 * build.masculine, e - 0.04, -0.2, 0.16, 0.05),
            *_pair(0.04, 0.42, 0.26, 0.14, 0.13),
            (0.035, 0, 0.62, m * 1.0, 0.16), (0.022 * build.lips, 0, 0.595, m * 0.6, 0.026),
            (0.03 * build.lips, 0, 0.685, m * 0.5, 0.034), (-0.03, 0, 0.77, m * 0.6, 0.035),
            (-0.012, 0, 0.52, 0.025, 0.05), *_pair(-0.015, m + 0.02, 0.64, 0.04, 0.05),
            (0.035, 0, 0.89, 0.12 * build.chin, 0.075),
            *_pair(-0.012 - 0.015 * build.mature, 0.3, 0.5, 0.06, 0.14),
        ],
    ).astype(np.float32)  # fmt: skip


def complexion(rng: np.random.Generator, tone: palette.Colour, build: Build, pose: Pose) -> np.ndarray:
    """Returns the colour of the skin (3, n, n): redder cheeks, nose and lids, mottling, sometimes freckles."""
    flush = rng.uniform(0.3, 1.0)
    tip = build.nose_length
    red = _sum(
        pose,
        [*_pair(0.55, 0.4, 0.3, 0.17, 0.14), (0.5, 0, tip - 0.02, 0.12, 0.08),
         *_pair(0.3, build.eye_gap, 0.03, 0.14, 0.05), (0.25, 0, 0.88, 0.14, 0.08), (0.2, 0, -0.45, 0.4, 0.15)],
    )  # fmt: skip
    tired = _sum(pose, _pair(rng.uniform(0.1, 0.35) + 0.2 * build.mature, build.eye_gap - 0.02, 0.085, 0.1, 0.04))
    planes = np.broadcast_to(tone[:, None, None], (3, _N, _N))
    planes = tinted(planes, tone * (1.0, 0.76, 0.74), red * flush * 0.8)
    planes = tinted(planes, tone * (0.72, 0.66, 0.72), tired)
    mottle = noise(rng, _N, 9, 4, 0.75) - 0.5
    planes = planes * (1 + mottle * np.array([0.07, 0.1, 0.11], np.float32)[:, None, None])
    if rng.random() < 0.15:
        dots = np.maximum(noise(rng, _N, 64, 1) - rng.uniform(0.7, 0.85), 0) * 3
        where = _sum(pose, [*_pair(0.9, 0.34, 0.25, 0.2, 0.13), (0.9, 0, 0.2, 0.2, 0.12), (0.4, 0, -0.3, 0.4, 0.2)])
        planes = tinted(planes, tone * (0.68, 0.5, 0.4), np.minimum(dots * where, 0.35))
    return planes.astype(np.float32)


def shading(build: Build, pose: Pose, light: Light) -> tuple[np.ndarray, np.ndarray]:
    """Returns illumination (3, n, n) and highlight (n, n) of the face."""
    height = relief(build, pose)
    return light.on(height, (BOX[2] - BOX[0]) / _N, translucency=0.8)
