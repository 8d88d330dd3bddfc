"""Paths that may be of a bucket, files that are written whole, and what the disk refuses said in one sentence."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from etils import epath

from rvm_jax.errors import UserError


def absolute(path: str | os.PathLike[str]) -> epath.Path:
    """Returns the path as epath has it, absolute where it is a local one."""
    text = os.fspath(path)
    return epath.Path(text if is_remote(text) else os.path.abspath(text))  # noqa: PTH100  keeps the name of a link


def is_remote(path: str | os.PathLike[str]) -> bool:
    """Returns whether a path is of a bucket (gs://…, s3://…), where files are written whole and never appended to."""
    return "://" in os.fspath(path)


def write_text(path: epath.Path, text: str) -> None:
    """Writes a file whole, also to a bucket. Raises UserError if that fails."""
    if not is_remote(path):
        write_bytes(path, text.encode())
        return
    with disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)  # an object appears when it is complete


@contextmanager
def disk_errors(path: str | os.PathLike[str], also: tuple[type[Exception], ...] = ()) -> Iterator[None]:
    """Raises a UserError, naming `path`, for what the operating system refuses inside; `also` for other exceptions."""
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        if not isinstance(error, (OSError, *also)):
            raise
        raise UserError(f"{os.fspath(path)}: cannot be read or written ({reason(error)})") from error


def reason(error: Exception) -> str:
    """Returns the first line of what went wrong."""
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return (text.strip().splitlines() or [type(error).__name__])[0]


class PartialFile:
    """A local file that grows beside its final name and takes it when it is complete, so that no reader ever sees half.

    Args:
        final: the name; missing folders are made, an old file of the name is replaced in `commit`.

    Attributes:
        final: the name.
        path: where to write until then; it has the suffix of the name.

    Raises:
        UserError: if it cannot be written.
    """

    def __init__(self, final: str | os.PathLike[str]):
        self.final = Path(final)
        place = f"{os.getpid()}.{threading.get_ident()}"
        # Absolute: FFmpeg takes what stands before a colon for a protocol.
        self.path = self.final.absolute().with_name(f".{self.final.stem}.{place}.partial{self.final.suffix}")
        with self.errors():
            self.final.parent.mkdir(parents=True, exist_ok=True)
            self.path.touch()

    @contextmanager
    def errors(self, also: type[Exception] = OSError) -> Iterator[None]:
        """Raises a UserError, naming the file, for what the operating system refuses inside, or `also`."""
        try:
            yield
        except (OSError, also) as error:
            raise UserError(f"{self.final}: cannot be written ({reason(error)})") from error

    def commit(self) -> None:
        """Gives the file its name. Raises UserError if that fails."""
        with self.errors():
            self.path.replace(self.final)

    def discard(self) -> None:
        """Removes what has been written."""
        with suppress(OSError):
            self.path.unlink(missing_ok=True)


def write_bytes(path: str | os.PathLike[str], data: bytes) -> None:
    """Writes a local file whole; see `PartialFile`. Raises UserError if that fails."""
    partial = PartialFile(path)
    try:
        with partial.errors():
            partial.path.write_bytes(data)
        partial.commit()
    except BaseException:
        partial.discard()
        raise
