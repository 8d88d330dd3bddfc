"""Labels as annotation tools write them measure as the same labels in grey do."""

import io
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from eval.compare.entries import Entry, Guidance
from eval.compare.outputs import check_outputs_of
from eval.folders.evaluation import evaluate
from eval.folders.pairs import find_pairs
from rvm_jax.errors import UserError
from rvm_jax.media.pictures import write_picture

INDEX = np.zeros((40, 48), np.uint8)
INDEX[10:30, 8:30] = 1


def _stored(how: str) -> np.ndarray | Image.Image:
    if how == "palette":
        picture = Image.fromarray(INDEX)
        picture.putpalette([0, 0, 0, 128, 0, 0])
        return picture
    if how == "red":
        return np.dstack([INDEX * 255, INDEX * 0, INDEX * 0])
    return INDEX * np.uint8({"grey": 255, "ones": 1}[how])


@pytest.mark.parametrize("how", ["grey", "ones", "palette", "red"])
def test_a_perfect_prediction_is_perfect(tmp_path: Path, how: str) -> None:
    write_picture(tmp_path / "pred/hands/a.png", INDEX * np.uint8(255))
    stored = _stored(how)
    label = tmp_path / "label/hands/mask/a.png"
    label.parent.mkdir(parents=True)
    if isinstance(stored, Image.Image):
        stored.save(label)
    else:
        write_picture(label, stored)
    pairs = find_pairs(tmp_path / "pred", tmp_path / "label")
    values = evaluate(pairs, metrics=["iou"], progress=False).pictures[0].values
    assert values["mad"] == 0 and values["iou"] == 1


def test_maps_of_labels_and_turned_labels(tmp_path: Path) -> None:
    write_picture(tmp_path / "pred/hands/a.png", INDEX * np.uint8(255))
    labels = INDEX * np.uint8(13)
    labels[12:20, 10:20] = 4
    write_picture(tmp_path / "label/hands/mask/a.png", labels)
    pairs = find_pairs(tmp_path / "pred", tmp_path / "label")
    with pytest.raises(UserError, match=r"label/hands/mask/a\.png: its largest value is 13, as in a map of labels"):
        evaluate(pairs, progress=False)

    stream, exif = io.BytesIO(), Image.Exif()
    exif[274] = 6
    Image.fromarray(np.asarray(cv2.rotate(INDEX * np.uint8(255), cv2.ROTATE_90_COUNTERCLOCKWISE))).save(
        stream, "PNG", exif=exif
    )
    (tmp_path / "label/hands/mask/a.png").write_bytes(stream.getvalue())
    assert evaluate(pairs, progress=False).pictures[0].values["mad"] == 0


def test_a_comparison_writes_over_nothing_that_it_compares(tmp_path: Path) -> None:
    out = tmp_path / "out"
    for folder in ("label", "out/predictions/B", "out/sheets/x", "alphas"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "b.safetensors").touch()
    network = Entry("B", tmp_path / "b.safetensors")
    check_outputs_of(out, [network, Entry("A", tmp_path / "alphas")], Guidance(), tmp_path / "label")
    for entries, guidance, label in (
        ([network, Entry("A", out / "predictions/B")], Guidance(), tmp_path / "label"),
        ([network], Guidance(str(out / "predictions/B")), tmp_path / "label"),
        ([network], Guidance(), out / "sheets/x"),
    ):
        with pytest.raises(UserError, match="which is written again; give another output folder"):
            check_outputs_of(out, entries, guidance, label)
