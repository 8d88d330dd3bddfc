"""What is fuzzed, by kind: good inputs, and what a user does with one."""

import contextlib
import sys
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple, cast

import av
import jax
import numpy as np
from flax import nnx
from PIL import Image

import rvm_jax
from rvm_jax import cli
from rvm_jax.matting.video import matte_video
from rvm_jax.media.face_tracks import read_faces
from rvm_jax.media.frame_source import Frame
from rvm_jax.media.masks import read_mask
from rvm_jax.media.pictures import read_picture_and_profile, write_picture
from rvm_jax.media.video_writer import VideoWriter
from rvm_jax.networks.api import InputSpec, Matte
from rvm_jax.weights.files import read_state_dict
from rvm_jax.weights.recognition import recognise

# Here, for all cases to share, as each would take seconds for it.
with contextlib.suppress(ImportError):
    import torch  # noqa: F401

HEIGHT, WIDTH = 32, 48


class Kind(NamedTuple):
    """A kind of input.

    Attributes:
      make: writes good inputs into a folder.
      use: does with one, at a path, what a user does; results go into a folder that is empty.
    """

    make: Callable[[Path], None]
    use: Callable[[Path, Path], None]


class _Grey(nnx.Module):
    """Its alpha is the mean of the channels."""

    name, inputs, foreground = "grey", InputSpec(state=True), False

    def __call__(self, src: jax.Array, rec: Any = None, downsample_ratio: float = 1.0) -> Matte:
        return Matte(None, src.mean(-1, keepdims=True), (src[:, -1, :1, :1, :1],))


def _frames(count: int = 8) -> Iterator[np.ndarray]:
    rng = np.random.default_rng(0)
    ramp = np.mgrid[:HEIGHT, :WIDTH].sum(0).astype(np.uint8)
    for number in range(count):
        frame = np.stack([ramp + 5 * number, ramp.T[:1].repeat(HEIGHT, 0)[:, :1] + ramp, 255 - ramp], -1)
        yield (frame + rng.integers(0, 8, frame.shape)).astype(np.uint8)


def _make_containers(folder: Path) -> None:
    for name, codec in (
        *(("a.mp4", None), ("b.mov", None), ("c.webm", None), ("d.mkv", None), ("e.avi", None)),
        *(("f.mkv", "libx264"), ("g.mp4", "mpeg4")),
    ):
        with VideoWriter(folder / name, Fraction(25), codec) as writer:
            for frame in _frames():
                writer.write(frame)
    for name, codec, pixels in (
        ("h.avi", "mjpeg", "yuvj420p"),
        ("i.gif", "gif", "rgb8"),
        ("j.ts", "mpeg2video", "yuv420p"),
    ):
        with av.open(str(folder / name), "w") as container:
            stream = cast(av.VideoStream, container.add_stream(codec, rate=25))
            stream.height, stream.width, stream.pix_fmt = HEIGHT, WIDTH, pixels
            for frame in _frames():
                container.mux(stream.encode(av.VideoFrame.from_ndarray(frame)))
            container.mux(stream.encode(None))


def _use_container(path: Path, out: Path) -> None:
    outputs = {"alpha": out / "alpha.mkv", "comparison": out / "comparison.png"}
    matte_video(_Grey(), path, outputs=outputs, progress=False)


def _make_pictures(folder: Path) -> None:
    frame = next(_frames())
    for suffix in (".png", ".jpg", ".webp", ".bmp", ".tif", ".avif", ".gif", ".tga", ".ppm", ".jp2"):
        Image.fromarray(frame).save(folder / f"a{suffix}")
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(frame).save(folder / "b.jpg", exif=exif)


def _use_picture(path: Path, out: Path) -> None:
    rgb, profile = read_picture_and_profile(path)
    write_picture(out / "a.png", rgb, profile=profile)


def _make_masks(folder: Path) -> None:
    grey = next(_frames())[..., 0]
    write_picture(folder / "grey.png", grey)
    write_picture(folder / "deep.png", grey.astype(np.uint16) * 257)
    write_picture(folder / "cut.png", np.dstack([next(_frames()), grey]))
    palette = Image.fromarray((grey > 60).astype(np.uint8))
    palette.putpalette([0, 0, 0, 128, 0, 0])
    palette.save(folder / "palette.png")
    for suffix in (".tif", ".bmp", ".pgm"):
        Image.fromarray(grey).save(folder / f"grey{suffix}")


def _use_mask(path: Path, out: Path) -> None:
    write_picture(out / "a.png", read_mask(path))


def _make_weights(folder: Path) -> None:
    network = rvm_jax.create("rvm", rngs=0)
    rvm_jax.save_torch(network, folder / "rvm.safetensors")
    if "torch" in sys.modules:
        rvm_jax.save_torch(network, folder / "rvm.pth")


def _use_weights(path: Path, out: Path) -> None:
    recognise(read_state_dict(path), str(path))  # building the network would take seconds, and tells no more


def _make_tables(folder: Path) -> None:
    boxes = "".join(f"{n},a,{n},4,20,20\n" for n in range(60))
    (folder / "boxes.csv").write_text("frame,face,x,y,width,height\n" + boxes)
    names = ",".join(f"x{i},y{i}" for i in range(1, 6))
    points = "40,50,60,50,50,60,42,70,58,70"
    (folder / "points.csv").write_text(f"frame,{names}\n" + "".join(f"{n},{points}\n" for n in range(60)))
    (folder / "excel.csv").write_text("frame,face,x,y,width,height\r\n0,a,1,2,30,30\r\n", encoding="utf-8-sig")


def _use_table(path: Path, out: Path) -> None:
    tracks = read_faces(path)
    for number in range(8):
        tracks(number, Frame(np.zeros((HEIGHT, WIDTH, 3), np.uint8), None).rgb)


def _make_configs(folder: Path) -> None:
    for number, text in enumerate(
        (
            "--config.train.steps=20",
            "--config.train.crop_sizes=((64, 64),)",
            "--config.optimizer.freeze=('backbone',)",
            "--config.data.resolution=96",
            "--config.network.name=rvm",
            "--config.data.faces.main.root=pictures",
        )
    ):
        (folder / f"{number}.txt").write_text(text)


def _use_config(path: Path, out: Path) -> None:
    from scripts import train  # defines the flags

    del train
    override = path.read_text(errors="surrogateescape")
    argv = ["train.py", "--config=configs/quickstart.py", f"--workdir={out / 'work'}", override]
    sys.argv = argv
    from absl import flags

    from rvm_jax.train.renamed import current_settings

    cli._parse(None, argv)
    current_settings(flags.FLAGS.config.to_dict())


KINDS: dict[str, Kind] = {
    "containers": Kind(_make_containers, _use_container),
    "pictures": Kind(_make_pictures, _use_picture),
    "masks": Kind(_make_masks, _use_mask),
    "weights": Kind(_make_weights, _use_weights),
    "tables": Kind(_make_tables, _use_table),
    "configs": Kind(_make_configs, _use_config),
}
