"""Draws the picture of docs/surfaces.md: python scripts/draw_surfaces.py

Rows of surfaces of all kinds, of scenes, of objects and of people with them, and of the same through a camera.
"""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from absl import flags

from rvm_jax import cli
from scripts import ROOT

_OUTPUT = flags.DEFINE_string("output", str(ROOT / "docs/images/surfaces.jpg"), "The picture to write.")
_PICTURES = flags.DEFINE_string("pictures", None, "A folder of photographs that half of it is cut from.")
_SEED = flags.DEFINE_integer("seed", 11, "Of all that is drawn.")
_SIDE = flags.DEFINE_integer("side", 88, "Of the tiles, in pixels.", lower_bound=32)
_COLUMNS = flags.DEFINE_integer("columns", 12, "Tiles in a row.", lower_bound=1)

_DRAWN_AT = 256
_BEHIND = 0.82  # the grey behind occluders


def main(_: list[str]) -> None:
    from rvm_jax.output_paths import check_outputs

    photographs: str | None = _PICTURES.value
    check_outputs([_OUTPUT.value], below=[photographs] if photographs else [])
    import cv2
    import numpy as np

    from data_pipeline.camera import apply, read_camera
    from data_pipeline.drawn import ProceduralFaces, ProceduralOccluders
    from data_pipeline.surfaces import KINDS, background, surface
    from rvm_jax.media.pictures import write_picture
    from rvm_jax.media.sheets import grid

    side, columns, seed = _SIDE.value, _COLUMNS.value, _SEED.value

    def row(draw: Callable[[int], Any]) -> list[Any]:
        return [cv2.resize(draw(i), (side, side), interpolation=cv2.INTER_AREA) for i in range(columns)]

    def rows(count: int, draw: Callable[[int], Any]) -> Iterable[list[Any]]:
        return (row(lambda i, r=r: draw(r * columns + i)) for r in range(count))  # type: ignore[misc]

    def of(number: int, kind: int) -> np.random.Generator:
        return np.random.default_rng([seed, kind, number])

    occluders = ProceduralOccluders(_DRAWN_AT, seed=seed + 1, surfaces=1.0, pictures=photographs)
    objects = ProceduralOccluders(_DRAWN_AT, seed=seed, include=["object"], surfaces=1.0, pictures=photographs)
    faces = ProceduralFaces(_DRAWN_AT, seed=seed, surfaces=1.0, pictures=photographs)
    camera = read_camera(1.0)

    def over_grey(item: dict[str, Any]) -> Any:
        height, width = item["alpha"].shape
        tile = np.full((max(height, width),) * 2 + (3,), 255 * _BEHIND)
        top, left = (len(tile) - height) // 2, (len(tile) - width) // 2
        alpha = item["alpha"][..., None] / 255
        part = tile[top : top + height, left : left + width]
        part += (item["rgb"] - part) * alpha
        return np.rint(tile).astype(np.uint8)

    def shot(number: int) -> Any:
        item = faces[number + 1000]
        clip, alpha = item["rgb"][None], item["alpha"][None, ..., None]
        return apply(clip, alpha, of(number, 9), camera)[0][0]

    kinds = [*KINDS, *KINDS]
    sheet = [
        *rows(3, lambda i: surface(of(i, 0), _DRAWN_AT, kinds[i % len(kinds)])),
        *rows(2, lambda i: background(of(i, 1), _DRAWN_AT, _DRAWN_AT)),
        *rows(2, lambda i: over_grey(objects[i])),
        *rows(1, lambda i: over_grey(occluders[i])),
        *rows(1, lambda i: faces[i]["rgb"]),
        *rows(1, shot),
    ]
    write_picture(Path(_OUTPUT.value), grid(sheet, pad=2), jpeg_quality=78)


if __name__ == "__main__":
    cli.run(main)
