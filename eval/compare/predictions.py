"""The predictions of a comparison's entries: folders as they are, and what networks matte first."""

import hashlib
import json
import shutil
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
from PIL import Image

import rvm_jax
from eval.compare.cost import Cost, device_name, measure
from eval.compare.entries import TRUTH, Entry, Guidance
from eval.folders.checks import check_pictures
from eval.folders.reading import Pair, find_pairs, raise_problems
from rvm_jax.errors import UserError
from rvm_jax.matting import GuidanceSource
from rvm_jax.matting.guidance import find_guidance
from rvm_jax.matting.weights import load_network, weights_stamp
from rvm_jax.media.picture_tree import PictureGroup, find_pictures
from rvm_jax.media.pictures import write_bytes


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
) -> Predictions:
    """Returns what all entries predict; networks matte into `<matte_dir>/<name>/` first, and are timed.

    By default the truth guides what wants guidance. Interrupted work goes on; what is done stays as long as weights,
    pictures and guidance do. Compilations are kept in `<matte_dir>/compiled/` unless JAX has a place for them.

    Raises UserError with all that is wrong with all folders, networks and their guidance, before any network computes.
    """
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
    guided = {} if problems else _guided(networks, guidance or Guidance(), problems)
    facts: dict[str, NetworkFacts] = {}
    if networks and not problems:
        folders = {entry.name: matte_dir / entry.name if entry.is_network else entry.path for entry in entries}
        _check_guidance(guided, label_dir, matte_dir, folders, problems)
    raise_problems(list(dict.fromkeys(problems)))
    if networks:
        _keep_compilations(matte_dir)
    # Those that guide come first.
    for entry in sorted(networks, key=lambda entry: entry.name in guided):
        source = _source(guided[entry.name], label_dir, folders) if entry.name in guided else None
        facts[entry.name] = _matted(entry, label_dir, matte_dir, source, guided.get(entry.name, "none"))
        pairs[entry.name] = find_pairs(matte_dir / entry.name, label_dir, exclude)
    return Predictions({entry.name: pairs[entry.name] for entry in entries}, facts)


def _guided(networks: Sequence[Entry], guidance: Guidance, problems: list[str]) -> dict[str, str]:
    """Returns what guides each network that wants guidance; adds to `problems`."""
    wanted = {}
    for entry in networks:
        try:
            wanted[entry.name] = load_network(entry.path).inputs.guidance
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
    guided: Mapping[str, str], label_dir: Path, matte_dir: Path, folders: Mapping[str, Path], problems: list[str]
) -> None:
    """Adds what is missing of guidance that must be there by now: the truth, and folders."""
    for name, text in guided.items():
        try:
            groups = find_pictures(label_dir, matte_dir / name)
            if not (text in folders and folders[text].parent == matte_dir):
                find_guidance(_source(text, label_dir, folders), "mask", groups, matte_dir / name)
        except UserError as error:
            problems.append(str(error))


def _source(text: str, label_dir: Path, folders: Mapping[str, Path]) -> GuidanceSource:
    return GuidanceSource(alphas=label_dir if text == TRUTH else folders.get(text, Path(text)))


def _matted(
    entry: Entry, label_dir: Path, matte_dir: Path, source: GuidanceSource | None, guidance: str
) -> NetworkFacts:
    """Mattes the benchmark, unless that is done, and times the network, unless it has been timed on this device."""
    output = matte_dir / entry.name
    groups = find_pictures(label_dir, output)
    job: dict[str, Any] = {
        "weights": weights_stamp(entry.path),
        "pictures": _stamp(_sources(groups)),
        "guidance": guidance,
    }
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
        # At ratio 1, as published.
        rvm_jax.matte_pictures(entry.path, label_dir, output, downsample_ratio=1, guidance=source)
        known["matted"] = True
        _write(note, known)
    if known.get("cost", {}).get("device") != device_name():
        sizes = Counter(_size(path) for path in _sources(groups))
        known["cost"] = measure(load_network(entry.path), sizes.most_common(1)[0][0])._asdict()
        _write(note, known)
    return NetworkFacts(guidance, Cost(**known["cost"] | {"size": tuple(known["cost"]["size"])}))


def _sources(groups: Sequence[PictureGroup]) -> list[Path]:
    return [path for group in groups for path in group.sources]


def _stamp(paths: Iterable[Path]) -> str:
    """Tells files from others, and from themselves before they were written anew."""
    stats = [(str(path.resolve()), path.stat().st_size, path.stat().st_mtime_ns) for path in sorted(paths)]
    return hashlib.sha256(json.dumps(stats).encode()).hexdigest()


def _size(path: Path) -> tuple[int, int]:
    with Image.open(path) as picture:
        return picture.height, picture.width


def _keep_compilations(matte_dir: Path) -> None:
    """A network compiles once: matting and timing are one program, and a run that goes on finds it."""
    if not jax.config.values["jax_compilation_cache_dir"]:
        jax.config.update("jax_compilation_cache_dir", str((matte_dir / "compiled").absolute()))


def _read(note: Path) -> dict[str, Any]:
    try:
        return json.loads(note.read_text())
    except (OSError, ValueError):
        return {}


def _write(note: Path, known: dict[str, Any]) -> None:
    write_bytes(note, (json.dumps(known, indent=1) + "\n").encode())
