"""Text and tables as people's programs write them: byte-order marks, UTF-16, semicolons, tabs, decimal commas."""

import csv
import io
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from rvm_jax.atomic_files import reason
from rvm_jax.errors import UserError

_SEPARATORS = (",", ";", "\t", "|")


class Table(NamedTuple):
    """The columns of a table, in small letters, and its rows: the number of the line, from 1, and the cells by column.

    Cells have no blanks around them; a row that is shorter lacks the last columns.
    """

    columns: list[str]
    rows: list[tuple[int, Mapping[str, str]]]
    decimal_comma: bool

    def number(self, text: str) -> float:
        """Returns the number of a cell, whose decimals may follow a comma. Raises ValueError if it is none."""
        return float(text.replace(",", ".") if self.decimal_comma and text.count(",") == 1 else text)

    def whole(self, text: str) -> int:
        """Returns the whole number of a cell, which may be written 3.0. Raises ValueError if it is none."""
        number = self.number(text)
        if number != int(number):
            raise ValueError(f"{text} is no whole number")
        return int(number)


def decode_text(data: bytes) -> str:
    """Returns the text of a file's bytes: UTF-8 or UTF-16, with or without a byte-order mark, else Windows' own."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace")
    start = data[:64]
    if len(start) >= 2 and b"\0" in start:
        return data.decode("utf-16-le" if start[1] == 0 else "utf-16-be", "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def read_text(path: str | os.PathLike[str]) -> str:
    """Returns the text of a file; see `decode_text`. Raises UserError, naming the file, if it cannot be read."""
    try:
        return decode_text(Path(path).read_bytes())
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({reason(error)})") from error


def read_lines(path: str | os.PathLike[str]) -> list[str]:
    """Returns what a list file holds, an entry a line: without empty lines, quotes and the separators after an entry.

    Raises:
        UserError: naming the file, if it cannot be read.
    """
    lines = (line.strip().rstrip(",;").strip().strip('"').strip() for line in read_text(path).splitlines())
    return [line for line in lines if line]


def read_table(path: str | os.PathLike[str]) -> Table:
    """Reads a table whose first line names its columns, separated by commas, semicolons, tabs or blanks.

    Raises:
        UserError: naming the file, if it cannot be read.
    """
    text = read_text(path)
    first, _, rest = text.partition("\n")
    skipped = 0
    if first.strip().lower().startswith("sep="):  # what Excel writes so that Excel reads it
        text, skipped = rest, 1
    header = next((line for line in text.splitlines() if line.strip()), "")
    separator = max(_SEPARATORS, key=header.count)
    try:
        lines = list(_cells(text, separator if separator in header else None))
    except csv.Error as error:
        raise UserError(f"{path}: cannot be read ({error})") from error
    lines = [(number + skipped, cells) for number, cells in lines if any(cells)]
    if not lines:
        return Table([], [], False)
    columns = [name.lower() for name in lines[0][1]]
    rows: list[tuple[int, Mapping[str, str]]] = [
        (number, dict(zip(columns, cells, strict=False))) for number, cells in lines[1:]
    ]
    return Table(columns, rows, separator != "," or separator not in header)


def _cells(text: str, separator: str | None) -> Iterator[tuple[int, list[str]]]:
    """Yields the number of each line and its cells; without a separator blanks are it."""
    if separator is None:
        for number, line in enumerate(text.splitlines(), 1):
            yield number, [cell.strip('"') for cell in line.split()]
        return
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, skipinitialspace=True)
    for row in reader:
        yield reader.line_num, [cell.strip() for cell in row]
