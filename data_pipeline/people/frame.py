"""One frame: rasterised, lit, put before its background, with the exact masks of what is seen."""

from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np

from data_pipeline.people.atlas import Atlas
from data_pipeline.people.body import Body
from data_pipeline.people.camera import Camera, develop, lens_blur, sensor
from data_pipeline.people.colour import linear_of
from data_pipeline.people.geometry import Bytes, Floats, Ints, floats, look_at
from data_pipeline.people.light import Light
from data_pipeline.people.panes import add_panes
from data_pipeline.people.person import Person
from data_pipeline.people.posing import Pose, Posed, posed
from data_pipeline.people.rasterise import Canvas, depth_map, remap_points
from data_pipeline.people.regions import FACE, FLESH, Region
from data_pipeline.people.shade import Points, Shader, ShadowMap
from data_pipeline.people.strands import Strands, across
from data_pipeline.people.veils import Veil

_STRAND = 5000.0  # second attribute of strands, where other meshes have a pixel of the atlas
_MARK = 4000.0
_VEIL_THICK = 0.5  # decimetres
_SHADOW_HALF, _SHADOW_DISTANCE = 2.6, 40.0
_SHADOW_WIDER = 2.2  # strands that cast shadows stand for several
# Standard deviations (decimetres) of the light scattered in flesh, and how much of each channel goes that far.
_SCATTER = ((0.030, floats([0.45, 0.25, 0.12])), (0.012, floats([0.25, 0.25, 0.20])))


class Subject(Protocol):
    """Is what can be rendered: a `Person`, or an `Arm`; `body.head` is the point that the camera looks at."""

    body: Body
    atlas: Atlas
    strands: Strands


@dataclass(frozen=True)
class Scene:
    """Says what a frame is taken of, besides the person: light, what lies behind, and what the truth counts as face.

    Attributes:
        light: of the scene.
        background: linear colour, float32 (size, size, 3).
        exposure: factor from linear light to what the film sees.
        face: the regions of the alpha.
        lenses: whether clear lenses count as occluders.
        shadows: whether the key light casts any.
        sensor: whether lens blur and noise are added.
        veil: what is before the face and lets some of it through, if anything.
    """

    light: Light
    background: Floats
    exposure: float
    face: tuple[Region, ...] = FACE
    lenses: bool = False
    shadows: bool = True
    sensor: bool = True
    veil: Veil | None = None


@dataclass(frozen=True)
class Frame:
    """Holds a rendered frame.

    Attributes:
        rgb: uint8 (size, size, 3).
        alpha: float32 (size, size), the visible face.
        shares: float32 (size, size) of each region that is anywhere in the frame.
        depth: float32 (size, size), decimetres from the camera along its axis; infinite in the background.
    """

    rgb: Bytes
    alpha: Floats
    shares: dict[Region, Floats]
    depth: Floats


def render(
    person: Person, scene: Scene, camera: Camera, pose: Pose, size: int, rng: np.random.Generator, samples: int = 2
) -> Frame:
    """Renders a person.

    Args:
        person: who.
        scene: where.
        camera: from where.
        pose: doing what.
        size: side of the frame, in pixels.
        rng: draws the noise of the sensor.
        samples: a pixel's, along each side.
    """
    linear, shares, depth = expose(person, scene, camera, pose, size, samples)
    return finish(linear, shares, depth, scene, camera, rng)


def finish(
    linear: Floats, shares: dict[Region, Floats], depth: Floats, scene: Scene, camera: Camera, rng: np.random.Generator
) -> Frame:
    """Takes the picture of exposed light: lens, film, and the alpha as the lens blurs it."""
    size = len(linear)
    sigma = camera.blur * size / 512 if scene.sensor else 0.0
    rgb = sensor(develop(lens_blur(linear, sigma), scene.exposure), camera.noise if scene.sensor else 0.0, rng)
    alpha = np.zeros((size, size), np.float32)
    for region in scene.face:
        if region in shares:
            alpha += shares[region]
    return Frame(rgb, lens_blur(np.minimum(alpha, 1), sigma), shares, depth)


def expose(
    person: Person, scene: Scene, camera: Camera, pose: Pose, size: int, samples: int = 2
) -> tuple[Floats, dict[Region, Floats], Floats]:
    """Returns the linear light (size, size, 3) of a frame, the share of each region, and the depth."""
    return expose_posed(person, posed(person, pose), scene, camera, size, samples)


def expose_posed(
    subject: Subject, moved: Posed, scene: Scene, camera: Camera, size: int, samples: int = 2
) -> tuple[Floats, dict[Region, Floats], Floats]:
    """Returns what `expose` does of anything that is in its place."""
    view = _View(subject, moved, camera, size, samples)
    shares = view.shares(scene.lenses)
    depth = np.where(view.canvas.covered, view.canvas.depth, np.float32(np.inf))[
        samples // 2 :: samples, samples // 2 :: samples
    ]
    shader = Shader(scene.light, _shadow(view, scene.light) if scene.shadows else None, view.eye)
    linear, near = view.light(shader, scene.background, scene.veil)
    if scene.veil is not None:
        linear = view.veiled(linear, near, shares, scene.veil)
    return linear, shares, depth


def _shadow(view: "_View", light: Light) -> ShadowMap:
    solids, strands = view.moved.solids, view.subject.strands
    side = 512 if view.size >= 400 else 320
    centre = view.joint + floats([0, 0.1, 0.2])
    camera = look_at(light.key, centre, _SHADOW_DISTANCE)
    ribbons, _ = strands.ribbons(view.moved.strands, view.sides * np.float32(_SHADOW_WIDER), strands.casting)
    vertices = np.concatenate([solids.vertices, ribbons.vertices])
    triangles = np.concatenate([solids.triangles, ribbons.triangles + np.int32(len(solids.vertices))])
    depth = depth_map(vertices, triangles, camera, _SHADOW_HALF, _SHADOW_DISTANCE, side, 5.0)
    return ShadowMap(depth, camera, _SHADOW_HALF, _SHADOW_DISTANCE)


class _View:
    """A posed subject as the camera sees it: samples with their attributes, before light."""

    def __init__(self, subject: Subject, moved: Posed, camera: Camera, size: int, samples: int):
        self.subject, self.moved, self.camera, self.size, self.samples = subject, moved, camera, size, samples
        self.joint = subject.body.head
        self.matrix, self.eye = camera.matrix(self.joint), camera.place(self.joint).astype(np.float32)
        self.side = size * samples
        self.canvas = Canvas(self.side, self.matrix, camera.half, camera.distance)
        solids = moved.solids
        attributes = np.column_stack([solids.pixels, solids.openness]).astype(np.float32)
        triangles = self.canvas.in_view(solids.vertices, solids.triangles, solids.closed)
        self.canvas.draw(solids.vertices, triangles, attributes)
        self.normals = self.canvas.draw_only(solids.vertices, triangles, solids.normals)
        self.tangents = subject.strands.tangents(moved.strands)
        # Strands thinner than a pixel would break up.
        least = camera.half * 2 / size * 0.35
        widths = np.maximum(subject.strands.widths, np.float32(least) * (subject.strands.widths > 0.004))
        self.sides = across(self.tangents, self.eye - moved.strands, widths * np.float32(0.5))
        self._draw_strands()
        # Places in the atlas, or the numbers of a strand's points, as pictures of their own: quicker to go through.
        self.places = [floats(cv2.extractChannel(self.canvas.values, channel)) for channel in range(2)]
        self.regions = self._regions()

    def _draw_strands(self) -> None:
        """Draws hair, beard, brows and lashes in one pass."""
        strands = self.subject.strands
        to_eye = self.moved.head[:3, :3].T @ ((self.eye - self.joint) / np.linalg.norm(self.eye - self.joint))
        ribbons, numbers = strands.ribbons(self.moved.strands, self.sides, strands.visible(to_eye))
        lashes, lash_triangles = self.moved.lashes
        count = len(numbers)
        if not count + len(lashes):
            return
        values = np.empty((2 * count + len(lashes), 3), np.float32)
        values[:count, 0] = values[count : 2 * count, 0] = numbers
        values[: 2 * count, 1] = _STRAND
        values[:count, 2], values[count : 2 * count, 2] = -1, 1
        values[2 * count :] = [*self.subject.atlas.pixels("lash", floats([[0.5, 0.5]]))[0], 0.8]
        vertices = np.concatenate([ribbons.vertices, lashes])
        triangles = np.concatenate([ribbons.triangles, lash_triangles + np.int32(2 * count)])
        self.canvas.draw(vertices, triangles, values)

    def _regions(self) -> Bytes:
        """What each sample shows: looked up in the atlas, or the strand's."""
        u, v = self.places
        strands = v > _MARK
        regions = cv2.remap(self.subject.atlas.regions, u - np.float32(0.5), v - np.float32(0.5), cv2.INTER_NEAREST)
        regions[~self.canvas.covered] = Region.BACKGROUND
        regions[strands] = self.subject.strands.regions[self._points_of(floats(u[strands]))[0]]
        return np.asarray(regions, np.uint8)

    def _points_of(self, values: Floats) -> tuple[Ints, Floats]:
        """The numbers of the strand points before samples, and how far these are on the way to the next."""
        before = np.clip(values.astype(np.int32), 0, len(self.subject.strands.points) - 2)
        return before, values - before

    def shares(self, lenses: bool) -> dict[Region, Floats]:
        """Returns how much of each pixel every region covers; with `lenses`, clear ones hide what is behind them."""
        regions = self.regions
        for vertices, triangles in self.moved.panes if lenses else ():
            _, seen = self.canvas.draw_behind(vertices, triangles, np.zeros_like(vertices))
            regions = np.where(seen, np.uint8(Region.LENS), regions)
        counts = np.bincount(regions.ravel(), minlength=len(Region))
        return {region: self._mean((regions == region).astype(np.float32)) for region in Region if counts[region]}

    def _mean(self, picture: Floats) -> Floats:
        return self.canvas.shrink(picture, self.size)

    def light(self, shader: Shader, background: Floats, veil: Veil | None = None) -> tuple[Floats, Floats | None]:
        """Lights the samples and puts them before the background: linear (size, size, 3).

        With a veil it also returns the part of that light that comes from before the veil.
        """
        blocks, singles = self._split()
        picture = _Lit(self, blocks, singles)
        points = picture.points()
        irradiance, reflection = shader.shade(points)
        picture.scatter(points, irradiance)
        seen = points.albedo * irradiance + reflection
        colour = picture.spread(seen)
        near = None if veil is None else picture.spread(seen * picture.gather(1 - self._behind(veil))[:, None])
        colour += background * (1 - self._mean(self.canvas.covered.astype(np.float32)))[..., None]
        add_panes(colour, self.canvas, self.moved.panes, self.eye, shader.light, self.size)
        return colour, near

    def _behind(self, veil: Veil) -> Floats:
        """How much of each sample is behind a veil: what goes through it does so softly, as smoke is thick."""
        middle = float(-(self.matrix[2, :3] @ self.joint + self.matrix[2, 3])) - veil.ahead
        behind = np.clip((self.canvas.depth - np.float32(middle)) / np.float32(_VEIL_THICK) + np.float32(0.5), 0, 1)
        return np.where(self.canvas.covered, behind, np.float32(1))

    def veiled(self, linear: Floats, near: Floats | None, shares: dict[Region, Floats], veil: Veil) -> Floats:
        """Puts a veil over what lies behind it, in the picture and in the shares, which it takes its own from."""
        behind = self._behind(veil)
        hidden = np.zeros_like(veil.alpha)
        for region, share in shares.items():
            taken = self._mean(behind * (self.regions == region)) * veil.alpha
            shares[region] = np.maximum(share - taken, 0)
            hidden += taken
        shares[Region.VEIL] = hidden
        front = linear if near is None else near
        through = (1 - veil.alpha)[..., None]
        return floats(front + (linear - front) * through + veil.colour * self._mean(behind)[..., None])

    def _split(self) -> tuple[Ints, Ints]:
        """Pixels whose samples are alike, to be lit once, and the samples of all other pixels."""
        values, depth, n = self.canvas.values, self.canvas.depth, self.samples
        first = self.regions[::n, ::n]
        alike = (first > 0) & (values[::n, ::n, 1] < _MARK) & (_span(self.regions, n) == 0) & (_span(depth, n) < 0.10)
        for place in self.places:
            alike &= _span(place, n) < 10
        rest = self.canvas.covered & ~np.repeat(np.repeat(alike, n, 0), n, 1)
        return np.flatnonzero(alike).astype(np.int32), np.flatnonzero(rest).astype(np.int32)


def _span(picture: np.ndarray, samples: int) -> np.ndarray:
    """The difference between the largest and the smallest sample of each pixel, of (side, side, …)."""
    low = high = picture
    for axis in (0, 1):  # rows first: they are whole in memory
        step = (slice(None),) * axis
        low = _reduced(np.minimum, [low[(*step, slice(i, None, samples))] for i in range(samples)])
        high = _reduced(np.maximum, [high[(*step, slice(i, None, samples))] for i in range(samples)])
    return np.asarray(high - low)


def _reduced(function: np.ufunc, parts: list[np.ndarray]) -> np.ndarray:
    total = parts[0]
    for part in parts[1:]:
        total = function(total, part)
    return total


class _Lit:
    """The points that are lit, in pixels and samples, and their way back into a picture."""

    def __init__(self, view: _View, blocks: Ints, singles: Ints):
        self.view, self.blocks, self.singles = view, blocks, singles
        n, size, side = view.samples, view.size, view.side
        middle = (n - 1) / 2
        self.x: Floats = np.concatenate([blocks % size * n + middle, singles % side]).astype(np.float32)
        self.y: Floats = np.concatenate([blocks // size * n + middle, singles // side]).astype(np.float32)
        self.regions = np.concatenate([view.regions[::n, ::n].ravel()[blocks], view.regions.ravel()[singles]])
        self._pixels = singles // side // n * size + singles % side // n  # that the samples are part of

    def gather(self, picture: Floats) -> Floats:
        """Returns the values of the points in a picture of samples; pixels that are lit whole have their mean."""
        channels = picture.shape[2:]
        small = self.view._mean(picture).reshape(-1, *channels)
        return np.concatenate([small[self.blocks], picture.reshape(-1, *channels)[self.singles]])

    def points(self) -> Points:
        """Looks up what the points look like."""
        view, subject = self.view, self.view.subject
        values, normals, depth = (self.gather(p) for p in (view.canvas.values, view.normals, view.canvas.depth))
        strand = values[:, 1] > _MARK
        u, v = values[:, 0] - np.float32(0.5), values[:, 1] - np.float32(0.5)
        albedo = linear_of(remap_points(subject.atlas.colour, u, v, 0.0))
        surface = remap_points(subject.atlas.surface, u, v, 0.0).astype(np.float32) * np.float32(1 / 255)
        openness = np.ascontiguousarray(values[:, 2])
        hair = np.flatnonzero(strand)
        if len(hair):
            before, share = view._points_of(values[hair, 0])
            share = share[:, None]
            strands = subject.strands
            normals[hair] = view.tangents[before] * (1 - share) + view.tangents[before + 1] * share
            openness[hair] = strands.openness[before] * (1 - share[:, 0]) + strands.openness[before + 1] * share[:, 0]
            tone = 1 + np.float32(0.28) * np.cos(np.float32(7) * values[hair, 2] + strands.phases[before])
            albedo[hair] = (strands.colours[before] * (1 - share) + strands.colours[before + 1] * share) * tone[:, None]
            surface[hair] = 0
        self._bump(normals, surface[:, 0])
        dither = self.x * np.float32(0.754877) + self.y * np.float32(0.569840)
        dither -= np.floor(dither)  # what % 1 takes a hundred times as long for
        positions = self._positions(depth)
        return Points(positions, normals, openness, surface[:, 1], surface[:, 2], albedo, strand, self.regions, dither)

    def _positions(self, depth: Floats) -> Floats:
        view = self.view
        scale = np.float32(view.camera.half / view.camera.distance / (view.side / 2))
        half = np.float32(view.side / 2 - 0.5)
        seen = ((self.x - half) * scale * depth, (half - self.y) * scale * depth, -depth)
        turn = view.matrix[:3, :3].T
        back = np.concatenate([turn, -turn @ view.matrix[:3, 3:]], 1)
        return floats(cv2.transform(cv2.merge([values[:, None] for values in seen]), back)).reshape(-1, 3)

    def _bump(self, normals: Floats, height: Floats) -> None:
        """Tilts the normals of whole pixels by the relief of their texture, as it is on the screen."""
        count, size = len(self.blocks), self.view.size
        picture = np.full((size, size), 0.5, np.float32)
        picture.reshape(-1)[self.blocks] = height[:count]
        lengths = np.sqrt(np.einsum("ij,ij->i", normals, normals)) + np.float32(1e-6)
        normals /= lengths[:, None]
        strength = np.float32(size / 512 * 2.4)
        right, up = self.view.matrix[0, :3], self.view.matrix[1, :3]
        for axis, (dx, dy), sign in ((right, (1, 0), -1), (up, (0, 1), 1)):
            slope = cv2.Sobel(picture, -1, dx, dy, ksize=1).ravel()[self.blocks]
            normals[:count] += (sign * strength * np.clip(slope, -0.07, 0.07))[:, None] * axis

    def scatter(self, points: Points, irradiance: Floats) -> None:
        """Blurs the light on flesh on the screen, red the farthest, in place."""
        view = self.view
        flesh = np.isin(points.regions, FLESH).astype(np.float32)
        shrink = max(1, view.size // 256)
        small = self.spread(np.column_stack([irradiance * flesh[:, None], flesh]))
        if shrink > 1:
            small = floats(cv2.resize(small, (view.size // shrink,) * 2, interpolation=cv2.INTER_AREA))
        pixels = view.size / (2 * view.camera.half) / shrink
        u, v = (
            (c + np.float32(0.5)) * np.float32(1 / view.samples / shrink) - np.float32(0.5) for c in (self.x, self.y)
        )
        kept = np.ones((len(flesh), 3), np.float32)
        added = np.zeros_like(kept)
        for index, (sigma, share) in enumerate(_SCATTER):
            blurred = cv2.GaussianBlur(small, (0, 0), max(0.6, sigma * pixels), borderType=cv2.BORDER_REPLICATE)
            light = remap_points(blurred[..., :3] / (blurred[..., 3:] + np.float32(1e-3)), u, v, 0.0)
            weight = (
                share
                * (flesh * (np.float32(0.4) + np.float32(1.2) * points.translucency if index == 0 else 1))[:, None]
            )
            kept -= weight
            added += light * weight
        irradiance *= kept
        irradiance += added

    def spread(self, values: Floats) -> Floats:
        """Averages values (n, c) of the points into a picture (size, size, c); pixels without points are 0."""
        size, count = self.view.size, len(self.blocks)
        channels = values.shape[1]
        picture = np.zeros((size * size, channels), np.float32)
        picture[self.blocks] = values[:count]
        for channel, samples in enumerate(values[count:].T):
            picture[:, channel] += np.bincount(self._pixels, samples, size * size) / self.view.samples**2
        return picture.reshape(size, size, channels)
