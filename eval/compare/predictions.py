"""The predictions of a comparison's entries: folders as they are, and what networks matte first."""

import hashlib
import json
import shutil
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from PIL import Image

import rvm_jax
from eval.compare.cost import Cost, device_name, measure
from eval.compare.entries import TRUTH, Entry, Guidance, ratio_of
from eval.compilation_cache import keep_compilations
from eval.folders.checks import check_pictures
from eval.folders.pairs import Pair, find_pairs, raise_problems
from rvm_jax.errors import UserError
from rvm_jax.matting import GuidanceSource
from rvm_jax.matting.guidance import find_guidance
from rvm_jax.matting.options import Ratio
from rvm_jax.matting.weights import load_network, weights_stamp
from rvm_jax.media.picture_folders import PictureGroup, find_pictures
from rvm_jax.media.pictures import write_bytes
from rvm_jax.networks.precision import Precision


class Tools(NamedTuple):
    """What loads an entry's network, mattes the benchmark with it, and measures its cost."""

    load: Callable[[Path], Any] = load_network
    matte: Callable[..., object] = rvm_jax.matte_pictures
    measure: Callable[..., Cost] = measure

    def at(self, precision: Precision) -> "Tools":
        """Returns the same, at another precision than float32."""
        if precision == "float32":
            return self
        return Tools(self.load, partial(self.matte, precision=precision), partial(self.measure, precision=precision))


class NetworkFacts(NamedTuple):
    """What a comparison says of a network beside its errors: what guides it ("none" where nothing does), its cost."""

    guidance: str
    cost: Cost


class Predictions(NamedTuple):
    """By the entry's name, in their order: pairs of predictions and labels, and facts where it is a network."""

    pairs: dict[str, list[Pair]]
    facts: dict[str, NetworkFacts]


def find_predictions(
    entries: Sequence[Entry],
    label_dir: Path,
    matte_dir: Path,
    exclude: Sequence[str],
    guidance: Guidance | None = None,
    tools: Tools | None = None,
    precision: Precision = "float32",
    ratios: Mapping[str, Ratio] | None = None,
) -> Predictions:
    """Returns what all entries predict; networks matte into `<matte_dir>/<name>/` first, and are timed.

    Interrupted work is resumed; what is done stays as long as weights, pictures and guidance do. Compilations are kept
    in `<matte_dir>/compiled/` unless JAX has a place for them.

    Args:
      entries: see `eval.compare.entries.parse_entries`.
      label_dir: the benchmark.
      matte_dir: where networks' predictions go.
      exclude: categories to leave out.
      guidance: of the networks that want some; by default the truth.
      tools: what is done with networks.
      precision: of the networks' products.
      ratios: at which networks see frames, by name; of others, `eval.compare.entries.ratio_of` says it.

    Raises:
      UserError: with all that is wrong with all folders, networks and their guidance, before any network computes.
    """
    tools = (tools or Tools()).at(precision)
    problems: list[str] = []
    pairs: dict[str, list[Pair]] = {}
    for entry in entries:
        if not entry.is_network:
            try:
                pairs[entry.name] = find_pairs(entry.path, label_dir, exclude)
                check_pictures(pairs[entry.name])
            except UserError as error:
                problems.append(str(error))
    networks = [entry for entry in entries if entry.is_network]
    guided = {} if problems else _guided(networks, guidance or Guidance(), ratios or {}, tools, problems)
    facts: dict[str, NetworkFacts] = {}
    if networks and not problems:
        folders = {entry.name: matte_dir / entry.name if entry.is_network else entry.path for entry in entries}
        _check_guidance(guided, [entry.name for entry in networks], label_dir, folders, problems)
    raise_problems(list(dict.fromkeys(problems)))
    if networks:
        keep_compilations(matte_dir / "compiled")
    # Those that guide come first.
    for entry in sorted(networks, key=lambda entry: entry.name in guided):
        source = _source(guided[entry.name], label_dir, folders) if entry.name in guided else None
        facts[entry.name] = _matted(
            entry,
            label_dir,
            matte_dir,
            source,
            guided.get(entry.name, "none"),
            ratio_of(entry, ratios or {}),
            tools,
            precision,
        )
        pairs[entry.name] = find_pairs(matte_dir / entry.name, label_dir, exclude)
    return Predictions({entry.name: pairs[entry.name] for entry in entries}, facts)


def _guided(
    networks: Sequence[Entry], guidance: Guidance, ratios: Mapping[str, Ratio], tools: Tools, problems: list[str]
) -> dict[str, str]:
    """Returns what guides each network that wants guidance; adds to `problems`."""
    wanted = {}
    for entry in networks:
        try:
            inputs = tools.load(entry.path).inputs
            wanted[entry.name] = inputs.guidance
            if entry.name in ratios and not inputs.state:
                problems.append(f"{entry.name} sees pictures in full; leave its downsample_ratio out")
        except UserError as error:
            problems.append(str(error))
    guided = {name: guidance.of(name) for name, kind in wanted.items() if kind}
    for name, source in guidance.by_name.items():
        if name not in guided and not problems:
            problems.append(f"{name} takes no guidance; leave {name}={source} out")
    for name, source in guided.items():
        if source in guided:
            problems.append(f"{name}: {source} is guided itself; let an entry guide that is not, or give {TRUTH}")
    return guided


def _check_guidance(
    guided: Mapping[str, str],
    networks: Collection[str],
    label_dir: Path,
    folders: Mapping[str, Path],
    problems: list[str],
) -> None:
    """Adds what is missing of guidance that must be there by now: the truth, and folders; networks matte later."""
    for name, text in guided.items():
        try:
            groups = find_pictures(label_dir, folders[name])
            if text not in networks:
                find_guidance(_source(text, label_dir, folders), "mask", groups, folders[name])
        except UserError as error:
            problems.append(str(error))


def _source(text: str, label_dir: Path, folders: Mapping[str, Path]) -> GuidanceSource:
    return GuidanceSource(alphas=label_dir if text == TRUTH else folders.get(text, Path(text)))


def _matted(
    entry: Entry,
    label_dir: Path,
    matte_dir: Path,
    source: GuidanceSource | None,
    guidance: str,
    ratio: Ratio,
    tools: Tools,
    precision: Precision,
) -> NetworkFacts:
    """Mattes the benchmark, unless that is done, and times the network, unless it has been timed on this device."""
    output = matte_dir / entry.name
    groups = find_pictures(label_dir, output)
    job: dict[str, Any] = {
        "weights": weights_stamp(entry.path),
        "pictures": _stamp(_sources(groups)),
        "guidance": guidance,
    }
    if precision != "float32":  # what earlier versions matted was float32
        job["precision"] = precision
    if ratio != 1:  # and in full
        job["downsample_ratio"] = ratio
    if source is not None:
        guides = find_guidance(source, "mask", groups, output)
        job["guides"] = _stamp(guides.values())
    note = matte_dir / f"{entry.name}.json"
    known = _read(note)
    if known.get("job") != job:
        shutil.rmtree(output, ignore_errors=True)
        known = {"job": job}
        _write(note, known)
    if not (known.get("matted") and all(target.exists() for group in groups for target in group.targets)):
        print(f"{entry.name} mattes the benchmark", flush=True)
        tools.matte(entry.path, label_dir, output, downsample_ratio=ratio, guidance=source)
        known["matted"] = True
        _write(note, known)
    if known.get("cost", {}).get("device") != device_name():
        sizes = Counter(_size(path) for path in _sources(groups))
        known["cost"] = tools.measure(tools.load(entry.path), sizes.most_common(1)[0][0], ratio=ratio)._asdict()
        _write(note, known)
    return NetworkFacts(guidance, Cost(**known["cost"] | {"size": tuple(known["cost"]["size"])}))


def _sources(groups: Sequence[PictureGroup]) -> list[Path]:
    return [path for group in groups for path in group.sources]


def _stamp(paths: Iterable[Path]) -> str:
    """Returns what tells files from others, and from themselves before they were written again."""
    stats = [(str(path.resolve()), path.stat().st_size, path.stat().st_mtime_ns) for path in sorted(paths)]
    return hashlib.sha256(json.dumps(stats).encode()).hexdigest()


def _size(path: Path) -> tuple[int, int]:
    with Image.open(path) as picture:
        return picture.height, picture.width


def _read(note: Path) -> dict[str, Any]:
    try:
        known: dict[str, Any] = json.loads(note.read_text())
    except (OSError, ValueError):
        return {}
    return known


def _write(note: Path, known: dict[str, Any]) -> None:
    write_bytes(note, (json.dumps(known, indent=1) + "\n").encode())
