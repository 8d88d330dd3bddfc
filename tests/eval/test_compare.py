"""Comparisons: entries, tables, plots, pictures, and the page, which a real browser opens where there is one."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, cast
from xml.etree import ElementTree

import numpy as np
import pytest
from echo_network import Echo
from leaky_network import LeakyNetwork

import rvm_jax
from eval.compare import comparison, cost, plots
from eval.compare.entries import Guidance, parse_entries, parse_guidance, parse_ratios, ratio_of
from eval.compare.predictions import Predictions, Tools, find_predictions
from eval.metrics.statistics import Estimate
from rvm_jax.errors import UserError
from rvm_jax.media.masks import read_mask
from rvm_jax.media.pictures import read_picture, write_picture
from rvm_jax.media.video_reader import VideoReader
from rvm_jax.networks import Network

Compared = tuple[Path, comparison.Comparison]
Networks = tuple[Path, Path, list[Any], Tools]
ROOT = Path(__file__).parents[2]


def _write(root: Path, error: int) -> Path:
    """Three pictures and two clips of three frames, their alphas too dark by `error`, more so in later ones."""
    for place in range(3):
        alpha = np.zeros((32, 32), np.uint8)
        alpha[8:24, 8 : 16 + 4 * place] = 255
        names = [f"hands/{{}}/{place}.png"]
        names += [f"nets_moving/{{}}/{clip}/{place:05d}.png" for clip in range(2)]
        for index, name in enumerate(names):
            write_picture(root / "label" / name.format("mask"), alpha)
            write_picture(root / "label" / name.format("img"), np.full((32, 32, 3), 90, np.uint8))
            dark = np.where(alpha == 255, 255 - error * (1 + place + index), 0).astype(np.uint8)
            write_picture(root / f"pred{error}" / name.replace("{}/", ""), dark)
    return root / f"pred{error}"


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> Compared:
    root = tmp_path_factory.mktemp("compare")
    entries = parse_entries([f"mine<b>={_write(root, 20)}", f"RVM={_write(root, 5)}"])
    found = find_predictions(entries, root / "label", root / "matted", ())
    return root, comparison.compare(found, root / "label", root / "out")


def test_entries_are_read_and_the_published_come_first(tmp_path: Path) -> None:
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "plain").mkdir()
    names = ["zebra", "RVM", "AEMatter trimap", "RVMish", "AEMatter", "MODNet"]
    entries = parse_entries([*(f"{name}={tmp_path}" for name in names), str(tmp_path / "plain")])
    found = ["AEMatter", "AEMatter trimap", "MODNet", "RVM", "zebra", "RVMish", "plain"]
    assert [entry.name for entry in entries] == found
    assert [entry.is_network for entry in entries] == [True] * 6 + [False]
    with pytest.raises(UserError) as caught:
        parse_entries([f"a={tmp_path}", f"a={tmp_path}", "b=/nowhere", f"={tmp_path}"])
    text = str(caught.value)
    assert text.startswith("3 problems")
    assert "another entry is called a" in text and "/nowhere: no such" in text and "a name is needed" in text
    with pytest.raises(UserError, match="nothing to compare"):
        parse_entries([])


def test_bad_predictions_of_all_entries_are_reported_before_any_network_computes(tmp_path: Path) -> None:
    first, second = _write(tmp_path, 1), _write(tmp_path, 2)
    (first / "hands" / "0.png").unlink()
    write_picture(second / "hands" / "1.png", np.zeros((8, 8), np.uint8))
    (tmp_path / "network" / "checkpoints").mkdir(parents=True)
    entries = parse_entries([f"n={tmp_path / 'network'}", f"a={first}", f"b={second}"])
    with pytest.raises(UserError) as caught:
        find_predictions(entries, tmp_path / "label", tmp_path / "matted", (), tools=Tools(matte=_never))
    assert f"{first / 'hands'}: no .png or .jpg for 1 (0)" in str(caught.value)
    assert f"{second / 'hands' / '1.png'}: 8×8 pixels" in str(caught.value)


def test_sources_of_guidance(tmp_path: Path) -> None:
    (tmp_path / "checkpoints").mkdir()
    entries = parse_entries([f"RVM={tmp_path}", f"MGMatting guided={tmp_path}"])
    assert parse_guidance([], entries) == Guidance("truth", {})
    given = parse_guidance([f"{tmp_path}", "MGMatting guided=RVM"], entries)
    assert (given.of("MGMatting guided"), given.of("RVM")) == ("RVM", str(tmp_path))
    with pytest.raises(UserError) as caught:
        parse_guidance(["nobody", "RVM=absent", "RVM=RVM"], entries)
    assert str(caught.value).startswith("3 problems")
    assert "guidance 'nobody': give truth, an entry's name or a folder" in str(caught.value)
    assert "RVM cannot guide itself" in str(caught.value)


NETWORKS: dict[str, Any] = {
    "leaky": LeakyNetwork(),
    "echo": Echo(),
    "masked": Echo("mask"),
    "trimapped": Echo("trimap"),
}


def _never(*_: object, **__: object) -> None:
    raise AssertionError("no network computes here")


@pytest.fixture
def networks(tmp_path: Path) -> Networks:
    """A benchmark, entries of networks with known answers, the networks that are timed, and what does so."""
    root = tmp_path / "benchmark"
    _write(root, 1)
    timed: list[Any] = []
    for name in NETWORKS:
        (tmp_path / f"{name}.pth").touch()

    def load(path: Path) -> Any:
        return NETWORKS[path.stem]

    def matte(path: Path, *arguments: Any, **settings: Any) -> list[Path]:
        return rvm_jax.matte_pictures(load(path), *arguments, **settings)

    def measure(network: Any, size: tuple[int, int], ratio: Any) -> cost.Cost:
        timed.append(network)
        return cost.Cost(2_500_000, 8_400_000_000, 12.5, size, cost.device_name())

    return root / "label", tmp_path, timed, Tools(load, matte, measure)


def test_networks_matte_the_benchmark_and_guide_each_other(networks: Networks) -> None:
    labels, folder, timed, tools = networks
    given = ("RVM=leaky", "MODNet=echo", "MGMatting guided=masked", "AEMatter trimap=trimapped")
    entries = parse_entries([f"{text.replace('=', f'={folder}/')}.pth" for text in given])
    guidance = parse_guidance(["MGMatting guided=MODNet"], entries)

    def find() -> Predictions:
        return find_predictions(entries, labels, folder / "out/predictions", (), guidance, tools)

    found = find()
    assert {name: facts.guidance for name, facts in found.facts.items()} == {
        "RVM": "none", "MODNet": "none", "MGMatting guided": "MODNet", "AEMatter trimap": "truth"
    }  # fmt: skip
    assert list(found.pairs) == ["MGMatting guided", "AEMatter trimap", "MODNet", "RVM"]
    for pair in found.pairs["MODNet"]:
        assert (read_mask(pair.pred) == 90).all()  # the pictures' blue
    for pair in found.pairs["MGMatting guided"]:
        assert (read_mask(pair.pred) == 0).all()  # 90 is less than one half
    for pair in found.pairs["AEMatter trimap"]:
        trimap = rvm_jax.guidance.derive("trimap", read_mask(pair.label))
        np.testing.assert_array_equal(read_mask(pair.pred) == 255, trimap == 255)
    # 90/2, then (90 + 90/2)/2 …: the state is RVM's, and is reset with each clip.
    moving = [int(read_mask(pair.pred)[0, 0]) for pair in found.pairs["RVM"] if pair.in_clip]
    assert moving == [45, 68, 79] * 2

    table, *_ = comparison.all_tables(comparison.compare(found, labels, folder / "out"))
    assert table.cells[0][:6] == ["network", "guidance", "parameters (M)", "multiply-adds (G)", "frames/s", "units"]
    assert table.cells[1][:6] == ["MGMatting guided", "MODNet", "2.50", "8.40", "12.5", "5"]
    document = json.loads((folder / "out/comparison.json").read_text())
    assert document["entries"]["RVM"]["network"]["size"] == [32, 32]
    assert "one frame of 32×32" in document["legend"]["multiply-adds"]
    assert "<td>12.5</td>" in (folder / "out/index.html").read_text()

    assert len(timed) == 4
    matted = folder / "out/predictions"
    written = {path: path.stat().st_mtime_ns for path in matted.rglob("*.png")}
    shutil.rmtree(matted / "RVM/hands")  # as an interruption would have left it
    assert find() == found and len(timed) == 4
    assert {p.relative_to(matted).parts[0] for p, then in written.items() if p.stat().st_mtime_ns != then} == {"RVM"}
    (folder / "echo.pth").write_bytes(b"trained further")
    find()
    assert timed[4:] == [NETWORKS["echo"], NETWORKS["masked"]]  # and what it guides


def test_entries_may_be_networks_of_the_package_and_see_frames_at_a_ratio(tmp_path: Path) -> None:
    (tmp_path / "checkpoints").mkdir()
    entries = parse_entries(["face", "ours=face", f"RVM={tmp_path}", f"plain={tmp_path}"])
    assert [(entry.name, entry.is_network) for entry in entries[:2]] == [("RVM", True), ("face", True)]
    assert entries[1].files.name == "face.safetensors" and entries[2].path == Path("face")
    ratios = parse_ratios(["RVM=0.25", "plain=auto"], entries)
    assert [ratio_of(entry, ratios) for entry in entries] == [0.25, "auto", "auto", "auto"]
    assert ratio_of(entries[0], {}) == 1
    with pytest.raises(UserError) as caught:
        parse_ratios(["0.5", "nobody=1", "RVM=2", "face=half"], entries)
    text = str(caught.value)
    assert text.startswith("4 problems") and text.count("give name=ratio for a network: RVM, face, ours, plain") == 2
    assert "give RVM=auto, or a number above 0 and up to 1" in text and "give face=auto" in text


def test_a_ratio_reaches_the_network_and_is_part_of_what_was_matted(networks: Networks) -> None:
    labels, folder, timed, tools = networks
    entries = parse_entries([f"RVM={folder}/leaky.pth", f"MODNet={folder}/echo.pth"])
    given: list[Any] = []

    def matte(path: Path, *arguments: Any, downsample_ratio: Any, **settings: Any) -> list[Path]:
        given.append((path.stem, downsample_ratio))
        return tools.matte(path, *arguments, downsample_ratio=1, **settings)  # type: ignore[return-value]

    watched = tools._replace(matte=matte)
    for ratios in ({}, {"RVM": 0.5}, {"RVM": 0.5}):
        find_predictions(entries, labels, folder / "out", (), tools=watched, ratios=ratios)
    assert given == [("echo", 1), ("leaky", 1), ("leaky", 0.5)] and len(timed) == 3
    with pytest.raises(UserError, match="MODNet sees pictures in full; leave its downsample_ratio out"):
        find_predictions(entries, labels, folder / "out", (), tools=watched, ratios={"MODNet": 0.5})


def test_guidance_that_is_missing_or_superfluous_is_said_before_any_network_computes(networks: Networks) -> None:
    labels, folder, _, tools = networks
    tools = tools._replace(matte=_never)
    (folder / "empty").mkdir()
    given = ("RVM=leaky", "guided=masked", "trimapped=trimapped")
    entries = parse_entries([f"{text.replace('=', f'={folder}/')}.pth" for text in given])
    for guidance, said in (
        (["guided=RVM", f"trimapped={folder}/empty"], "empty: no alpha for 9 of 9 pictures"),
        (["RVM=truth"], "RVM takes no guidance; leave RVM=truth out"),
        (["guided=trimapped"], "guided: trimapped is guided itself"),
    ):
        with pytest.raises(UserError, match=said):
            find_predictions(entries, labels, folder / "out", (), parse_guidance(guidance, entries), tools)
    assert not (folder / "out").exists()


def test_a_folder_of_predictions_beside_those_of_networks_is_no_network(networks: Networks) -> None:
    """What it lacks to guide others is said before any network computes, wherever the folder lies."""
    labels, folder, _, tools = networks
    beside = folder / "out/given"
    shutil.copytree(folder / "benchmark/pred1", beside)
    entries = parse_entries([f"given={beside}", f"RVM={folder}/leaky.pth", f"guided={folder}/masked.pth"])
    guidance = parse_guidance(["guided=given"], entries)
    shutil.rmtree(beside / "nets_moving")  # which is not compared, but matted
    with pytest.raises(UserError, match="given: no alpha for 6 of 9 pictures"):
        find_predictions(entries, labels, folder / "out", ("nets_moving",), guidance, tools._replace(matte=_never))


def test_the_cost_of_a_network() -> None:
    seen: list[tuple[Any, ...]] = []

    def count(network: Any, *sides: int) -> int:
        seen.append(sides)
        return 0

    for network in (LeakyNetwork(), Echo("trimap", "published")):
        found = cost.measure(cast(Network, network), (32, 64), count)
        assert found.parameters == int(network.inputs.state)
        assert found.size == (32, 64) and found.frames_per_second > 0
    cost.measure(cast(Network, LeakyNetwork()), (32, 64), count, ratio=0.5)
    assert seen == [(32, 64), (96, 128), (16, 32)]  # the published border is 32 pixels on every side


def test_tables_and_differences(compared: Compared) -> None:
    root, found = compared
    overall, differences, iou, by_category, hands, nets = comparison.all_tables(found)
    assert (iou.title, by_category.title) == ("IoU by category", "MAD by category")
    assert by_category.cells[0][1:] == ["hands", "nets_moving", "mean"]
    assert [line[0] for line in by_category.cells] == ["network", "RVM", "mine<b>"]
    assert by_category.cells[1][1] == hands.cells[1][hands.cells[0].index("MAD")]
    assert overall.cells[1][:5] == ["RVM", "-", "-", "-", "-"]
    assert [line[0] for line in overall.cells] == ["network", "RVM", "mine<b>"]
    assert overall.cells[0][6:10] == ["MSE published", "SAD published", "MSE described", "SAD described"]
    assert (differences.title, hands.title, nets.title) == ("Differences to mine<b>", "hands", "nets_moving")
    difference = differences.cells[1][differences.cells[0].index("MAD")]
    assert difference.startswith("-") and difference.endswith("*")  # RVM is four times better everywhere
    document = json.loads((root / "out" / "comparison.json").read_text())
    values = document["entries"]["RVM"]["mean"]["values"]
    assert 4 * values["mad"]["mean"] == pytest.approx(document["entries"]["mine<b>"]["mean"]["values"]["mad"]["mean"])
    assert len(document["entries"]["RVM"]["by_frame"]) == 3
    assert (root / "out" / "tables" / "overall.tex").read_text().startswith("\\begin{tabular}{lr")


def test_plots_are_valid_and_true(compared: Compared) -> None:
    root, _ = compared
    names = sorted(path.name for path in (root / "out" / "plots").iterdir())
    assert {"mad_by_category.svg", "mad_by_frame_of_the_clip.svg"} <= set(names)
    for name in names:
        ElementTree.parse(root / "out" / "plots" / name)
    drawn = ElementTree.fromstring(
        plots.bars("t", ["a", "b"], {"x": [Estimate(1, 0.5, 2), Estimate(2, np.nan, np.nan)]})
    )
    heights = [float(e.attrib["height"]) for e in drawn.iter() if e.tag.endswith("rect") and e.get("height") != "10"]
    assert heights[1] == pytest.approx(2 * heights[0])


def test_pictures(compared: Compared) -> None:
    root, _ = compared
    sheet = read_picture(root / "out" / "sheets" / "RVM.jpg")
    assert sheet.shape[1] > 8 * 128  # two of four views beside each other
    beside = read_picture(root / "out" / "comparison.jpg")
    assert beside.shape[1] == 3 * 164 + 4 and 4 * 164 < beside.shape[0] < 5 * 164  # four rows of three examples
    with VideoReader(root / "out" / "comparison.mp4") as video:
        frames = list(video)
    assert len(frames) == 2 * 3  # both clips
    truth, pred = frames[2][80, 4 + 132 + 60], frames[2][80, 4 + 3 * 132 + 60]
    assert truth.min() > 240 and 100 < pred.mean() < 220


def test_the_page_asks_for_nothing(compared: Compared) -> None:
    page = (compared[0] / "out" / "index.html").read_text()
    assert not re.search(r"<(img|script|link|iframe)[^>]+(src|href)=", page)
    assert set(re.findall(r"https?://[^\s\"<]+", page)) == {"http://www.w3.org/2000/svg"}
    assert page.count("</script>") == 2 and "<td>mine<b>" not in page


_CHECK = """<script>
const out = {};
const header = [...document.querySelectorAll("th")].find((th) => th.textContent === "MAD");
const names = () => [...header.closest("table").tBodies[0].rows].map((row) => row.cells[0].textContent);
header.click(); out.ascending = names();
header.click(); out.descending = names();
const slider = document.getElementById("slider"), clips = ["layer-true", "layer-pred"];
out.wipes = ["0", "1", "1.5", "2"].map((value) => {
  slider.value = value; slider.dispatchEvent(new Event("input"));
  return clips.map((id) => document.getElementById(id).style.clipPath);
});
const entry = document.getElementById("entry"), before = document.getElementById("layer-pred").src;
entry.selectedIndex = 1; entry.dispatchEvent(new Event("change"));
out.other = document.getElementById("layer-pred").src !== before;
out.error = document.getElementById("error").textContent;
Promise.all([...document.images].map((image) => image.decode())).then(() => {
  out.sizes = [...document.images].map((image) => image.naturalWidth);
  out.offline = performance.getEntriesByType("resource").filter((r) => !r.name.startsWith("data:")).length;
  document.title = "RESULT" + JSON.stringify(out);
});
</script></body>"""


@pytest.mark.skipif(not shutil.which("chromium"), reason="needs Debian's chromium")
def test_the_page_in_a_browser(compared: Compared, tmp_path: Path) -> None:
    page = (compared[0] / "out" / "index.html").read_text().replace("</body>", _CHECK)
    (tmp_path / "page.html").write_text(page)
    command = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=5000", "--dump-dom"]
    command += [f"--user-data-dir={tmp_path / 'profile'}", (tmp_path / "page.html").as_uri()]
    dom = subprocess.run(command, capture_output=True, text=True, timeout=60).stdout
    found = re.search(r"<title>RESULT(.*?)</title>", dom)
    assert found, dom[:2000]
    out = json.loads(found.group(1).replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))
    assert out["ascending"] == ["RVM", "mine<b>"]
    assert out["descending"] == ["mine<b>", "RVM"]
    hidden = [[float(re.findall(r" ([\d.]+)%", clip)[0]) for clip in pair] for pair in out["wipes"]]
    assert hidden == [[100, 100], [0, 100], [0, 50], [0, 0]]  # input, truth, half of the prediction, prediction
    assert out["other"] and out["error"].startswith("mine<b>: MAD")
    assert set(out["sizes"]) == {128} and out["offline"] == 0


def test_script_reports_mistakes_without_a_traceback(tmp_path: Path) -> None:
    command = [
        sys.executable,
        str(ROOT / "scripts" / "compare.py"),
        f"--label_dir={tmp_path}",
        f"--output_dir={tmp_path}",
    ]
    done = subprocess.run([*command, "--entry=x=/nowhere"], capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr == "error: /nowhere: no such folder or file; give predictions, a work directory or weights\n"


def test_an_example_is_a_clips_middle_frame(compared: Compared) -> None:
    root, _ = compared
    page = (root / "out" / "index.html").read_text()
    [written] = re.findall(r'<script id="data" type="application/json">(.*?)</script>', page, re.S)
    data = json.loads(written)
    assert [example["title"] for example in data["examples"]] == ["hands/1", "hands/2", "nets_moving/1"]
    assert data["examples"][2]["errors"]["RVM"] > 0
    assert read_mask(root / "label" / "nets_moving" / "mask" / "1" / "00001.png").max() == 255
