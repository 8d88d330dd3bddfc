"""How long the first result takes, as a user waits for it: commands in processes of their own, cold and warm.

    python scripts/benchmark.py first --json=work/first.json

`rvm-matte` on a clip of 512², by each engine: seconds to the first alpha on the disk, and to the end. Cold is with an
empty cache of compiled programs, warm the same command again. Then what begins every command: the import, and --help.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from fractions import Fraction
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
from absl import flags
from tqdm import tqdm

from rvm_jax.errors import UserError
from scripts import ROOT
from scripts.benchmarks.report import Row, table

_SECONDS = flags.DEFINE_float("seconds", 10.0, "The clip's length, at 25 frames a second.", lower_bound=0.2)
_SIZE = flags.DEFINE_integer("size", 512, "Height and width of the frames.", lower_bound=32)
_PICTURES = flags.DEFINE_integer("pictures", 32, "How many pictures are evaluated.", lower_bound=1)

_RATE = 25
_REPEATS = 3
_PEER = "onnxruntime"


def measure() -> list[Row]:
    """Prints a table of clips, one of the evaluation, and one of what begins every command; returns their rows.

    Raises:
        UserError: a command fails.
    """
    with tempfile.TemporaryDirectory(prefix="rvm_jax_benchmark_") as folder:
        rows = _clips(Path(folder)) + _evaluation(Path(folder))
    return rows + _beginnings()


def _clips(root: Path) -> list[Row]:
    clip, frames = root / "clip.mp4", round(_SECONDS.value * _RATE)
    _write_clip(clip, frames)
    engines = ["jax", *(name for name in (_PEER, "openvino") if find_spec("onnx") and find_spec(name))]
    turns = [(engine, state) for engine in engines for state in ("cold", "warm")]
    found: dict[tuple[str, str], tuple[float, float]] = {}
    for engine, state in tqdm(turns, desc="matting", unit="run", leave=False):
        output = root / f"{engine}_{state}"
        arguments = [f"--input_source={clip}", f"--output_alpha={output}", f"--engine={engine}"]
        began, total = _run("matte", arguments, {"JAX_COMPILATION_CACHE_DIR": str(root / f"cache_{engine}")})
        found[engine, state] = min(path.stat().st_mtime for path in output.glob("**/*.png")) - began, total
    print(f"\nrvm-matte on {frames} frames of {_SIZE.value}², seconds")
    lines = [(*turn, f"{first:.1f}", f"{total:.1f}") for turn, (first, total) in found.items()]
    print(table(("engine", "", "first alpha", "in all"), lines))
    rows = []
    for (engine, state), seconds in found.items():
        peers = found.get((_PEER, state)) if engine == "jax" else None
        for number, what in enumerate(("first alpha", f"{frames} frames")):
            peer, ratio = (_PEER, peers[number] / seconds[number]) if peers else (None, None)
            rows.append(Row(f"first rvm-matte {engine} {state}, {what}", seconds[number], "s", peer, ratio))
    return rows


def _evaluation(root: Path) -> list[Row]:
    rng = np.random.default_rng(0)
    for number in range(_PICTURES.value):
        label = np.zeros((_SIZE.value, _SIZE.value), np.uint8)
        centre = rng.integers(_SIZE.value // 3, 2 * _SIZE.value // 3, 2).tolist()
        cv2.circle(label, centre, _SIZE.value // 4, 255, -1, cv2.LINE_AA)
        for path, alpha in (("label/discs/mask", label), ("pred/discs", cv2.GaussianBlur(label, (0, 0), 2))):
            (root / path).mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(root / path / f"{number:05d}.png"), alpha)
    arguments = [f"--pred_dir={root / 'pred'}", f"--label_dir={root / 'label'}"]
    cache = {"JAX_COMPILATION_CACHE_DIR": str(root / "cache_evaluation")}
    seconds = {state: _run("evaluate", arguments, cache)[1] for state in ("cold", "warm")}
    print(f"\nscripts/evaluate.py on {_PICTURES.value} pictures of {_SIZE.value}², every metric, seconds")
    print(table(("", "in all"), [(state, f"{value:.1f}") for state, value in seconds.items()]))
    return [Row(f"first evaluate {state}, {_PICTURES.value} pictures", value, "s") for state, value in seconds.items()]


def _beginnings() -> list[Row]:
    commands = {
        "import rvm_jax": [sys.executable, "-c", "import rvm_jax"],
        "rvm-matte --help": [sys.executable, str(ROOT / "scripts" / "matte.py"), "--help"],
        "scripts/evaluate.py --help": [sys.executable, str(ROOT / "scripts" / "evaluate.py"), "--help"],
    }
    seconds = {}
    for name, command in commands.items():
        times = []
        for _ in range(_REPEATS):
            start = time.perf_counter()
            subprocess.run(command, capture_output=True, cwd=ROOT, env=_environment({}), check=False)
            times.append(time.perf_counter() - start)
        seconds[name] = min(times)
    print(f"\nWhat begins every command, the least of {_REPEATS} runs")
    print(table(("", "seconds"), [(name, f"{value:.2f}") for name, value in seconds.items()]))
    return [Row(f"first {name}", value, "s") for name, value in seconds.items()]


def _run(script: str, arguments: Sequence[str], variables: Mapping[str, str]) -> tuple[float, float]:
    """Runs a script; returns when it began, by the clock of files, and the seconds that it took."""
    command = [sys.executable, str(ROOT / "scripts" / f"{script}.py"), *arguments]
    began = time.time()
    result = subprocess.run(command, capture_output=True, text=True, env=_environment(variables), check=False)
    if result.returncode:
        raise UserError(f"{' '.join(command)}: failed; {result.stderr.strip()[-300:]}")
    return began, time.time() - began


def _environment(variables: Mapping[str, str]) -> dict[str, str]:
    paths = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")]))
    return {**os.environ, "PYTHONPATH": paths, **variables}


def _write_clip(path: Path, frames: int) -> None:
    """A face that the package draws, moving over smooth noise."""
    from data_pipeline.drawn import ProceduralFaces
    from rvm_jax.media.video_writer import VideoWriter

    side = _SIZE.value
    face = ProceduralFaces(side)[0]
    noise = np.random.default_rng(0).integers(0, 256, (side // 32 + 1, side // 32 + 1, 3), np.uint8)
    background = np.asarray(cv2.resize(noise, (side, side), interpolation=cv2.INTER_CUBIC), np.float32)
    alpha = face["alpha"].reshape(side, side, 1).astype(np.float32) / 255
    with VideoWriter(path, Fraction(_RATE)) as writer:
        for number in range(frames):
            shift = (2 * number) % (side // 4)
            share = np.roll(alpha, shift, axis=1)
            frame = share * np.roll(face["rgb"], shift, axis=1) + (1 - share) * background
            writer.write(frame.round().astype(np.uint8))
