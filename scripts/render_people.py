"""Writes rendered people with all that is known of them: python scripts/render_people.py --output_dir=work/people

Each clip is <output_dir>/<what>/<clip>/<frame>.png: `img`, the picture; `mask`, the visible face, the project's alpha;
`face`, the face as if nothing were before it; `skin`, `hair`, `hands`, `objects`, `wear`, `clothes`: how much of each
pixel shows that; `depth`, 16 bits, millimetres from the camera, 0 where nobody is. <output_dir>/<clip>.json has the
category, the landmarks (x and y in pixels) and the head's pose (radians) of each frame. Clips that are complete are not
rendered again.
"""

import json
from pathlib import Path
from typing import TYPE_CHECKING

from absl import flags

from rvm_jax import cli
from rvm_jax.errors import UserError
from rvm_jax.process import configure_process

if TYPE_CHECKING:
    from data_pipeline.people.clip import Clip

_OUTPUT = flags.DEFINE_string("output_dir", None, "The folder to write to.", required=True)
_CLIPS = flags.DEFINE_integer("num_clips", 8, "How many clips.", lower_bound=1)
_FRAMES = flags.DEFINE_integer("frames", 16, "Frames of a clip.", lower_bound=1)
_SIZE = flags.DEFINE_integer("size", 256, "Side of the frames, in pixels.", lower_bound=32)
_SEED = flags.DEFINE_integer("seed", 0, "Of the people.")
_SPLIT = flags.DEFINE_enum("split", "train", ["train", "valid", "test"], "Which people; splits have none in common.")
_OPTIONS = flags.DEFINE_multi_string("option", [], "A setting of the source `people`, such as --option=hands=0.8.")

_MILLIMETRES = 100.0  # of a decimetre


def main(_: list[str]) -> None:
    from tqdm import tqdm

    from data_pipeline.people.source import People
    from data_pipeline.sources import open_source
    from data_pipeline.sources.base import Request
    from rvm_jax.media.pictures import write_bytes
    from rvm_jax.output_paths import check_output_folders
    from scripts._literals import literal

    root = Path(str(_OUTPUT.value))
    spec = {"name": "people", "frames": _FRAMES.value, "max_items": _CLIPS.value, "seed": _SEED.value}
    spec |= {key: literal(value) for key, _, value in (option.partition("=") for option in _OPTIONS.value)}
    check_output_folders([root], [Path(str(spec[name])) for name in ("backgrounds", "surfaces") if spec.get(name)])
    source = open_source(spec, Request("face", _SPLIT.value, _SIZE.value, "--option"))
    assert isinstance(source, People)
    settings = {**spec, "size": _SIZE.value, "split": _SPLIT.value}
    settings.pop("max_items")
    for index in tqdm(range(_CLIPS.value), "clips"):
        path = root / f"{index:06d}.json"
        if path.exists():
            if json.loads(path.read_text())["settings"] != settings:
                raise UserError(f"{path}: it was rendered with other settings; give another --output_dir")
            continue
        frames = [_write_frame(root, source.clip(index), index, number) for number in range(_FRAMES.value)]
        document = {"settings": settings, "category": source.clip(index).category, "frames": frames}
        write_bytes(path, (json.dumps(document, indent=1) + "\n").encode())
    print(f"{root}: {_CLIPS.value} clips of {_FRAMES.value} frames of {_SIZE.value}²")


def _write_frame(root: Path, clip: "Clip", index: int, number: int) -> dict[str, object]:
    import cv2
    import numpy as np

    from data_pipeline.people.regions import FACE, Region
    from data_pipeline.people.truth import LANDMARKS
    from rvm_jax.media.pictures import write_bytes, write_picture

    frame, truth = clip.frame(number), clip.truth(number)
    blank = np.zeros_like(frame.alpha)

    def share(*regions: Region) -> np.ndarray:
        return sum((frame.shares.get(region, blank) for region in regions), start=blank)

    place = f"{index:06d}/{number:05d}.png"
    write_picture(root / "img" / place, frame.rgb)
    shares = {
        "mask": frame.alpha,
        "face": truth.face,
        "skin": share(*FACE, Region.EAR, Region.NECK),
        "hair": share(Region.HAIR),
        "hands": share(Region.HAND),
        "objects": share(Region.OBJECT),
        "wear": share(Region.WEAR, Region.GLASSES, Region.LENS),
        "clothes": share(Region.CLOTHES),
    }
    for name, values in shares.items():
        write_picture(root / name / place, (np.clip(values, 0, 1) * 255 + 0.5).astype(np.uint8))
    depth = np.where(np.isfinite(frame.depth), np.minimum(frame.depth * _MILLIMETRES, 65535), 0).astype(np.uint16)
    write_bytes(root / "depth" / place, cv2.imencode(".png", depth)[1].tobytes())
    points = {name: [round(float(x), 2) for x in point] for name, point in zip(LANDMARKS, truth.landmarks, strict=True)}
    return {"landmarks": points, "yaw": truth.yaw, "pitch": truth.pitch, "roll": truth.roll}


if __name__ == "__main__":
    configure_process("worker")
    cli.run(main)
