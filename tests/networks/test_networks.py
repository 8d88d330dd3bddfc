"""One interface for all networks: making, recognising, writing and reading them, and what they refuse."""

from pathlib import Path
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import tiny_network
from flax import nnx
from golden_data import golden_state_dict
from still_golden import golden_still, golden_weights
from weight_files import assert_same_bits, save_safetensors

import rvm_jax
from rvm_jax import UserError
from rvm_jax.networks import functional, names, register
from rvm_jax.networks.api import InputSpec, Preprocessing
from rvm_jax.networks.backbones.swin import WindowAttention
from rvm_jax.networks.cost import multiply_adds, parameters
from rvm_jax.networks.image_network import ImageNetwork
from rvm_jax.networks.layers.basic import Conv2d
from rvm_jax.networks.layers.spectral_norm import SpectralConvTranspose2d
from rvm_jax.networks.resnet18_unet.model import UNetResult
from rvm_jax.notices import Notice
from rvm_jax.weights import files, torch_weights

STILLS = tuple(name for name in names() if name != "rvm")
GUIDANCE = {"mgmatting_guided": "mask", "aematter_trimap": "trimap"}
# As baselines count them: PyTorch has the spectral norm's vectors among its parameters.
PARAMETERS = {
    "resnet18_unet": 14_328_209,
    "modnet": 6_487_075,
    "mgmatting": 29_699_993 - 103_926,
    "mgmatting_guided": 29_700_587 - 103_944,
    "aematter": 51_183_884,
    "aematter_trimap": 51_186_044,
}


@pytest.mark.parametrize("name", STILLS)
def test_round_trip_is_bit_equal_in_order(tmp_path: Path, name: str) -> None:
    tensors = golden_weights(name)
    path = save_safetensors(tmp_path / "in.safetensors", {f"module.{key}": tensor for key, tensor in tensors.items()})
    with pytest.warns(Notice, match="the weights are those found at module"):
        network = rvm_jax.load_torch(path)
    assert network.config == rvm_jax.create(name, rngs=None).config
    assert_same_bits(torch_weights.state_dict(network), tensors)
    assert sum(x.size for x in functional.split(network)[1].values()) == PARAMETERS[name]


def test_tensors_of_two_keys_are_written_twice(tmp_path: Path) -> None:
    tensors = golden_weights("modnet")
    rvm_jax.save_torch(golden_still("modnet"), tmp_path / "out.safetensors")
    again = files.read_state_dict(tmp_path / "out.safetensors")
    assert len(again) == len(tensors) == 751
    assert_same_bits({key: again[key] for key in tensors}, tensors)


def test_checkpoints_keep_settings_and_order(tmp_path: Path) -> None:
    network = rvm_jax.create("modnet", preparation="original", rngs=None)
    torch_weights.set_state_dict(network, golden_weights("modnet"), "modnet")
    rvm_jax.save(network, tmp_path / "checkpoint")
    again = rvm_jax.load(tmp_path / "checkpoint")
    assert again.config == {"name": "modnet", "preparation": "original"}
    assert_same_bits(torch_weights.state_dict(again), golden_weights("modnet"))


def test_rvm_by_the_same_calls(tmp_path: Path) -> None:
    network = rvm_jax.create("rvm", variant="mobilenetv3", foreground=False, rngs=None)
    assert isinstance(network, rvm_jax.MattingNetwork)
    assert network.inputs.names == ("picture", "state")
    assert network.inputs.size_multiple == 1
    src = jnp.ones((1, 2, 2, 3))
    assert network.normalise(src) is src
    path = save_safetensors(tmp_path / "face.safetensors", golden_state_dict("face"))
    assert rvm_jax.load_torch(path).config == network.config
    with pytest.raises(UserError, match="network 'rvm' has no setting 'preparation'; it has variant, refiner, "):
        rvm_jax.load_torch(path, preparation="original")


@pytest.mark.parametrize("name", STILLS)
def test_declarations(name: str) -> None:
    network = rvm_jax.create(name, rngs=None)
    guidance = GUIDANCE.get(name)
    assert network.inputs.names == (("picture", guidance) if guidance else ("picture",))
    assert network.inputs.size_multiple == 32
    assert isinstance(network.preprocessing, Preprocessing)
    assert rvm_jax.create(**network.config, rngs=None).config == network.config


def test_normalisation_is_the_preparations() -> None:
    src = np.full((1, 2, 2, 3), 0.25, np.float32)
    np.testing.assert_array_equal(rvm_jax.create("modnet", rngs=None).normalise(src), src)
    np.testing.assert_array_equal(rvm_jax.create("modnet", preparation="original", rngs=None).normalise(src), src * -2)
    guided = rvm_jax.create("mgmatting_guided", rngs=None).normalise(src)
    np.testing.assert_allclose(guided[0, 0, 0], (0.25 - np.array([0.485, 0.456, 0.406])) / [0.229, 0.224, 0.225], 1e-5)


def test_names_and_settings_that_there_are_not() -> None:
    with pytest.raises(UserError, match="network 'unet' is unknown; use one of rvm, aematter, aematter_trimap, "):
        rvm_jax.create("unet")
    with pytest.raises(UserError, match="network 'modnet' has no setting 'variant'; it has preparation"):
        rvm_jax.create("modnet", variant="resnet50")
    with pytest.raises(UserError, match="resnet18_unet: preparation 'original' is unknown; use published"):
        rvm_jax.create("resnet18_unet", preparation="original")


def test_a_network_from_outside_is_known_until_it_is_taken_out(tmp_path: Path) -> None:
    assert "tiny" not in names()
    with register(tiny_network.DECLARATION):
        assert names()[-1] == "tiny"
        network = rvm_jax.create("tiny")
        rvm_jax.save(network, tmp_path / "checkpoint")
        assert rvm_jax.load(tmp_path / "checkpoint").config == tiny_network.CONFIG
        with pytest.raises(UserError, match="a network called 'tiny' is registered already"):
            register(tiny_network.DECLARATION)
    with pytest.raises(UserError, match="network 'tiny' is unknown"):
        rvm_jax.create("tiny")


def test_no_room_but_their_packages_names_a_network() -> None:
    room = Path(rvm_jax.__file__).parent
    files = (*room.glob("networks/*.py"), *room.glob("networks/layers/**/*.py"), *room.glob("weights/*.py"))
    said = {(path.name, name) for path in files for name in names() if f'"{name}"' in path.read_text(encoding="utf-8")}
    assert said == set()


@pytest.mark.parametrize("name", names())
def test_parts_hold_all_parameters(name: str) -> None:
    network = rvm_jax.create(name, rngs=None)
    assert {key.split(".")[0] for key in functional.split(network)[1]} == set(network.parts)


def test_seeds_draw_starting_weights() -> None:
    one, same, other = (torch_weights.state_dict(rvm_jax.create("resnet18_unet", rngs=seed)) for seed in (0, 0, 1))
    key = "encoder.conv1.weight"
    np.testing.assert_array_equal(one[key], same[key])
    assert not np.array_equal(one[key], other[key])


def image(*shape: int) -> np.ndarray:
    return np.zeros((*shape, 3), np.float32)


MASK, TRIMAP = np.zeros((1, 64, 96, 1), np.float32), np.eye(3, dtype=np.float32)[np.zeros((1, 64, 96), int)]


@pytest.mark.parametrize(
    ("name", "inputs", "said"),
    [
        ("modnet", (image(1, 64, 80),), "modnet needs sides that are multiples of 32, not 64×80; .*PictureMatter"),
        ("modnet", (np.zeros((1, 64, 96, 3), np.uint8),), "modnet: the image is uint8; pass float pictures"),
        ("modnet", (image(64, 96),), r"modnet: the image has shape \(64, 96, 3\); pictures are \(B, H, W, 3\)"),
        ("modnet", (image(1, 64, 96), MASK), "modnet takes the image alone"),
        ("mgmatting_guided", (image(1, 64, 96),), r"mgmatting_guided needs a mask .* of shape \(1, 64, 96, 1\)"),
        ("mgmatting_guided", (image(1, 64, 64), MASK), r"the mask has shape \(1, 64, 96, 1\), but .* \(1, 64, 64, 1\)"),
        (
            "mgmatting_guided",
            (image(1, 64, 96), MASK + 128),
            "the mask has values other than 0 and 1; pass mask >= 128",
        ),
        ("aematter_trimap", (image(1, 64, 96),), r"aematter_trimap needs a trimap .* of shape \(1, 64, 96, 3\)"),
        (
            "aematter_trimap",
            (image(1, 64, 96), MASK),
            r"the trimap has shape \(1, 64, 96, 1\), but .* \(1, 64, 96, 3\)",
        ),
        ("aematter_trimap", (image(1, 64, 96), 0 * TRIMAP), "the trimap is not one-hot; its channels are trimap == 0"),
    ],
)
def test_inputs_of_another_kind_are_refused(name: str, inputs: Any, said: str) -> None:
    with pytest.raises(UserError, match=said):
        rvm_jax.create(name, rngs=None)(*inputs)


def test_frames_of_a_clip_are_pictures_of_their_own() -> None:
    network = rvm_jax.create("resnet18_unet", rngs=None)
    shapes = jax.eval_shape(network, np.zeros((2, 3, 32, 64, 3), np.float32))
    assert shapes.out.shape == (2, 3, 32, 64, 1)


def test_a_file_of_other_input_channels(tmp_path: Path) -> None:
    tensors = golden_weights("mgmatting_guided") | {
        "encoder.conv1.module.weight_bar": np.zeros((32, 6, 3, 3), np.float32)
    }
    with pytest.raises(UserError, match=r"weight_bar takes 6 channels; the networks that have it take 3 or 4"):
        rvm_jax.load_torch(save_safetensors(tmp_path / "odd.safetensors", tensors))


def test_resnet18_from_imagenets_encoder(tmp_path: Path) -> None:
    golden = golden_weights("resnet18_unet")
    encoder = {key.removeprefix("encoder."): x for key, x in golden.items() if key.startswith("encoder.")}
    path = save_safetensors(tmp_path / "resnet18.safetensors", encoder | {"fc.weight": np.zeros((10, 8), np.float32)})
    network = rvm_jax.create("resnet18_unet")
    head = torch_weights.state_dict(network)["segmentation_head.0.weight"]
    rvm_jax.load_backbone(network, path)
    tensors = torch_weights.state_dict(network)
    assert all(np.array_equal(tensors[f"encoder.{key}"], x) for key, x in encoder.items())
    np.testing.assert_array_equal(tensors["segmentation_head.0.weight"], head)
    with pytest.raises(UserError, match="mgmatting starts without an encoder's file"):
        rvm_jax.load_backbone(rvm_jax.create("mgmatting", rngs=None), path)


def test_multiply_adds_are_counted_in_every_kind_of_layer() -> None:
    class Layers(ImageNetwork):
        PREPROCESSING: ClassVar = {"published": Preprocessing()}

        def __init__(self) -> None:
            super().__init__("layers", InputSpec(size_multiple=8), "published")
            self.conv = Conv2d(3, 4, 3, stride=2, rngs=None)
            self.depthwise = Conv2d(4, 4, 5, groups=4, rngs=None)
            self.doubles = SpectralConvTranspose2d(4, rngs=nnx.Rngs(0))
            self.attn = WindowAttention(4, 2, rngs=None)

        def forward(self, inputs: Any, key: Any) -> Any:
            x = self.doubles(self.depthwise(self.conv(inputs)))
            tokens = self.attn(x[:, :7, :7].reshape(1, 1, 49, 4), None)
            return UNetResult(x + tokens.sum())

    convolutions = 64 * (9 * 12) + 64 * (25 * 4) + 256 * (4 * 16)
    attention = 49 * (4 * 12 + 4 * 4) + 2 * (49 * 49 * 4)
    # The transposed convolution's weight is divided by its norm in the program: W'u (of 64 by 4) and v·u.
    norm = 4 * 64 + 4
    assert multiply_adds(Layers(), 13, 16) == convolutions + attention + norm

    assert parameters(rvm_jax.create("modnet", rngs=None)) == PARAMETERS["modnet"]
