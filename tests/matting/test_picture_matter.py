"""Pictures of any size through any network: preparation, guidance, rounding, and what is refused."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from echo_network import Echo
from flax import nnx
from still_golden import GOLDEN, golden_still

import rvm_jax
from rvm_jax import PictureMatter, UserError, guidance
from rvm_jax.matting import padding
from rvm_jax.matting.frame_by_frame import FrameByFrame
from rvm_jax.media.pictures import write_picture
from rvm_jax.networks.api import Guidance
from rvm_jax.networks.inference import for_inference
from rvm_jax.networks.mgmatting.model import MGMatting
from rvm_jax.networks.modnet.model import MODNet
from rvm_jax.networks.resnet18_unet.model import ResNet18UNet

PUBLISHED, ORIGINAL_MODNET = ResNet18UNet.PREPROCESSING["published"], MODNet.PREPROCESSING["original"]


def random_picture(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3)).astype(np.uint8)


@pytest.mark.parametrize("index", [0, 1])
def test_the_published_test_script(index: int) -> None:
    """Sizes 64x96 and 50x70. The golden tensor is stored as 255 times itself, which are whole numbers."""
    with np.load(GOLDEN / "published_test_script.npz") as golden:
        bgr, tensor, pred, expected = (golden[f"{index}/{key}"] for key in ("bgr", "tensor", "pred", "alpha_uint8"))
    place = padding.place(PUBLISHED, 32, bgr.shape[:2])
    np.testing.assert_array_equal(np.moveaxis(place.put(bgr[..., ::-1]), -1, 0), tensor[0])
    alpha = padding.to_uint8(place.take(np.moveaxis(pred[0], 0, -1)), PUBLISHED)
    np.testing.assert_array_equal(alpha[..., 0], expected)


def test_rounding() -> None:
    alpha = np.array([-0.1, 0, 0.5, 0.999, 1.05], np.float32)
    np.testing.assert_array_equal(padding.to_uint8(alpha), [0, 0, 128, 255, 255])
    np.testing.assert_array_equal(padding.to_uint8(alpha, MGMatting.PREPROCESSING["original"]), [0, 0, 127, 254, 255])
    np.testing.assert_array_equal(padding.to_uint8(alpha, PUBLISHED), [231, 0, 127, 254, 11])


def test_centred_padding_is_opencvs_border_reflect() -> None:
    picture = random_picture(50, 61)
    place = padding.place(Echo.PREPROCESSING["original"], 32, (50, 61))
    expected = cv2.copyMakeBorder(picture, 7, 7, 1, 2, cv2.BORDER_REFLECT)
    np.testing.assert_array_equal(place.put(picture), expected)
    np.testing.assert_array_equal(place.take(expected), picture)


@pytest.mark.parametrize(
    ("size", "inner"),
    [((600, 900), (512, 768)), ((900, 600), (768, 512)), ((100, 150), (512, 768)), ((500, 700), (480, 672))],
)
def test_modnets_own_resizing(size: tuple[int, int], inner: tuple[int, int]) -> None:
    assert padding.place(ORIGINAL_MODNET, 32, size).inner == inner


@pytest.mark.parametrize("size", [(32, 20), (7, 9), (13, 40)])
def test_area_resizing(size: tuple[int, int]) -> None:
    torch = pytest.importorskip("torch")
    x = np.random.default_rng(0).random((13, 20, 3), np.float32)
    expected = torch.nn.functional.interpolate(torch.from_numpy(np.moveaxis(x, -1, 0)[None]), size, mode="area")
    np.testing.assert_allclose(padding.resize_area(x, size), np.moveaxis(expected[0].numpy(), 0, -1), rtol=0, atol=1e-6)


@pytest.mark.parametrize("preparation", ["published", "original", "edge"])
def test_pictures_come_back_in_their_size_and_place(preparation: str) -> None:
    picture = random_picture(50, 70)
    alpha = PictureMatter(Echo(preparation=preparation))(picture)
    assert alpha.dtype == np.uint8
    np.testing.assert_array_equal(alpha, picture[..., 2:])


def test_faithful_rounding_wraps_where_the_network_has_no_bounds() -> None:
    picture = random_picture(32, 32)
    exact = 1.5 * picture[..., 2:].astype(int)
    wrapped = PictureMatter(Echo(preparation="published", gain=1.5), faithful=True)(picture)
    assert ((wrapped - np.floor(exact).astype(int) + 1) % 256 <= 2).all()  # 256 wraps to 0
    clipped = PictureMatter(Echo(preparation="published", gain=1.5))(picture)
    np.testing.assert_allclose(clipped, np.minimum(exact, 255), atol=0.5 + 1e-3)


def test_masks_and_trimaps() -> None:
    picture, rng = random_picture(40, 64), np.random.default_rng(1)
    mask = rng.integers(0, 256, (40, 64)).astype(np.uint8)
    np.testing.assert_array_equal(PictureMatter(Echo("mask"))(picture, mask)[..., 0], np.where(mask >= 128, 255, 0))
    trimap = rng.choice(np.array([0, 128, 255], np.uint8), (40, 64))
    half = PictureMatter(Echo("trimap", "published", gain=0.5), faithful=True)(picture, trimap)
    np.testing.assert_array_equal(half[..., 0], np.where(trimap == 255, 127, 0))
    known = PictureMatter(Echo("trimap", "original", gain=0.5))(picture, trimap)
    np.testing.assert_array_equal(known[..., 0], np.where(trimap == 255, 255, 0))


@pytest.mark.parametrize(
    ("kind", "values", "said"),
    [
        ("mask", None, "echo: needs a mask beside the picture"),
        ("mask", np.zeros((40, 32), np.uint8), "echo: the mask is 40×32, but its picture is 40×64"),
        ("mask", np.ones((40, 64), np.uint8), "echo: the mask has no value above 1"),
        ("mask", np.ones((40, 64), np.float32), "echo: the mask is float32; pass uint8, 0 to 255"),
        ("trimap", None, "echo: needs a trimap beside the picture"),
        ("trimap", np.full((40, 64), 127, np.uint8), "echo: the trimap has the value 127; only 0, 128 and 255"),
        (None, np.zeros((40, 64), np.uint8), "echo takes the picture alone"),
    ],
)
def test_guidance_that_does_not_fit(kind: Guidance | None, values: np.ndarray | None, said: str) -> None:
    with pytest.raises(UserError, match=said):
        PictureMatter(Echo(kind))(random_picture(40, 64), values)


def test_pictures_of_another_kind() -> None:
    for picture in (np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3), np.float32)):
        with pytest.raises(UserError, match=r"echo: the picture is .*; pass RGB"):
            PictureMatter(Echo())(picture)


def test_guidance_from_files_and_alphas(tmp_path: Path) -> None:
    alpha = np.zeros((640, 300), np.uint8)
    alpha[100:500, 50:250] = 255
    alpha[300:310, 100:110] = 128
    trimap = guidance.derive("trimap", alpha)
    assert trimap[93, 150] == trimap[106, 150] == 128  # 7 pixels of 640 on both sides of the edge
    assert (trimap[92, 150], trimap[107, 150], trimap[305, 150]) == (0, 255, 255)
    assert trimap[295, 105] == 128
    np.testing.assert_array_equal(guidance.derive("mask", alpha[..., None]), np.where(alpha >= 128, 255, 0))
    write_picture(tmp_path / "trimap.png", trimap)
    np.testing.assert_array_equal(guidance.read_guidance(tmp_path / "trimap.png", "trimap", (640, 300)), trimap)
    write_picture(tmp_path / "trimap.png", np.where(trimap == 128, np.uint8(127), trimap))
    with pytest.raises(UserError, match=r"trimap\.png: the trimap has the value 127"):
        guidance.read_guidance(tmp_path / "trimap.png", "trimap", (640, 300))


@pytest.mark.parametrize("preparation", ["published", "original", "edge", "resized"])
def test_frame_by_frame_stands_in_for_rvm(preparation: str) -> None:
    """Chunks of a stream come out as its single pictures do."""
    network = Echo(preparation=preparation)
    matter = rvm_jax.Matter(FrameByFrame(network), 1)
    clip = np.stack([random_picture(50, 70), random_picture(50, 70)[::-1]])
    matte = matter(clip)
    assert matte.fgr is None
    for frame, pha in zip(clip, np.asarray(matte.pha), strict=True):
        np.testing.assert_allclose(pha, PictureMatter(network).alpha(frame), rtol=0, atol=1e-6)
    assert rvm_jax.Matter(FrameByFrame(network), 0.5)(clip).pha.shape == (2, 50, 70, 1)


def test_frame_by_frame_has_no_masks() -> None:
    with pytest.raises(UserError, match="echo needs a mask for every frame"):
        FrameByFrame(Echo("mask"))


def test_rvm_mattes_pictures_too() -> None:
    matter = PictureMatter(rvm_jax.create("rvm", foreground=False))
    assert matter(random_picture(33, 50)).shape == (33, 50, 1)


def test_inference_divides_by_the_spectral_norm_once() -> None:
    network = golden_still("mgmatting")
    encoder = network.encoder.layer2[0]
    copy = for_inference(encoder)
    x = np.random.default_rng(0).random((1, 16, 16, 64), np.float32)
    np.testing.assert_allclose(copy(x), encoder(x), rtol=0, atol=1e-5)
    assert not any(hasattr(module, "weight_bar") for _, module in nnx.iter_modules(copy))
    assert any(hasattr(module, "weight_bar") for _, module in nnx.iter_modules(encoder))
