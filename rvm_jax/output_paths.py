"""Whether what a command is going to write would replace what it reads, or another of its results.

Asked before any work. Files are known by what they are, not by their names: a link, another case where the file system
makes no difference, or a path through another folder is the same file.
"""

import os
import unicodedata
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

from rvm_jax.atomic_files import is_remote
from rvm_jax.errors import UserError
from rvm_jax.media.pictures import PICTURE_SUFFIXES

StrPath = str | os.PathLike[str]
# Results by what they are made of, for messages; of one thing alone a plain list will do.
Results = Mapping[str, Iterable[StrPath]] | Iterable[StrPath]


def check_outputs(outputs: Results, inputs: Iterable[StrPath] = (), *, below: Iterable[StrPath] = ()) -> None:
    """Refuses results that would replace an input or each other.

    Args:
        outputs: files, and folders of PNG.
        inputs: files that are read, and folders whose pictures are.
        below: folders of which everything may be read, at any depth.

    Raises:
        UserError: naming the first that would be lost, and by what.
    """
    read = {_identity(path): Path(path) for path in inputs if not is_remote(path)}
    roots = {_identity(path): Path(path) for path in below if not is_remote(path)}
    inodes = {_inode(path): path for path in read.values()} if read else {}
    taken: dict[str, tuple[str, Path]] = {}
    for source, paths in outputs.items() if isinstance(outputs, Mapping) else [("", outputs)]:
        for output in (Path(path) for path in paths if not is_remote(path)):
            identity, inode = _identity(output), _inode(output)
            lost = read.get(identity) or (inodes.get(inode) if inode is not None else None)
            if lost is not None:
                how = "its result" if lost == output else f"the result {output}, which is the same file,"
                raise UserError(f"{lost}: {how} would replace it; give the result another name or folder")
            joined = _joined(output, read) or _below(output, roots)
            if joined is not None:
                raise UserError(
                    f"{joined}: the result {output} would be one of its files, or replace one; give another folder"
                )
            if identity in taken:
                other, path = taken[identity]
                if other == source:
                    raise UserError(f"{path}: two outputs would have this name; give each its own")
                raise UserError(
                    f"{other} and {source} would both become {output}; rename one of them, or give each its own output"
                )
            taken[identity] = source, output


def check_output_folders(folders: Iterable[StrPath], inputs: Iterable[StrPath]) -> None:
    """Refuses folders, filled or emptied as a command likes, that are or hold an input, or are in one another.

    Args:
        folders: of which all may be written or removed.
        inputs: files and folders that are read.

    Raises:
        UserError: naming the first input that would be lost.
    """
    owned: dict[str, Path] = {}
    for folder in (Path(folder) for folder in folders if not is_remote(folder)):
        identity = _identity(folder)
        if identity in owned:
            raise UserError(f"{folder}: two outputs would have this name; give each its own")
        owned[identity] = folder
    for folder in owned.values():
        outer = next((owned[key] for place in _resolved(folder).parents if (key := _identity(place)) in owned), None)
        if outer is not None:
            raise UserError(f"{folder}: lies in {outer}, which is written, too; give each its own folder")
    for path in inputs:
        if is_remote(path):
            continue
        resolved = _resolved(path)
        for place in (resolved, *resolved.parents):
            folder_of = owned.get(_identity(place))
            if folder_of is not None:
                raise UserError(f"{path}: lies in {folder_of}, which is written again; give another output folder")


def _identity(path: StrPath) -> str:
    """The path without links, and in one case where the file system makes no difference."""
    resolved = _resolved(path)
    if not _ignores_case(_existing(resolved.parent)):
        return str(resolved)
    return unicodedata.normalize("NFC", str(resolved)).casefold()


def _resolved(path: StrPath) -> Path:
    """The path without links. Raises UserError for one that leads nowhere, such as a link to itself."""
    try:
        return Path(path).resolve()
    except (OSError, RuntimeError, ValueError) as error:
        raise UserError(f"{str(path)!r}: is no path of a file ({str(error).partition(' from ')[0].lower()})") from error


def _inode(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _joined(output: Path, read: Mapping[str, Path]) -> Path | None:
    """The input folder among whose pictures a result would be, or the input picture in a folder of results."""
    if output.suffix.lower() in PICTURE_SUFFIXES:
        folder = read.get(_identity(output.parent))
        return folder if folder is not None and folder.is_dir() else None
    if output.suffix:
        return None
    # A folder of PNG, and the one beside it that is begun.
    output = _resolved(output)  # "." has no name of its own
    folders = {_identity(output), _identity(output.parent / f".{output.name}.partial")}
    for path in read.values():
        resolved = _resolved(path)
        is_result = resolved.suffix.lower() == ".png" or resolved.name.endswith(".partial")
        if is_result and not folders.isdisjoint({_identity(resolved), _identity(resolved.parent)}):
            return path
    return None


def _below(output: Path, roots: Mapping[str, Path]) -> Path | None:
    """The folder that a file lies in, however deep, which is there already and may be one of its inputs."""
    if not roots or not output.exists():
        return None
    return next((roots[key] for parent in _resolved(output).parents if (key := _identity(parent)) in roots), None)


def _existing(folder: Path) -> Path:
    return next(path for path in (folder, *folder.parents) if path.exists())


@cache
def _ignores_case(folder: Path) -> bool:
    """Whether the folder is found under a name in the other case."""
    for place in (folder, *folder.parents):
        swapped = place.with_name(place.name.swapcase()) if place.name else place
        if swapped.name != place.name:
            try:
                return swapped.samefile(place)
            except OSError:
                return False
    return False
