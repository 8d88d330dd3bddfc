"""Nothing that is read is ever written over, and no result by another: said before any work."""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import cast

import numpy as np
import pytest
from absl import flags
from clips import moving_square, write_clip
from leaky_network import LeakyNetwork

from rvm_jax import matting
from rvm_jax.errors import UserError
from rvm_jax.matting import command
from rvm_jax.matting.weights import Weights
from rvm_jax.media.pictures import write_picture
from rvm_jax.networks.api import Network
from rvm_jax.output_paths import check_output_folders, check_outputs

ROOT = Path(__file__).resolve().parents[2]
CLIP = moving_square(3)
Run = Callable[..., None]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """Runs the command in the test's folder on the leaky network."""
    monkeypatch.chdir(tmp_path)

    def load(weights: Weights, preparation: str | None = None, /) -> Network:
        return cast(Network, LeakyNetwork())

    def run(*arguments: str) -> None:
        flags.FLAGS.unparse_flags()
        for name in flags.FLAGS:
            flags.FLAGS[name].unparse()
        flags.FLAGS(["rvm-matte", "--noprogress", "--checkpoint=net", *arguments])
        command.main(["rvm-matte"], load=load)

    yield run
    for name in flags.FLAGS:
        flags.FLAGS[name].unparse()
    flags.FLAGS.mark_as_parsed()


def _content(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.mark.parametrize("dry", [(), ("--dry_run",)])
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--input_source=*/v.mp4", "--output_dir=out"], r"a/v\.mp4 and b/v\.mp4 would both become out/v_alpha\.mp4"),
        (["--input_source=a/*", "--output_alpha=out/x.mp4"], r"a/v\.mkv and a/v\.mp4 would both become out/x\.mp4"),
        (["--input_source=a/*", "--output_alpha={stem}.mp4"], r"would both become v\.mp4"),
        (["--input_source=set*", "--output_dir=out"], r"set1/p\.png and set2/p\.png would both become out/p\.png"),
    ],
)
def test_results_of_several_inputs_keep_their_names_apart(
    tmp_path: Path, run: Run, dry: tuple[str, ...], arguments: list[str], said: str
) -> None:
    for name in ("a/v.mp4", "a/v.mkv", "b/v.mp4"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        write_clip(tmp_path / name, CLIP)
    for name in ("set1/p.png", "set2/p.png"):
        write_picture(tmp_path / name, CLIP[0])
    before = _content(tmp_path)
    with pytest.raises(UserError, match=said):
        run(*arguments, *dry)
    assert _content(tmp_path) == before


@pytest.mark.parametrize(
    ("arguments", "lost"),
    [
        (["--output_composition=clip.mkv"], r"clip\.mkv: its result"),
        (["--output_alpha=../here/clip.mkv"], r"clip\.mkv: the result .*the same file"),
        (["--output_alpha=link.mkv"], r"clip\.mkv: the result link\.mkv, which is the same file"),
        (["--output_alpha=hard.mkv"], r"clip\.mkv: the result hard\.mkv, which is the same file"),
        (["--background=back.mkv", "--output_composition=back.mkv"], r"back\.mkv: its result"),
        (["--background=back.png", "--output_comparison=back.png"], r"back\.png: its result"),
        (["--face_mask=back.mkv", "--output_alpha=back.mkv"], r"back\.mkv: its result"),
        (["--face_mask=masks", "--output_comparison=masks/0.png"], r"masks: the result masks/0\.png would be one"),
        (["--guidance_alpha=back.mkv", "--output_alpha=back.mkv"], r"back\.mkv: its result"),
        (["--face_file=faces.csv", "--output_occlusion=faces.csv"], r"faces\.csv: its result"),
        (["--output_dir=."], r"clip_alpha\.mp4: the result"),
    ],
)
def test_a_result_never_replaces_what_is_read(tmp_path: Path, run: Run, arguments: list[str], lost: str) -> None:
    here = tmp_path / "here"
    here.mkdir()
    write_clip(here / "clip.mkv", CLIP)
    write_clip(here / "back.mkv", CLIP)
    write_picture(here / "back.png", CLIP[0])
    write_picture(here / "masks/0.png", CLIP[0])
    (here / "faces.csv").write_text("frame,x,y,width,height\n0,5,5,30,30\n")
    (here / "link.mkv").symlink_to("clip.mkv")
    (here / "hard.mkv").hardlink_to(here / "clip.mkv")
    if arguments == ["--output_dir=."]:  # an earlier result as the background of the next run
        write_clip(here / "clip_alpha.mp4", CLIP)
        arguments = [*arguments, f"--background={tmp_path}/here/clip_alpha.mp4"]
    before = _content(here)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(here)
        for dry in ((), ("--dry_run",)):
            with pytest.raises(UserError, match=lost):
                run("--input_source=clip.mkv", *arguments, *dry)
    assert _content(here) == before


def test_the_function_checks_as_the_command_does(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", CLIP)
    for outputs in ({"alpha": clip}, {"alpha": tmp_path / "a.mp4", "composition": clip}):
        with pytest.raises(UserError, match=r"clip\.mp4: its result would replace it"):
            matting.matte_video(LeakyNetwork(), clip, outputs=outputs, progress=False)
    write_picture(tmp_path / "back.png", CLIP[0])
    write_picture(tmp_path / "in/back.jpg", CLIP[0])
    with pytest.raises(UserError, match=r"back\.png: its result would replace it"):
        matting.matte_pictures(
            LeakyNetwork(),
            tmp_path / "in",
            tmp_path,
            output_kind="composition",
            background=tmp_path / "back.png",
            progress=False,
        )
    assert not (tmp_path / "a.mp4").exists()


# What each command is given so that it would lose something; all in one folder, `{}`.
_NET, _LINK, _RECIPE = "{}/net.safetensors", "{}/link.safetensors", "--config={}/recipe.py"
_LOSSES = {
    "convert": [f"--input={_NET}", f"--output={_LINK}"],
    "export": [f"--checkpoint={_NET}", f"--output={_LINK}"],
    "evaluate": ["--pred_dir={}/pred", "--label_dir={}/label", "--output={}/label/hands/mask/a.png"],
    "compare": ["--label_dir={}/work/tables", "--output_dir={}/work", "--entry=a={}/pred"],
    "plot_run": ["--runs={}/run", "--output={}/run/metrics.jsonl"],
    "prepare_data": ["--name=folder", "--root={}/out/folder/x", "--output_dir={}/out"],
    "inspect_data": ["--name=folder", "--root={}/out", "--output_dir={}/out"],
    "preview_data": [_RECIPE, "--output={}/work/checkpoints/faces/img/a.png"],
    "generate_occlusions": [_RECIPE, "--output_dir={}/work"],
    "make_benchmark": [_RECIPE, "--output_dir={}/work"],
    "train": [_RECIPE, "--workdir={}/work"],
    "sweep": [_RECIPE, "--workdir={}/work"],
    "make_demo": [f"--checkpoint={_NET}", "--output_dir={}"],
    "make_people_assets": [f"--wheel={_NET}", f"--output={_LINK}"],
    "ship_weights": ["--checkpoint={}/run", "--output={}/run/metrics.jsonl"],
    "draw_matting": ["--output_dir=work/matting/pictures"],
    "draw_model_card": ["--clip={}/pred/face.jpg", "--faces={}/label", "--output_dir={}/pred"],
    "draw_surfaces": ["--pictures={}/label", "--output={}/label/hands/mask/a.png"],
    "study": ["--config=configs/study.py", "--phase=pilot", "--workdir={}", "--real_faces={}/label"],
    "study_faces": ["--config=configs/people_or_drawn.py", "--faces={}/label", "--workdir={}"],
    "render_people": ["--option=backgrounds={}/label", "--output_dir={}"],
    "benchmark_page": ["--json={}/recipe.py", "--output={}/recipe.py"],
    "benchmark": ["feed", "--json={}/recipe.py", _RECIPE],
}
# What reads no file that its results could be named like, or leaves the writing to the commands above.
_READ_NOTHING = {
    "compare_training", "draw_people", "draw_techniques", "evaluate_people", "fuzz", "gpu_report", "kill_test",
    "quickstart",
}  # fmt: skip
_TEXT = """
from configs import technique_sweep
def get_config():
    config = technique_sweep.get_config("tiny")
    config.sweep.contenders = {"bare": {"main": {"name": "faceocc"}}, "checkpoints": {"main": {"name": "faceocc"}}}
    config.data.faces = {"main": {"name": "folder", "root": "{}/work/checkpoints/faces"}}
    return config
"""
# Starts each command in a process of its own; what all import, they share.
_STARTER = """
import os, runpy, sys, traceback
import rvm_jax.matting.video, rvm_jax.train.loop, data_pipeline.pipeline, eval.folders.evaluation
rvm_jax.process.configure_process("worker")  # a training's would start the program anew
for name, *arguments in map(str.split, sys.stdin):
    process = os.fork()
    if process == 0:
        with open(sys.argv[1] + f"/{name}", "w") as log:
            os.dup2(log.fileno(), 1)
            os.dup2(log.fileno(), 2)
        sys.argv = [f"scripts/{name}.py", *arguments]
        try:
            runpy.run_path(sys.argv[0], run_name="__main__")
        except Exception:
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(0)
    os.waitpid(process, 0)
"""


def test_every_script_that_writes_is_tried() -> None:
    writing = {
        path.stem
        for path in (ROOT / "scripts").glob("[!_]*.py")
        if re.search(r'DEFINE_string\(\s*"(output|output_dir|workdir|json|out)"', path.read_text())
    }
    assert writing | {"export"} == _LOSSES.keys() | _READ_NOTHING


def test_no_script_writes_over_what_it_reads(tmp_path: Path) -> None:
    """The commands for everything else, by another name for the file that they read."""
    here, logs = tmp_path / "here", tmp_path / "logs"
    weights = here / "net.safetensors"
    for name in ("pred/hands/a.png", "label/hands/mask/a.png", "out/folder/x/a.png", "out/folder.png", "pred/face.jpg"):
        write_picture(here / name, CLIP[0])
    for name in ("checkpoints/faces/img/a.png", "tables/hands/mask/a.png"):
        write_picture(here / "work" / name, CLIP[0])
    weights.write_bytes(b"weights")
    (here / "link.safetensors").symlink_to(weights)
    (here / "recipe.py").write_text(_TEXT.replace("{}", str(here)))
    (here / "run").mkdir()
    (here / "run/metrics.jsonl").write_text('{"step": 1, "loss": 2}\n')
    logs.mkdir()
    before = _content(here)
    lines = "".join(f"{script} {' '.join(arguments)}\n" for script, arguments in _LOSSES.items())
    subprocess.run(
        [sys.executable, "-c", _STARTER, logs],
        input=lines.replace("{}", str(here)),
        text=True,
        cwd=ROOT,
        env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},  # Python's own, beside the recipe
        check=True,
    )
    lost = ("would replace it", "which is written again", "would be one of its files")
    said = {script: (logs / script).read_text() for script in _LOSSES}
    for script, text in said.items():
        errors = [line for line in text.splitlines() if line.startswith("error: ")]
        assert len(errors) == 1 and any(words in errors[0] for words in lost), (script, text)
    assert _content(here) == before


def test_names_that_differ_are_no_clash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    check_outputs(["."], [tmp_path / "a.mp4"])
    for name in ("in/a.mp4", "in/b.mp4", "frames/0.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    check_outputs(
        {"a": [tmp_path / "out/a.mp4", tmp_path / "out"], "b": [tmp_path / "out/A.mov"]},
        [tmp_path / "in/a.mp4", tmp_path / "frames", "gs://bucket/a.mp4"],
        below=[tmp_path / "in"],
    )
    check_outputs([tmp_path / "frames/alpha", tmp_path / "frames/alpha.mp4"], [tmp_path / "frames"])
    check_output_folders([tmp_path / "out", tmp_path / "more"], [tmp_path / "in", tmp_path / "outside"])


def test_folders_that_are_filled_hold_no_input(tmp_path: Path) -> None:
    (tmp_path / "data/faces").mkdir(parents=True)
    (tmp_path / "link").symlink_to("data")
    for folder in (tmp_path / "data", tmp_path / "data/faces", tmp_path / "link/faces", tmp_path):
        with pytest.raises(UserError, match=r"faces: lies in .*, which is written again; give another output folder"):
            check_output_folders([folder], [tmp_path / "data/faces"])
    with pytest.raises(UserError, match="two outputs would have this name"):
        check_output_folders([tmp_path / "data", tmp_path / "link"], [])
    with pytest.raises(UserError, match=r"faces: lies in .*data, which is written, too"):
        check_output_folders([tmp_path / "link/faces", tmp_path / "data"], [])
    (tmp_path / "data/faces/a.png").touch()
    with pytest.raises(UserError, match=r"data: the result .*a\.png would be one of its files"):
        check_outputs([tmp_path / "link/faces/a.png"], below=[tmp_path / "data"])


def test_one_file_by_two_cases_of_its_name(tmp_path: Path) -> None:
    check_outputs([tmp_path / "A.mp4", tmp_path / "a.mp4"])
    folder = tmp_path / "Out"  # is found in either case, as by the file systems of macOS and Windows
    folder.mkdir()
    (tmp_path / "oUT").symlink_to("Out")
    with pytest.raises(UserError, match=r"A\.mp4: two outputs would have this name"):
        check_outputs([folder / "A.mp4", folder / "a.mp4"])
    with pytest.raises(UserError, match=r"Clip\.MP4: .*the same file"):
        check_outputs([folder / "clip.mp4"], [folder / "Clip.MP4"])


def test_frames_left_by_an_interrupted_run_are_not_removed_as_its_rest(tmp_path: Path) -> None:
    rest = tmp_path / ".alpha.partial"
    write_picture(rest / "00000.png", np.zeros((4, 4), np.uint8))
    with pytest.raises(UserError, match=r"\.alpha\.partial: the result .*alpha would be one of its files"):
        check_outputs([tmp_path / "alpha"], [rest])


def test_names_that_lead_nowhere(tmp_path: Path, run: Run) -> None:
    write_clip(tmp_path / "clip.mkv", CLIP)
    (tmp_path / "loop.mp4").symlink_to("loop.mp4")
    for arguments, said in (
        (["--input_source=clip.mkv", "--output_alpha=loop.mp4"], "'loop.mp4': is no path of a file .symlink loop"),
        (["--input_source=clip.mkv", "--output_alpha=a\0.mp4"], "is no path of a file .*null byte"),
        (["--input_source=clip.mkv", "--output_alpha="], "output 'alpha' has no name of its own"),
        (["--input_source=clip.mkv", "--output_alpha=."], "output 'alpha' has no name of its own"),
        (["--input_source=", "--output_alpha=a.mp4"], "--input_source is empty"),
        (["--input_source=loop.mp4", "--output_alpha=a.mp4"], "'loop.mp4': is no path of a file"),
    ):
        with pytest.raises(UserError, match=said):
            run(*arguments)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["clip.mkv", "loop.mp4"]
