"""The published evaluation, MSE and SAD in its unknown region, beside a plain NumPy and OpenCV loop; and its parts.

python scripts/benchmark.py eval --json=work/eval.json
"""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from absl import flags

from eval.folders.batches import Batches
from eval.folders.evaluation import decode, evaluate
from eval.folders.pairs import Pair, find_pairs
from eval.folders.rows import Picture
from eval.metrics.batch import Decoded
from eval.metrics.connectivity import connectivity_error
from eval.metrics.metric import chosen_metrics
from eval.metrics.region import draw_kernel_sizes
from eval.metrics.window import covered
from eval.threads import map_ahead
from rvm_jax.errors import UserError
from rvm_jax.media.masks import read_mask
from rvm_jax.media.pictures import write_picture
from scripts.benchmarks import timing
from scripts.benchmarks.report import Row, table

_SIZE = flags.DEFINE_integer("size", 512, "Height and width of the pictures.", lower_bound=64)
_PICTURES = flags.DEFINE_integer("pictures", 256, "How many pictures are evaluated.", lower_bound=8)
_ROUNDS = flags.DEFINE_integer("rounds", 3, "How often each contender has its turn.", lower_bound=1)
_CALLS = flags.DEFINE_integer("calls", 2, "Evaluations that are timed in a turn.", lower_bound=1)

_BATCH_PIXELS = 2**21
_PEER = "NumPy and OpenCV loop"


def measure() -> list[Row]:
    """Prints milliseconds a picture: arithmetic alone, end to end from PNG, and single parts."""
    with tempfile.TemporaryDirectory(prefix="rvm_jax_benchmark_") as folder:
        root = Path(folder)
        pairs = _write_pictures(root)
        pictures = [found for pair in pairs if isinstance(found := decode(pair, chosen_metrics(())), Decoded)]
        kernel_sizes = [draw_kernel_sizes(pair.key) for pair in pairs]
        _check_agreement(pictures, kernel_sizes)

        def evaluation(regions: Sequence[str] | None, metrics: Sequence[str] | None) -> Callable[[], object]:
            return lambda: evaluate(pairs, regions, metrics, progress=False)

        contenders: dict[str, Callable[[], object]] = {
            "arithmetic, plain": lambda: _plain_in_memory(pictures, kernel_sizes),
            "arithmetic, ours": lambda: _batched(pictures),
            "end to end, plain": lambda: _plain_from_files(pairs),
            "end to end, ours": evaluation(("published",), ()),
            "end to end, ours, every metric": evaluation(None, None),
            "decoding alone, one thread": lambda: [
                (read_mask(p.pred, rescale=False), read_mask(p.label)) for p in pairs
            ],
            "Conn, threads": lambda: _conn(pictures),
            "Grad": lambda: _batched(pictures, ("grad",)),
        }
        seconds = timing.interleave(contenders, _ROUNDS.value, _CALLS.value)
    each = {name: values / len(pairs) for name, values in seconds.items()}
    return _rows({name: timing.middle_and_spread(values) for name, values in each.items()}) + _least(each)


def _rows(times: dict[str, tuple[float, float, float]]) -> list[Row]:
    print(f"\nThe published evaluation of {_PICTURES.value} pictures of {_SIZE.value}²; ms a picture")
    lines, rows = [], []
    for name, (median, low, high) in times.items():
        kind = name.split(",")[0]
        peer = f"{kind}, plain" if name == f"{kind}, ours" else None
        ratio = times[peer][0] / median if peer else None
        lines.append((name, f"{median:.2f}", f"{low:.2f} to {high:.2f}", f"{ratio:.1f}" if ratio else ""))
        rows.append(Row(f"eval {name}", median, "ms/picture", f"{_PEER}, {kind}" if ratio else None, ratio))
    print(table(("", "ms", "10 to 90 %", "plain / ours"), lines))
    decoding = times["decoding alone, one thread"][0]
    shares = {name: decoding / times[f"end to end, {name}"][0] for name in ("plain", "ours")}
    print(
        f"decoding takes {shares['plain']:.0%} of the plain loop's time; {decoding:.2f} ms a picture on one core; "
        f"ours takes {times['end to end, ours'][0]:.2f} ms in all"
    )
    rows.append(Row("eval share of decoding in the plain loop", shares["plain"], "share"))
    return rows


def _least(each: dict[str, np.ndarray]) -> list[Row]:
    """Returns the least ratio of any round: what can be said without luck."""
    rows = []
    for kind in ("arithmetic", "end to end"):
        plain, ours = (
            np.median(each[f"{kind}, {who}"].reshape(_ROUNDS.value, -1), axis=1) for who in ("plain", "ours")
        )
        worst = int((plain / ours).argmin())
        ratio = float(plain[worst] / ours[worst])
        print(f"{kind}: the least ratio of {_ROUNDS.value} rounds is {ratio:.2f}")
        name = f"eval {kind}, least of {_ROUNDS.value} rounds"
        rows.append(Row(name, 1e3 * float(ours[worst]), "ms/picture", f"{_PEER}, {kind}", ratio))
    return rows


def _batched(pictures: list[Decoded], metrics: Sequence[str] = ()) -> list[Picture]:
    """Returns the errors of all pictures, measured as `evaluate` does it, the search for their windows included."""

    def framed(picture: Decoded) -> Decoded:
        return replace(picture, covered=covered(picture.pred, picture.label))

    with Batches(("published",), chosen_metrics(metrics), _BATCH_PIXELS) as batches:
        for picture in map_ahead(framed, pictures, at_once=8):
            batches.add(picture)
        batches.finish()
    return sorted(batches.measured, key=lambda picture: picture.key)


def _conn(pictures: list[Decoded]) -> list[float]:
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(lambda picture: connectivity_error(picture.pred, picture.label), pictures))


def _plain_in_memory(pictures: list[Decoded], kernel_sizes: list[tuple[int, int]]) -> list[tuple[float, float]]:
    with _opencvs_threads():
        return [_plain(one.pred, one.label, sizes) for one, sizes in zip(pictures, kernel_sizes, strict=True)]


@contextmanager
def _opencvs_threads() -> Iterator[None]:
    """OpenCV with its own threads, as it comes; our evaluation leaves it none."""
    cv2.setNumThreads(-1)
    yield
    cv2.setNumThreads(0)


def _plain(pred: np.ndarray, label: np.ndarray, kernel_sizes: tuple[int, int]) -> tuple[float, float]:
    """MSE and SAD as the published script's arithmetic has them (docs/evaluation.md), picture by picture."""
    values = label.astype(np.float32)
    foreground = np.trunc(values + 1e-5).astype(np.int32).astype(np.uint8)
    background = np.trunc(1 - values + 1e-5).astype(np.int32).astype(np.uint8)
    kernels = [cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size)) for size in kernel_sizes]
    trimap = np.full(label.shape, 128, np.uint8)
    trimap[cv2.erode(foreground, kernels[0]) == 1] = 255
    trimap[cv2.erode(background, kernels[1]) == 1] = 0
    unknown = (trimap == 128).astype(np.float32)
    error = pred.astype(np.float32) / 255 - values / 255
    mse = (np.square(error) * unknown).sum() / (unknown.sum() + 1e-8)
    return float(mse), float((np.abs(error) * unknown).sum() / 1000)


def _plain_from_files(pairs: list[Pair]) -> list[tuple[float, float]]:
    results = []
    with _opencvs_threads():
        for pair in pairs:
            pred, label = (np.asarray(cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)) for path in (pair.pred, pair.label))
            results.append(_plain(pred, label, draw_kernel_sizes(pair.key)))
    return results


def _check_agreement(pictures: list[Decoded], kernel_sizes: list[tuple[int, int]]) -> None:
    ours = _batched(pictures)
    found = [[picture.values[name] for name in ("mse_published", "sad_published")] for picture in ours]
    if not np.allclose(found, _plain_in_memory(pictures, kernel_sizes), rtol=1e-4):
        raise UserError("the contenders disagree; this is a fault of the benchmark or of the metrics")


def _write_pictures(root: Path) -> list[Pair]:
    """Rendered faces behind a disc as labels, and predictions with soft errors, as PNG."""
    from data_pipeline.drawn import ProceduralFaces

    rng = np.random.default_rng(0)
    size = _SIZE.value
    faces = ProceduralFaces(size)
    for index in range(_PICTURES.value):
        label = faces[index % 16]["alpha"].copy()
        centre = rng.integers(size // 4, 3 * size // 4, 2).tolist()
        cv2.circle(label, centre, int(rng.integers(size // 16, size // 5)), 0, -1, cv2.LINE_AA)
        blurred = cv2.GaussianBlur(label, (0, 0), 3).astype(np.float32)
        error = cv2.resize(rng.normal(0, 30, (16, 16)).astype(np.float32), (size, size)) * (np.abs(blurred - 127) < 127)
        write_picture(root / "label" / "faces" / "mask" / f"{index:05d}.png", label)
        write_picture(
            root / "pred" / "faces" / f"{index:05d}.png", np.clip(blurred + error, 0, 255).round().astype(np.uint8)
        )
    return find_pairs(root / "pred", root / "label")
