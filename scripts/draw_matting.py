"""Draws the pictures of docs/matting.md: python scripts/draw_matting.py

It renders the clips that the page's commands name, runs those commands as they stand there, and makes pictures of what
they wrote. `scripts/train.sh` comes first: they take its network.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

from absl import flags
from tqdm import tqdm

from rvm_jax import cli
from scripts import ROOT

_OUTPUT_DIR = flags.DEFINE_string("output_dir", str(ROOT / "docs/images"), "The folder to write matting_* to.")
_SEED = flags.DEFINE_integer("seed", 4, "Of the rendered clips.")

_WORK, _QUICKSTART = ROOT / "work/matting", ROOT / "work/quickstart"
_PICTURES = (
    *(f"{name}.jpg" for name in ("clip", "transparent", "background", "pictures", "faces", "networks")),
    "hidden.png",
)
_SIDE, _FRAMES, _RATE = 160, 48, Fraction(24)
_SHOWN = (4, 16, 28, 40)  # frames in the pictures


def main(_: list[str]) -> None:
    from rvm_jax.errors import UserError
    from rvm_jax.output_paths import check_output_folders, check_outputs

    check_output_folders([_WORK], [_QUICKSTART, _OUTPUT_DIR.value])
    check_outputs([Path(_OUTPUT_DIR.value) / f"matting_{name}" for name in _PICTURES], below=[_QUICKSTART])
    if not (_QUICKSTART / "checkpoints").is_dir():
        raise UserError("work/quickstart: there is no network yet; run scripts/train.sh first")
    shutil.rmtree(_WORK, ignore_errors=True)  # folders of an earlier run would be refused
    _render_inputs()
    for command in tqdm(_commands(), "commands"):
        subprocess.run(command, cwd=ROOT, check=True, env=os.environ | {"COLUMNS": "80"}, stdout=subprocess.DEVNULL)
    _draw()


def _commands() -> list[list[str]]:
    """Those of the page that take nothing but what is in the work directory."""
    text = (ROOT / "docs/matting.md").read_text()
    blocks = "\n".join(re.findall(r"```bash\n(.*?)```", text, re.DOTALL)).replace("\\\n", " ")
    lines = [shlex.split(line) for line in blocks.splitlines() if "--input_source=work/" in line]
    return [[sys.executable, "scripts/matte.py", "--noprogress", *line[1:]] for line in lines]


def _render_inputs() -> None:
    import cv2
    import numpy as np

    from configs import quickstart
    from data_pipeline.pipeline import make_dataset
    from rvm_jax.media.pictures import write_picture
    from rvm_jax.media.video_writer import VideoWriter

    data = quickstart.get_config().data.to_dict() | {"resolution": _SIDE, "seq_length": _FRAMES}
    data["occluders"]["main"]["include"] = ["mug", "cup", "hand", "phone", "book", "microphone"]
    clean = {"noise": 0.0, "jpeg": 0.0, "motion_blur": 0.0}
    moving = {"name": "faceocc", "occlusion": 1.0, "visits": 1.0, "motion_span": (_FRAMES, _FRAMES), **clean}
    clips = make_dataset(data | {"techniques": {"main": moving}}, split="test", seed=_SEED.value)
    first, second = (clips[index]["src"] for index in (1, 2))

    def write(name: str, frames: Any) -> None:
        with VideoWriter(_WORK / name, _RATE) as writer:
            for frame in frames:
                writer.write(frame)

    write("clip.mp4", first)
    for index in range(4):
        write_picture(_WORK / f"pictures/{index}.png", clips[3 + index]["src"][_FRAMES // 2])
    for t in range(0, _FRAMES, 2):
        write_picture(_WORK / f"frames/{t // 2:05d}.png", second[t])

    wall = cv2.resize(np.array([[[60, 66, 74], [96, 104, 110]]], np.uint8), (640, 360), interpolation=cv2.INTER_LINEAR)
    large, rows = [], ["frame,face,x,y,width,height"]
    for t in range(_FRAMES):
        frame = wall.copy()
        for name, source, left, top in (("left", first, 60 + t, 90), ("right", second, 400 - t, 120 - t // 2)):
            frame[top : top + _SIDE, left : left + _SIDE] = source[t]
            box = (left + _SIDE // 4, top + _SIDE // 5, _SIDE // 2, 3 * _SIDE // 5)
            rows.append(",".join(map(str, (t, name, *box))))
        large.append(frame)
    write("large.mp4", large)
    (_WORK / "faces.csv").write_text("\n".join(rows) + "\n")


def _draw() -> None:
    import cv2
    import numpy as np
    from PIL import Image

    from rvm_jax.media.pictures import read_picture, write_picture
    from rvm_jax.media.sheets import grid

    out, target = _WORK / "out", Path(_OUTPUT_DIR.value)

    def save(name: str, rows: list[list[Any]]) -> None:
        write_picture(target / f"matting_{name}.jpg", grid(rows), jpeg_quality=80)

    save("clip", [_frames(out / "clip_comparison.mp4", _SHOWN[:2]), _frames(out / "clip_comparison.mp4", _SHOWN[2:])])
    board = ((np.indices((_SIDE, _SIDE)) // 10).sum(0) % 2 * 60 + 150)[..., None]
    cut_outs = []
    for t in _SHOWN:
        rgba = np.asarray(Image.open(out / f"face_frames/{t:05d}.png"))
        share = rgba[..., 3:] / 255
        cut_outs.append((rgba[..., :3] * share + board * (1 - share)).astype(np.uint8))
    save("transparent", [cut_outs])
    save("background", [_frames(out / "brick.mp4", _SHOWN)])
    names = sorted((_WORK / "pictures").glob("*.png"))
    save("pictures", [[read_picture(path) for path in names], [read_picture(out / "pictures" / p.name) for p in names]])
    save("faces", [[cv2.resize(frame, None, fx=0.5, fy=0.5)] for frame in _frames(out / "large.mp4", (_SHOWN[1],))])
    save("networks", [_frames(out / "both.mp4", _SHOWN[1:3])])
    _plot_hidden(out / "hidden.csv", target / "matting_hidden.png")


def _frames(path: Path, numbers: tuple[int, ...]) -> list[Any]:
    from rvm_jax.media.video_reader import VideoReader

    with VideoReader(path) as video:
        frames = list(video)
    return [frames[number] for number in numbers]


def _plot_hidden(table: Path, target: Path) -> None:
    import csv

    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    with table.open() as file:
        rows = list(csv.DictReader(file))
    figure, axes = plt.subplots(figsize=(7, 2.2), layout="constrained")
    for face in sorted({row["face"] for row in rows}):
        own = [row for row in rows if row["face"] == face]
        axes.plot(
            [int(row["frame"]) for row in own], [float(row["occluded_fraction"] or "nan") for row in own], label=face
        )
    axes.set(xlabel="frame", ylabel="hidden share", ylim=(0, 1))
    axes.legend(frameon=False)
    figure.savefig(target, dpi=90)


if __name__ == "__main__":
    cli.run(main)
