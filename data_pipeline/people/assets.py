"""The mesh of head, shoulders and left hand, and the targets that shape it (CC0, MakeHuman; see NOTICE)."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

import numpy as np

from data_pipeline.people.geometry import Floats, Ints, normalised

PATH = Path(__file__).with_name("assets.npz")


class Assets:
    """Holds the content of `assets.npz`, unpacked.

    Positions are of mesh vertices (V, 3), in decimetres. A mesh vertex on a seam of the texture layout has several
    *texture vertices* (R), which is what `quads` and `uv` number.

    Attributes:
        positions: float32 (V, 3), of the base mesh.
        mesh_vertex: int32 (R,), the mesh vertex of each texture vertex.
        uv: float32 (R, 2), in the layout of MakeHuman, v upwards.
        quads: int32 (Q, 4), counter-clockwise seen from outside.
        part: uint8 (Q,), the part of each quad: an index into `part_names`.
        part_names: "head", "hand", "upper_teeth", "left_eye", …
        bone_names: "head", "neck01", …, "wrist.L", "finger2-1.L", …
        bone_weights: float32 (V, bones).
        masks: uint8 (1024, 1024) in the texture layout: "lips", "eyelids", "ears", "fingernails".
    """

    def __init__(self, path: Path = PATH):
        with np.load(path) as file:
            arrays = {name: file[name] for name in file.files}
        self.positions: Floats = (arrays["positions"] * 1e-4).astype(np.float32)
        self.mesh_vertex: Ints = arrays["mesh_vertex"].astype(np.int32)
        self.uv: Floats = (arrays["uv"] / 65535).astype(np.float32)
        self.quads: Ints = arrays["quads"].astype(np.int32)
        self.part = arrays["part"]
        self.part_names = [str(name) for name in arrays["part_names"]]
        self.bone_names = [str(name) for name in arrays["bone_names"]]
        self.bone_weights: Floats = arrays["bone_weights"].astype(np.float32) / 255
        self.masks = {name[5:]: array for name, array in arrays.items() if name.startswith("mask_")}
        joints = zip(arrays["joint_names"], arrays["joint_vertices"].astype(np.int32), strict=True)
        self._joints = {str(name): vertices for name, vertices in joints}

        ends = arrays["target_ends"].tolist()
        self._targets = dict(
            zip(map(str, arrays["target_names"]), zip([0, *ends[:-1]], ends, strict=True), strict=True)
        )
        self._vertices = arrays["target_vertices"].astype(np.int32)
        steps = np.repeat(arrays["target_steps"].astype(np.float32) * np.float32(1e-4), np.diff([0, *ends]))
        self._offsets: Floats = np.ascontiguousarray(arrays["target_offsets"].T.astype(np.float32) * steps[:, None])

        # Summing face normals at vertices is a reduction over faces sorted by vertex.
        self.mesh_quads: Ints = self.mesh_vertex[self.quads]
        order = np.argsort(self.mesh_quads.ravel(), kind="stable")
        counts = np.bincount(self.mesh_quads.ravel(), minlength=len(self.positions))
        self._meshed = np.flatnonzero(counts)
        self._starts = np.concatenate([[0], np.cumsum(counts)])[:-1][self._meshed]
        self._face_order = order // 4

    @property
    def target_names(self) -> list[str]:
        """Returns the names of all targets, "group/name"."""
        return list(self._targets)

    def has_target(self, name: str) -> bool:
        """Tells whether there is a target of that name."""
        return name in self._targets

    def morph(self, positions: Floats, weights: Mapping[str, float]) -> Floats:
        """Moves positions (V, 3) in place by targets times their weights, and returns them.

        Raises:
            KeyError: if there is no such target.
        """
        for name, weight in weights.items():
            if abs(weight) > 1e-4:
                first, end = self._targets[name]
                positions[self._vertices[first:end]] += self._offsets[first:end] * np.float32(weight)
        return positions

    def normals(self, positions: Floats) -> Floats:
        """Returns unit normals (V, 3) of the mesh; zero at vertices without faces."""
        corners = [positions[self.mesh_quads[:, corner]] for corner in range(4)]
        faces = np.cross(corners[2] - corners[0], corners[3] - corners[1])
        normals = np.zeros_like(positions)
        normals[self._meshed] = np.add.reduceat(faces[self._face_order], self._starts, axis=0)
        return normalised(normals)

    def joint(self, positions: Floats, name: str) -> Floats:
        """Returns where a joint is (3,): the mean of its eight marker vertices."""
        return np.asarray(positions[self._joints[name]].mean(0), np.float32)

    def quads_of(self, *parts: str) -> Ints:
        """Returns the quads (n, 4) of these parts."""
        return np.concatenate([self.quads[self.part == self.part_names.index(part)] for part in parts])

    def vertices_of(self, part: str) -> Ints:
        """Returns the mesh vertices (n,) of a part."""
        return np.unique(self.mesh_quads[self.part == self.part_names.index(part)])


@cache
def load_assets() -> Assets:
    """Returns the assets, read once a process."""
    return Assets()
