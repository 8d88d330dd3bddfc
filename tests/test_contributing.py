"""What docs/contributing.md promises: one of each kind is added, from outside, and works as far as its user sees it."""

import json
import sys
import textwrap
from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path

import cv2
import jax
import numpy as np
import pytest
from flax import nnx
from leaky_network import LeakyNetwork

import rvm_jax
from data_pipeline.pipeline import make_batches
from data_pipeline.sources.adapter import adapter, unregister
from data_pipeline.sources.base import Request
from data_pipeline.sources.records import Record, find_files
from data_pipeline.techniques import TECHNIQUES, find_techniques
from eval import report
from eval.compare.comparison import compare
from eval.compare.entries import parse_entries
from eval.compare.predictions import find_predictions
from eval.folders.evaluation import evaluate
from eval.folders.pairs import find_pairs
from eval.metrics import metric as metrics
from eval.metrics.metric import PictureMetric, chosen_metrics, optional_names
from rvm_jax import matting
from rvm_jax.errors import UserError
from rvm_jax.guidance.jax_ops import network_inputs
from rvm_jax.matting.formats import FORMATS, Format
from rvm_jax.media.frame_source import Frame
from rvm_jax.media.pictures import write_picture
from rvm_jax.media.writer import Destination
from rvm_jax.networks import register

ROOT = Path(__file__).resolve().parents[1]

# --- a network: a package with a DECLARATION -------------------------------------------------------------------------

TOY_NETWORK = '''
    """A network that sees nothing but brightness."""

    from typing import ClassVar, NamedTuple

    import jax
    from flax import nnx

    from rvm_jax.networks.api import Declaration, InputSpec, Preprocessing, recognise_by_channels
    from rvm_jax.networks.image_network import ImageNetwork
    from rvm_jax.networks.layers.basic import Conv2d


    class ToyResult(NamedTuple):
        out: jax.Array

        @property
        def pha(self) -> jax.Array:
            return jax.nn.sigmoid(self.out)

        @property
        def supervised(self) -> jax.Array:
            return self.pha


    class ToyNet(ImageNetwork):
        PREPROCESSING: ClassVar = {"published": Preprocessing()}

        def __init__(self, name: str = "toynet", *, preparation: str = "published", rngs: nnx.Rngs | None):
            super().__init__(name, InputSpec(size_multiple=2), preparation)
            self.toyhead = Conv2d(3, 1, 1, rngs=rngs)

        def forward(self, inputs: jax.Array, key: jax.Array | None) -> ToyResult:
            return ToyResult(self.toyhead(inputs))


    DECLARATION = Declaration(
        names=("toynet",), network=ToyNet, recognise=recognise_by_channels("toyhead.weight", {3: "toynet"})
    )
'''


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder that Python imports packages from; what it imported is forgotten."""
    before = set(sys.modules)
    folder = tmp_path / "packages"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)
    yield folder
    for name in set(sys.modules) - before:
        if name.startswith("toy"):
            del sys.modules[name]


def package(folder: Path, name: str, **modules: str) -> None:
    (folder / name).mkdir()
    for module, text in modules.items():
        (folder / name / f"{module}.py").write_text(textwrap.dedent(text), encoding="utf-8")


def test_a_network(packages: Path, tmp_path: Path) -> None:
    package(packages, "toynet", __init__=TOY_NETWORK)
    import toynet

    picture = np.random.default_rng(0).integers(0, 256, (5, 7, 3)).astype(np.uint8)
    with register(toynet.DECLARATION):
        network = rvm_jax.create("toynet", rngs=1)
        alpha = rvm_jax.PictureMatter(network)(picture)
        assert alpha.shape == (5, 7, 1) and np.ptp(alpha) > 5

        rvm_jax.save(network, tmp_path / "checkpoint")
        rvm_jax.save_torch(network, tmp_path / "toynet.safetensors")
        for again in (rvm_jax.load(tmp_path / "checkpoint"), rvm_jax.load_torch(tmp_path / "toynet.safetensors")):
            assert again.config == {"name": "toynet", "preparation": "published"}
            np.testing.assert_array_equal(rvm_jax.PictureMatter(again)(picture), alpha)

        def error(network: toynet.ToyNet) -> jax.Array:
            batch = {"src": picture[None, None, :4, :6], "pha": picture[None, None, :4, :6, :1]}
            return network(*network_inputs(network, batch)).supervised.mean()

        assert float(abs(nnx.grad(error)(network)["toyhead"]["weight"][...]).max()) > 0
    with pytest.raises(UserError, match="network 'toynet' is unknown"):
        rvm_jax.create("toynet")


# --- a metric: a class -----------------------------------------------------------------------------------------------


@pytest.fixture
def worst() -> Iterator[type[PictureMetric]]:
    @metrics.register
    class Worst(PictureMetric):
        name, title = "worst", "Worst <pixel>"
        legend = "the largest error of a pixel, of alphas in [0, 1]"
        is_main = True

        def compute(self, pred: np.ndarray, label: np.ndarray) -> float:
            return float(np.max(cv2.absdiff(pred, label))) / 255

        def merge(self, values: object) -> float:  # a clip's value is that of its worst frame
            return max(values)  # type: ignore[call-overload]

    yield Worst
    metrics.unregister("worst")


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """A picture that is off by a fifth somewhere, and a clip of two frames, the second off by two fifths."""
    for name, error in (("hands/{}/a.png", 51), ("cups/{}/0/0.png", 0), ("cups/{}/0/1.png", 102)):
        label = np.zeros((24, 32), np.uint8)
        label[:, :16] = 255
        write_picture(tmp_path / "label" / name.format("mask"), label)
        write_picture(tmp_path / "label" / name.format("img"), np.dstack([label] * 3))
        label[3, 3] -= error
        write_picture(tmp_path / "pred" / name.replace("/{}", ""), label)
    return tmp_path / "pred", tmp_path / "label"


def test_a_metric(worst: type[PictureMetric], folders: tuple[Path, Path], tmp_path: Path) -> None:
    pred_dir, label_dir = folders
    assert optional_names()[-1] == "worst"  # what the command line takes
    evaluation = evaluate(find_pairs(pred_dir, label_dir))
    values = {row.category: row.values["worst"].mean for row in evaluation.categories}
    assert values == pytest.approx({"hands": 0.2, "cups": 0.4})
    assert evaluation.mean.values["worst"].mean == pytest.approx(0.3)

    whole = report.tables(evaluation)[-1].cells
    assert [line[whole[0].index("Worst <pixel>")] for line in whole[1:]] == ["0.4000", "0.2000", "0.3000"]
    document = json.loads(report.as_json(evaluation))
    assert document["legend"]["Worst <pixel>"] == worst.legend
    assert [picture["worst"] for picture in document["pictures"]] == pytest.approx([0, 0.4, 0.2])

    entries = parse_entries([f"a={pred_dir}", f"b={pred_dir}"])
    compare(find_predictions(entries, label_dir, tmp_path / "matted", ()), label_dir, tmp_path / "out")
    page = (tmp_path / "out/index.html").read_text()
    assert ">Worst &lt;pixel&gt;</th>" in page and f"<dd>{worst.legend}</dd>" in page
    differences = (tmp_path / "out/tables/differences_to_b.md").read_text()
    assert "Worst <pixel>" in differences.splitlines()[0]


def test_without_it_nothing_knows_the_metric(folders: tuple[Path, Path]) -> None:
    assert "worst" not in evaluate(find_pairs(*folders)).mean.values
    with pytest.raises(ValueError, match="no such metric: worst; there are iou, grad, conn, dtssd, flicker"):
        chosen_metrics(["worst"])


# --- an output format: a class and a row -----------------------------------------------------------------------------


class Means:
    """A format of the user's own: a line a frame."""

    workers = 1

    def __init__(self, to: Destination):
        self._path, self._lines = to.path, [f"rate {to.rate}"]

    @classmethod
    def open(cls, to: Destination) -> "Means":
        return cls(to)

    @staticmethod
    def form(to: Destination, channels: int, deep: bool) -> tuple[str, int]:
        return f"means of {channels} channels", 8

    def write(self, made: np.ndarray, frame: Frame) -> None:
        self._lines.append(f"{frame.name} {float(frame.time)} {round(made.mean())}")

    def close(self) -> None:
        self._path.write_text("\n".join(self._lines))

    def discard(self) -> None:
        self._path.unlink(missing_ok=True)


def test_an_output_format(tmp_path: Path) -> None:
    for number in range(3):
        write_picture(tmp_path / f"clip/{number}.png", np.full((8, 12, 3), 40, np.uint8))
    formats = {**FORMATS, ".means": Format(Means, ("alpha",))}

    def matte(**outputs: Path) -> None:
        matting.matte_video(
            LeakyNetwork(),
            tmp_path / "clip",
            outputs=outputs,
            formats=formats,
            input_rate=Fraction(4),
            progress=False,
        )

    matte(alpha=tmp_path / "a.means")
    # The network's alpha is half of the frame's mean and of what it was before.
    assert (tmp_path / "a.means").read_text().splitlines() == ["rate 4", "0 0.0 20", "1 0.25 30", "2 0.5 35"]
    said = r"unknown output '\.means'; use one of \.mp4, .*\.avi, or a name without a suffix"
    with pytest.raises(UserError, match=said):
        matte(foreground=tmp_path / "f.means")


# --- an occlusion technique: a file; a dataset adapter: a function ---------------------------------------------------

TOY_TECHNIQUE = '''
    """A bar before the lower half of the face."""

    import cv2
    import numpy as np

    from data_pipeline.techniques.layers import stills
    from data_pipeline.techniques.options import TechniqueOptions
    from data_pipeline.techniques.technique import Technique


    def synthesize(face, occluders, rng, options):
        size = (options.resolution, options.resolution)
        still = stills(face)[0]
        src, pha = (cv2.resize(x, size, interpolation=cv2.INTER_NEAREST) for x in (still.rgb, still.alpha))
        src[size[0] // 2 :], pha[size[0] // 2 :] = 255, 0
        return {"src": np.stack([src] * options.seq_length), "pha": np.stack([pha] * options.seq_length)[..., None]}


    TECHNIQUE = Technique(synthesize, {"plain": TechniqueOptions()}, draws="nothing")
'''


@pytest.fixture
def toy_adapter() -> Iterator[None]:
    @adapter("Toys", ("face",), layout="{name}.png", licence="free")
    def toys(root: Path, request: Request) -> Iterable[Record]:
        for stem, picture in find_files(root):
            yield Record(stem, picture, picture)

    yield
    unregister("toys")


@pytest.mark.usefixtures("toy_adapter")
def test_a_technique_and_an_adapter(packages: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package(packages, "toy_techniques", __init__="", bar=TOY_TECHNIQUE)
    import toy_techniques

    found = find_techniques(toy_techniques.__path__, "toy_techniques")
    assert list(found) == ["bar"]
    monkeypatch.setitem(TECHNIQUES, "bar", found["bar"])

    write_picture(tmp_path / "toys/a.png", np.full((40, 40, 3), 200, np.uint8))
    data = {
        "faces": {"main": {"name": "toys", "root": str(tmp_path / "toys")}},
        "techniques": {"main": {"name": "bar"}},
        "resolution": 32,
        "seq_length": 2,
        "trimap": False,
        "seed": 0,
        "workers": 0,
    }
    with make_batches(data, batch_size=1) as batches:
        batch = next(batches)
    assert batch["src"].shape == (1, 2, 32, 32, 3)
    assert (batch["src"][..., :16, :, :] == 200).all() and (batch["src"][..., 16:, :, :] == 255).all()
    assert (batch["pha"][..., :16, :, :] == 200).all() and (batch["pha"][..., 16:, :, :] == 0).all()


# --- the page itself -------------------------------------------------------------------------------------------------


def test_the_page_names_files_that_there_are() -> None:
    page = (ROOT / "docs" / "contributing.md").read_text(encoding="utf-8")
    named = {word for word in page.split("`") if word.endswith(".py") and "/" in word and "mynet" not in word}
    assert len(named) > 5
    assert [name for name in named if not (ROOT / name).exists()] == []
