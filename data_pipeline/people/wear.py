"""What people wear on the head: glasses, masks, hats, hoods, scarves and headphones, made to measure."""

from collections.abc import Callable

import numpy as np

from data_pipeline.people.assets import load_assets
from data_pipeline.people.atlas import Texture, texture
from data_pipeline.people.body import Body
from data_pipeline.people.colour import muted_colour, to_linear
from data_pipeline.people.eyes import Eyes
from data_pipeline.people.geometry import Floats, floats, rotation_x, rotation_y, smoothstep, triangles_of, vector
from data_pipeline.people.layout import TEXTURES, mesh_layout
from data_pipeline.people.regions import Region
from data_pipeline.people.surfaces import plain_surface, surface
from data_pipeline.people.things import Part, Thing, lathe, moved, sheet, tube

Maker = Callable[[np.random.Generator, Body, float], Thing]
_FABRICS = ("fabric", "fabric", "leather", "print", "fur")


def glasses(rng: np.random.Generator, body: Body, hair: float) -> Thing:
    """Glasses with clear lenses."""
    return _eyewear(rng, body, dark=False)


def sunglasses(rng: np.random.Generator, body: Body, hair: float) -> Thing:
    """Glasses with dark lenses."""
    return _eyewear(rng, body, dark=True)


def mask(rng: np.random.Generator, body: Body, hair: float) -> Thing:
    """Makes a medical mask, over the nose or, now and then, under it."""
    assets, layout = load_assets(), mesh_layout()
    base = assets.positions[assets.mesh_vertex]
    top = float(rng.choice([rng.uniform(7.05, 7.18), rng.uniform(6.80, 6.88)], p=[0.8, 0.2]))
    quads = assets.quads_of("head")
    quads = quads[(layout.texture[quads] == TEXTURES.index("head")).all(1)]
    x, y, z = base[:, 0], base[:, 1], base[:, 2]
    inside = (y < top - 0.22 * np.abs(x)) & (y > 6.14) & (z > 0.62) & (np.abs(x) < 0.78)
    quads = quads[inside[quads].all(1)]
    corners, inverse = np.unique(quads, return_inverse=True)
    rest = body.positions[assets.mesh_vertex[corners]]
    normals = body.normals[assets.mesh_vertex[corners]]
    faces = inverse.reshape(-1, 4)
    smooth = _relaxed((rest + normals * 0.07).astype(np.float32), faces, 26)
    sunk = 0.045 - np.einsum("ij,ij->i", smooth - rest, normals)
    smooth += normals * np.maximum(sunk, 0)[:, None]
    # The upper row of vertices is moved onto the edge, which is else a stair.
    under = (top - 0.22 * np.abs(x) - y)[corners]
    smooth[:, 1] += np.where(under < 0.07, under, 0) * body.scale
    if rng.random() < 0.65:
        colour = vector(*[(0.45, 0.68, 0.82), (0.92, 0.93, 0.94), (0.06, 0.06, 0.07)][int(rng.integers(3))])
        cloth = plain_surface(rng, 96, colour, 0.03)
        cloth[::12] *= 0.86  # folds
    else:
        cloth = surface(rng, 96, "fabric", "print")
    span = np.ptp(rest[:, :2], axis=0)
    places = (rest[:, :2] - rest[:, :2].min(0)) / span
    skin = texture(cloth, Region.WEAR, height=0.5, gloss=0.05, translucency=0.15)
    shell = Part(
        smooth - rest,
        triangles_of(faces),
        np.stack([places[:, 0], 1 - places[:, 1]], 1),
        skin,
        None,
        corners.astype(np.int32),
    )
    return Thing("mask", (shell,), "skin")


def beanie(rng: np.random.Generator, body: Body, hair: float) -> Thing:
    """Makes a knitted hat, pulled down to anywhere between the hairline and the brows."""
    brim = float(rng.uniform(0.95, 1.22))
    dome = _dome(body, 0.05 + hair, brim, tilt=float(rng.uniform(-0.35, -0.15)), peak=float(rng.uniform(0.0, 0.25)))
    cloth = _cloth(rng, Region.WEAR, *_FABRICS)
    rim = dome[-3:].copy()
    rim = body.skull.centre + (rim - body.skull.centre) * 1.05
    return Thing("beanie", (sheet(dome, cloth, closed=True), sheet(rim, cloth, closed=True)), "head")


def cap(rng: np.random.Generator, body: Body, hair: float) -> Thing:
    """Makes a cap with a visor, sometimes worn backwards."""
    tilt, brim = float(rng.uniform(-0.25, -0.05)), float(rng.uniform(0.92, 1.1))
    dome = _dome(body, 0.06 + hair, brim, tilt, peak=0.06)
    cloth = _cloth(rng, Region.WEAR, "fabric", "leather", "print")
    backwards = rng.random() < 0.15
    columns = dome.shape[1]
    front = columns // 2 + (columns // 2 if backwards else 0)
    span = np.arange(-columns // 6, columns // 6 + 1)
    edge = dome[-1, (front + span) % columns]
    outwards = (edge - body.skull.centre) * vector(1, 0, 1)
    outwards /= np.linalg.norm(outwards, axis=1, keepdims=True)
    reach = float(rng.uniform(0.5, 0.75)) * np.cos(span / (columns / 6) * np.pi / 2) ** 0.7
    forward = vector(0, -0.34, -1 if backwards else 1)
    steps = np.linspace(0, 1, 6)[:, None, None]
    visor = edge + steps * (outwards * 0.25 + forward * 0.85) * reach[None, :, None]
    visor[..., 1] -= 0.12 * (steps[..., 0] ** 2) * np.abs(span / (columns / 6))[None] ** 2
    return Thing("cap", (sheet(dome, cloth, closed=True), sheet(visor.astype(np.float32), cloth)), "head")


def hat(rng: np.random.Generator, body: Body, hair: float) -> Thing:
    """Makes a hat with a brim all around."""
    tilt, brim = float(rng.uniform(-0.2, -0.05)), float(rng.uniform(0.9, 1.05))
    dome = _dome(body, 0.07 + hair, brim, tilt, peak=float(rng.uniform(0.2, 0.5)))
    cloth = _cloth(rng, Region.WEAR, "fabric", "leather", "fur")
    edge = dome[-1]
    outwards = edge - body.skull.centre
    outwards[:, 1] = 0
    outwards /= np.linalg.norm(outwards, axis=1, keepdims=True)
    width, droop = float(rng.uniform(0.4, 0.9)), float(rng.uniform(-0.1, 0.45))
    steps = np.linspace(0, 1, 5)[:, None, None]
    rim = edge + steps * outwards * width - vector(0, 1, 0) * (steps**2 * droop * width)
    return Thing("hat", (sheet(dome, cloth, closed=True), sheet(rim.astype(np.float32), cloth, closed=True)), "head")


def hood(rng: np.random.Generator, body: Body, hair: float) -> Thing:
    """Makes a hood or a headscarf, round the head and down to the shoulders."""
    loose = float(rng.uniform(0.06, 0.22)) + hair
    rows, columns = 15, 44
    turn = np.linspace(-2.55, 2.55, columns)[None]  # about the line of sight, 0 at the top
    back = np.linspace(float(rng.uniform(1.0, 1.3)), np.pi - 0.05, rows)[:, None]  # from the rim to the back
    directions = np.stack(
        np.broadcast_arrays(np.sin(back) * np.sin(turn), np.sin(back) * np.cos(turn), np.cos(back)), -1
    )
    points = _above_skull(body, directions.reshape(-1, 3), loose).reshape(rows, columns, 3)
    low = smoothstep(1.3, 2.5, np.abs(turn))[..., None]
    points = points + low * vector(0, -0.25, 0.05) + low * np.sign(turn)[..., None] * vector(0.05, 0, 0)
    return Thing(
        "hood",
        (sheet(points.astype(np.float32), _cloth(rng, Region.WEAR, "fabric", "fabric", "print", "fur")),),
        "head",
    )


def scarf(rng: np.random.Generator, body: Body, hair: float) -> Thing:
    """Makes a scarf in loops about the neck, up to the chin or over the mouth."""
    cloth = _cloth(rng, Region.WEAR, "fabric", "fabric", "fur", "print")
    centre = body.neck + vector(0, 0, 0.35)
    height, parts = float(rng.choice([rng.uniform(0.0, 0.35), rng.uniform(0.6, 0.95)], p=[0.6, 0.4])), []
    for loop in range(3):
        angles = np.linspace(0, 2 * np.pi, 33)[:-1]
        wide = 0.86 - 0.05 * loop + 0.04 * np.sin(angles * 3 + rng.uniform(0, 6))
        y = -0.15 + height * loop / 2 + 0.08 * np.sin(angles * 2 + rng.uniform(0, 6))
        line = centre + np.stack([wide * np.sin(angles), y, wide * np.cos(angles)], 1)
        thick = 0.24 * (1 + 0.2 * np.sin(angles * 5 + rng.uniform(0, 6)))
        parts.append(tube(line.astype(np.float32), np.append(thick, thick[0]), cloth, 12, closed=True))
    return Thing("scarf", tuple(parts), "body")


def headphones(rng: np.random.Generator, body: Body, hair: float) -> Thing:
    """Headphones with a band over the head."""
    colour = muted_colour(rng, 0.03, 0.9, 0.4)
    shell = texture(plain_surface(rng, 48, colour), Region.WEAR, gloss=float(rng.uniform(0.1, 0.8)))
    angles = np.linspace(-1.75, 1.75, 25)
    directions = np.stack([np.sin(angles), np.cos(angles), np.full(25, -0.12)], 1).astype(np.float32)
    band = _above_skull(body, directions, 0.08 + hair)
    ears = [body.landmark(vector(side * 0.85, 7.1, 0.45)) + body.head for side in (1, -1)]
    size = float(rng.uniform(0.28, 0.42))
    cups = []
    for side, ear in zip((1, -1), ears, strict=True):
        cushion = lathe([(-0.12, size * 0.75), (-0.1, size), (0.1, size), (0.18, size * 0.85), (0.2, 0.0)], shell)
        cups.append(moved(cushion, rotation_y(side * np.pi / 2), ear + vector(side * 0.06, 0, 0)))
    return Thing("headphones", (tube(band, 0.07, shell), *cups), "head")


WEAR: dict[str, tuple[Maker, float]] = {
    "glasses": (glasses, 0.13),
    "sunglasses": (sunglasses, 0.05),
    "mask": (mask, 0.06),
    "beanie": (beanie, 0.03),
    "cap": (cap, 0.05),
    "hat": (hat, 0.025),
    "hood": (hood, 0.03),
    "scarf": (scarf, 0.03),
    "headphones": (headphones, 0.035),
}
# What does not fit over much hair.
_TIGHT = ("beanie", "cap", "hat", "hood", "headphones")
_MOST_HAIR = 0.23  # decimetres


def draw_wear(rng: np.random.Generator, hair: float) -> list[str]:
    """Draws the names of what someone wears, whose hair stands off the head by `hair` decimetres."""
    chosen = [name for name, (_, share) in WEAR.items() if rng.random() < share]
    for others in (("glasses", "sunglasses"), ("beanie", "cap", "hat", "hood", "headphones")):
        extra = [name for name in chosen if name in others][1:]
        chosen = [name for name in chosen if name not in extra]
    return [name for name in chosen if hair <= _MOST_HAIR or name not in _TIGHT]


def _eyewear(rng: np.random.Generator, body: Body, dark: bool) -> Thing:
    eyes = Eyes(body)
    shape, width, height = float(rng.uniform(2.0, 4.5)), float(rng.uniform(0.24, 0.29)), float(rng.uniform(0.16, 0.25))
    width, height = width * body.scale, height * body.scale
    metal = rng.random() < 0.4
    thickness = float(rng.uniform(0.010, 0.016) if metal else rng.uniform(0.018, 0.038))
    colour = muted_colour(rng, 0.02, 0.25, 0.6) if rng.random() < 0.7 else muted_colour(rng, 0.2, 0.8, 0.8)
    frame = texture(plain_surface(rng, 32, colour), Region.GLASSES, gloss=0.9 if metal else 0.5)
    front = max(
        float((body.landmark(floats(point)) + body.head)[2])
        for point in ((0, 7.22, 1.55), (0.3, 7.46, 1.45), (-0.3, 7.46, 1.45))
    )
    parts, inner, outer = [], [], []
    for side, centre in zip((1, -1), eyes.centres, strict=True):
        angles = np.linspace(0, 2 * np.pi, 37)[:-1]
        cos, sin = np.cos(angles), np.sin(angles)
        x = np.sign(cos) * np.abs(cos) ** (2 / shape) * width
        y = np.sign(sin) * np.abs(sin) ** (2 / shape) * height
        z = front + 0.05 - 0.22 * np.maximum(0, side * x / width) ** 2 * width
        outline = np.stack([centre[0] + side * 0.02 + x, centre[1] - 0.03 + y, z], 1).astype(np.float32)
        parts.append(tube(outline, thickness, frame, 6, closed=True))
        middle = outline.mean(0)
        rings = middle + (outline - middle) * np.linspace(0.05, 1, 4)[:, None, None] + vector(0, 0, 0.01)
        tint = to_linear(muted_colour(rng, 0.01, 0.12, 0.6))
        lens = texture(np.ones((8, 8, 3), np.float32) * tint, Region.LENS, gloss=1.0)
        glass = sheet(rings.astype(np.float32), lens, closed=True)
        parts.append(
            glass
            if dark
            else Part(glass.vertices, glass.triangles, glass.places, glass.texture, glass.normals, pane=True)
        )
        inner.append(outline[np.argmin(side * outline[:, 0])])
        outer.append(outline[np.argmax(side * outline[:, 0])])
    t = np.linspace(0, 1, 7)[:, None]
    bridge = inner[0] * (1 - t) + inner[1] * t + np.sin(t * np.pi) * vector(0, 0.03, 0.03)
    parts.append(tube(bridge.astype(np.float32), thickness, frame, 6))
    for side, hinge in zip((1, -1), outer, strict=True):
        ear = body.landmark(vector(side * 0.80, 7.38, 0.5)) + body.head + vector(side * 0.05, 0.03, 0)
        knee = hinge * 0.9 + ear * 0.1 + vector(side * 0.05, 0, 0)
        line = np.stack([hinge, knee, ear, ear + vector(0, -0.22, -0.15)])
        parts.append(tube(line.astype(np.float32), thickness, frame, 6))
    return Thing("sunglasses" if dark else "glasses", tuple(parts), "head")


def _dome(body: Body, offset: float, brim: float, tilt: float, peak: float) -> Floats:
    """A grid (rows, columns, 3) over the skull, from the crown to `brim` radians from it; tilted back if negative."""
    rows, columns = 12, 48
    polar = np.linspace(0.02, brim + 0.35, rows)[:, None]
    around = np.linspace(-np.pi, np.pi, columns + 1)[None, :-1]
    directions = np.stack(
        np.broadcast_arrays(np.sin(polar) * np.sin(around), np.cos(polar), np.sin(polar) * np.cos(around)), -1
    )
    directions = directions.reshape(-1, 3).astype(np.float32) @ rotation_x(tilt).T
    points = _above_skull(body, directions, offset).reshape(rows, columns, 3)
    points[..., 1] += peak * (1 - smoothstep(0.0, 1.0, polar / brim)) ** 1.5
    return points


def _above_skull(body: Body, directions: Floats, offset: float) -> Floats:
    """Points (n, 3) in these directions from the middle of the skull, `offset` decimetres above it."""
    unit = directions / np.linalg.norm(directions, axis=1, keepdims=True)
    _, radius, _ = body.skull.locate((body.skull.centre + unit).astype(np.float32))
    return floats(body.skull.centre + unit * (radius + offset)[:, None])


def _relaxed(points: Floats, quads: np.ndarray, times: int) -> Floats:
    """Smooths a mesh, its border kept: each point moves to the mean of its neighbours."""
    edges = np.concatenate([quads[:, [a, (a + 1) % 4]] for a in range(4)])
    keys, counts = np.unique(np.sort(edges, 1), axis=0, return_counts=True)
    border = np.unique(keys[counts == 1])
    both = np.concatenate([keys, keys[:, ::-1]])
    degree = np.bincount(both[:, 0], minlength=len(points))[:, None]
    kept = points[border].copy()
    for _ in range(times):
        total = [np.bincount(both[:, 0], points[both[:, 1], axis], len(points)) for axis in range(3)]
        points = (0.5 * points + 0.5 * np.stack(total, 1) / degree).astype(np.float32)
        points[border] = kept
    return points


def _cloth(rng: np.random.Generator, region: Region, *kinds: str) -> Texture:
    if rng.random() < 0.5:
        colour = plain_surface(rng, 96, muted_colour(rng, 0.04, 0.9, 0.5), 0.08)
        colour *= 1 + 0.12 * rng.standard_normal((96, 96, 1), dtype=np.float32)
    else:
        colour = surface(rng, 96, *kinds)
    relief = 0.5 + 0.06 * rng.standard_normal((96, 96), dtype=np.float32)
    return texture(np.clip(colour, 0, 1), region, height=relief, gloss=0.05)
