"""Where the masks and trimaps of a guided network come from: files, alphas, or a network that mattes first."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rvm_jax import guidance
from rvm_jax.errors import UserError
from rvm_jax.matting.matter import Matter
from rvm_jax.matting.weights import StrPath, Weights, load_network, weights_stamp
from rvm_jax.media.picture_folders import PictureGroup, results
from rvm_jax.media.pictures import list_pictures
from rvm_jax.networks.api import Guidance, Network
from rvm_jax.output_paths import check_outputs

_NAMED = 20


@dataclass(frozen=True)
class GuidanceSource:
    """Says where the mask or trimap of each picture or frame comes from; one of the three.

    Pictures find theirs below a folder by their results' names, `[<category>/][<clip>/]<name>`, or by a benchmark's
    layout, `<category>/mask/[<clip>/]<name>` (trimaps: `<category>/trimap/…`); for a single picture a file will do.
    Videos take a picture (for all frames), a folder of frames, or a video.

    Attributes:
      files: masks or trimaps, taken as they are (see `rvm_jax.guidance`).
      alphas: alphas of which they are derived (`rvm_jax.guidance.derive`): a segmentation, what another network made,
        or a benchmark, for the truth.
      network: one that takes the picture alone, or its path: it mattes first, with its state, and its alphas are taken.

    Raises:
      UserError: if not exactly one is given, or what is given is not there.
    """

    files: StrPath | None = None
    alphas: StrPath | None = None
    network: Weights | None = None

    def __post_init__(self) -> None:
        if sum(value is not None for value in (self.files, self.alphas, self.network)) != 1:
            raise UserError("guidance comes from one place: files, alphas, or a network that mattes first")
        if self.path is not None and not self.path.exists():
            raise UserError(f"{self.path}: no such file or folder; give the masks, trimaps or alphas of the pictures")

    @property
    def path(self) -> Path | None:
        """Returns the path of files or alphas, None for a network."""
        path = self.files if self.files is not None else self.alphas
        return None if path is None else Path(path)

    @property
    def stamp(self) -> str:
        """Tells one source from another."""
        if self.network is not None:
            return f"network {weights_stamp(self.network)}"
        assert self.path is not None
        return f"{'files' if self.files is not None else 'alphas'} {self.path.resolve()}"

    def values(self, kind: Guidance, file: np.ndarray) -> np.ndarray:
        """Returns the mask or trimap, (H, W) uint8, that a file's values stand for."""
        return file if self.files is not None else guidance.derive(kind, file)


def is_guided(network: Network | Matter) -> bool:
    """Returns whether a network, or a Matter, wants a mask or trimap."""
    return not isinstance(network, Matter) and network.inputs.guidance is not None


def load_guide(source: GuidanceSource) -> Network | Matter:
    """Returns the network that mattes first. Raises UserError if it wants guidance itself."""
    assert source.network is not None
    guide = load_network(source.network)
    if not isinstance(guide, Matter) and guide.inputs.guidance is not None:
        raise UserError(
            f"{guide.name} needs a {guide.inputs.guidance} itself; let a network matte first that needs none"
        )
    return guide


def find_guidance(
    source: GuidanceSource, kind: Guidance, groups: Sequence[PictureGroup], output_dir: Path
) -> dict[Path, Path]:
    """Returns the file of each picture's mask, trimap or alpha, by the picture's target.

    Raises:
      UserError: naming all of them, if pictures have none, or several.
    """
    assert source.path is not None
    what = "alpha" if source.alphas is not None else kind
    return find_files(source.path, what, "trimap" if what == "trimap" else "mask", groups, output_dir)


def find_files(
    root: Path, what: str, subfolder: str | None, groups: Sequence[PictureGroup], output_dir: Path
) -> dict[Path, Path]:
    """Returns the file of each picture below a folder, by the picture's target.

    Args:
      root: the folder; for a single picture its file.
      what: what messages call the files.
      subfolder: that of a benchmark's categories; None if such files are in no benchmark.
      groups: the pictures.
      output_dir: where their results go: the files have the names of these.

    Raises:
      UserError: naming all of them, if pictures have none, or several.
    """
    targets = [target for group in groups for target in group.targets]
    if not root.exists():
        raise UserError(f"{root}: no such file or folder; give the {what} of each picture")
    if root.is_file():
        if len(targets) > 1:
            raise UserError(f"{root}: one {what} cannot serve {len(targets)} pictures; give a folder with one for each")
        return {targets[0]: root}
    listings: dict[Path, dict[str, list[Path]]] = {}
    found: dict[Path, Path] = {}
    missing: list[str] = []
    double: list[str] = []
    for target in targets:
        place = target.relative_to(output_dir).with_suffix("")
        candidates = [
            path
            for folder in _folders(root, place, subfolder)
            for path in _listed(folder, listings).get(place.name, [])
        ]
        if len(candidates) == 1:
            found[target] = candidates[0]
        else:
            (double if candidates else missing).append(place.as_posix())
    if missing:
        *category, name = Path(missing[0]).parts
        layouts = [f"{missing[0]}.png"]
        if category and subfolder:
            layouts.append(Path(category[0], subfolder, *category[1:], f"{name}.png").as_posix())
        raise UserError(
            f"{root}: no {what} for {len(missing)} of {len(targets)} pictures ({_some(missing)}); "
            f"it is looked for as {' or '.join(layouts)} there"
        )
    if double:
        raise UserError(f"{root}: several {what}s for {len(double)} pictures ({_some(double)}); keep one of each")
    check_outputs(results(groups), found.values())
    return found


def _folders(root: Path, place: Path, subfolder: str | None) -> list[Path]:
    """Returns where the file of a result's place may be."""
    category, *clip = place.parts[:-1] or ("",)
    return [root / place.parent, *([root.joinpath(category, subfolder, *clip)] if category and subfolder else [])]


def _listed(folder: Path, listings: dict[Path, dict[str, list[Path]]]) -> dict[str, list[Path]]:
    if folder not in listings:
        listings[folder] = {}
        for path in list_pictures(folder) if folder.is_dir() else []:
            listings[folder].setdefault(path.stem, []).append(path)
    return listings[folder]


def _some(names: list[str]) -> str:
    return ", ".join(names[:_NAMED]) + (" …" if len(names) > _NAMED else "")
