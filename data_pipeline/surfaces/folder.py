"""Surfaces and backgrounds out of a folder of photographs."""

from pathlib import Path

import cv2
import numpy as np

from rvm_jax.errors import UserError

_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp")


class PictureFolder:
    """Holds random parts of the pictures in a folder and below it, read when they are asked for.

    Args:
        root: the folder.
        where: the config's key of it, for messages.

    Raises:
        UserError: if there is no such folder, or no picture in it.
    """

    def __init__(self, root: str | Path, where: str = "pictures"):
        self.where = where
        if not Path(root).is_dir():
            raise UserError(f"{where}: no such folder: {root}; give a folder of pictures")
        self.files = sorted(file for file in Path(root).rglob("*") if file.suffix.lower() in _SUFFIXES)
        if not self.files:
            raise UserError(f"{where}: no pictures in {root}; it takes {', '.join(_SUFFIXES)}")

    def crop(self, rng: np.random.Generator, height: int, width: int) -> np.ndarray:
        """Draws a part of a random picture: half of it or more, mirrored now and then.

        Returns:
            uint8 (height, width, 3), RGB.

        Raises:
            UserError: if the picture cannot be read.
        """
        file = self.files[int(rng.integers(len(self.files)))]
        picture = cv2.imdecode(np.fromfile(file, np.uint8), cv2.IMREAD_COLOR_RGB) if file.stat().st_size else None
        if picture is None:
            raise UserError(f"{self.where}: {file} is no readable picture; remove it")
        scale = min(picture.shape[0] / height, picture.shape[1] / width) * rng.uniform(0.5, 1)
        rows, cols = max(int(height * scale), 1), max(int(width * scale), 1)
        top = int(rng.integers(picture.shape[0] - rows + 1))
        left = int(rng.integers(picture.shape[1] - cols + 1))
        part = picture[top : top + rows, left : left + cols]
        if rng.random() < 0.5:
            part = np.ascontiguousarray(part[:, ::-1])
        return np.asarray(
            cv2.resize(part, (width, height), interpolation=cv2.INTER_AREA if scale > 1 else cv2.INTER_LINEAR)
        )
