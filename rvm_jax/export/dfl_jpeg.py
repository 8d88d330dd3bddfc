"""DeepFaceLab's faceset pictures: JPEGs whose APP15 segment holds a pickled dict, and the mask `xseg_mask` in it.

A pickle can run code, so none is loaded: its opcodes are read one by one, and only what DeepFaceLab itself writes is
understood, the keys of `_KEYS` with text, numbers, lists and NumPy arrays. Everything is written anew.
"""

import io
import pickle
import pickletools
import struct
from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np

from rvm_jax.errors import UserError

_KEYS = (
    "face_type",
    "landmarks",
    "source_filename",
    "source_rect",
    "source_landmarks",
    "image_to_face_mat",
    "seg_ie_polys",
    "xseg_mask",
    "eyebrows_expand_mod",
)
_MARKER, _SCAN = 0xEF, 0xDA
_MOST = 65533  # bytes of a segment
_MASK_MOST = 50_000  # bytes of a mask, as DeepFaceLab has it
_SIDE = 256
_DTYPES = ("f4", "f8", "i4", "i8", "u1", "b1")
_ATOMS = ("NONE", "INT", "LONG", "FLOAT", "UNICODE", "BYTES", "NEWTRUE", "NEWFALSE")


def set_mask(picture: bytes, alpha: np.ndarray, name: str) -> bytes:
    """Returns a faceset's JPEG with a mask in place of the one that it has.

    Args:
        picture: the JPEG.
        alpha: of the visible face, (H, W) uint8; it is resized to 256² and becomes 0 or 1, as DeepFaceLab does it.
        name: what messages call the picture.

    Raises:
        UserError: no JPEG, one without DeepFaceLab's metadata, or metadata of anything else.
    """
    segments = list(_segments(picture, name))
    found = [index for index, (marker, _) in enumerate(segments) if marker == _MARKER]
    if not found:
        raise UserError(f"{name}: has no metadata of DeepFaceLab; give a faceset that it extracted")
    told = _read(segments[found[0]][1], name)
    small = cv2.resize(alpha, (_SIDE, _SIDE), interpolation=cv2.INTER_LANCZOS4)
    encoded = cv2.imencode(".png", np.where(small >= 128, 255, 0).astype(np.uint8))[1].ravel()
    assert encoded.size <= _MASK_MOST  # of two values at 256²
    data = _pickled(told | {"xseg_mask": encoded})
    if len(data) > _MOST:
        raise UserError(f"{name}: its metadata and the mask take {len(data)} bytes, more than a JPEG's segment holds")
    segments[found[0]] = (_MARKER, data)
    return b"\xff\xd8" + b"".join(
        payload if marker == _SCAN else struct.pack(">BBH", 0xFF, marker, len(payload) + 2) + payload
        for marker, payload in segments
    )


def metadata(picture: bytes, name: str) -> dict[str, Any]:
    """Returns what DeepFaceLab wrote into a JPEG. Raises UserError as `set_mask` does."""
    found = [payload for marker, payload in _segments(picture, name) if marker == _MARKER]
    if not found:
        raise UserError(f"{name}: has no metadata of DeepFaceLab; give a faceset that it extracted")
    return _read(found[0], name)


def _segments(data: bytes, name: str) -> Iterator[tuple[int, bytes]]:
    """The segments before the scan, by their markers; the scan with all that follows, as it is."""
    place = 2
    while data[:2] == b"\xff\xd8" and len(data) >= place + 4 and data[place] == 0xFF:
        marker, length = data[place + 1], int.from_bytes(data[place + 2 : place + 4], "big")
        if marker == _SCAN:
            yield marker, data[place:]
            return
        yield marker, data[place + 4 : place + 2 + length]
        place += 2 + length
    raise UserError(f"{name}: is no whole JPEG")


def _pickled(told: dict[str, Any]) -> bytes:
    # The NumPy of DeepFaceLab knows this module by its former name.
    return pickle.dumps(told, protocol=3).replace(b"cnumpy._core.multiarray\n", b"cnumpy.core.multiarray\n")


def _read(data: bytes, name: str) -> dict[str, Any]:
    try:
        told = _interpret(data)
    except Exception as error:  # whatever a damaged or foreign pickle leads to
        raise UserError(f"{name}: its metadata is not what DeepFaceLab writes ({error})") from error
    if not isinstance(told, dict) or not set(told) <= set(_KEYS):
        raise UserError(f"{name}: its metadata is not what DeepFaceLab writes")
    return told


class _Array:
    """An array in the making."""

    value: np.ndarray

    def build(self, version: int, shape: tuple[int, ...], dtype: "_Part", fortran: bool, raw: bytes) -> None:
        """Takes its content."""
        del version
        self.value = np.frombuffer(raw, dtype.dtype).reshape(shape, order="F" if fortran else "C")


class _Part:
    """What an array is made of, by the name of NumPy's or Python's function; none is called."""

    def __init__(self, name: str, dtype: str = ""):
        self.name, self.dtype = name, dtype

    def called(self, *arguments: Any) -> Any:
        """What the function would give."""
        if self.name == "_reconstruct":
            return _Array()
        if self.name == "dtype" and arguments[0] in _DTYPES:
            return _Part("a dtype", str(arguments[0]))
        if self.name == "scalar":
            return np.frombuffer(arguments[1], arguments[0].dtype)[0].item()
        if self.name == "encode" and arguments[1] == "latin1":
            return str(arguments[0]).encode("latin1")
        raise ValueError(f"it holds {self.name}")

    def build(self, *state: Any) -> None:
        """Takes a dtype's version, byte order, and what only structures have."""
        if self.name != "a dtype" or state[1] not in ("<", "|"):
            raise ValueError("it holds a dtype of another machine")


def _plain(value: Any) -> Any:
    if isinstance(value, _Array):
        return value.value
    if isinstance(value, _Part):
        raise ValueError(f"it holds {value.name}")
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    return type(value)(map(_plain, value)) if isinstance(value, list | tuple) else value


def _interpret(data: bytes) -> Any:
    stack: list[Any] = []
    memo: dict[int, Any] = {}
    mark = object()

    def to_mark() -> list[Any]:
        place = len(stack) - 1 - next(i for i, value in enumerate(reversed(stack)) if value is mark)
        items = stack[place + 1 :]
        del stack[place:]
        return items

    for opcode, argument, _ in pickletools.genops(io.BytesIO(data)):
        name = opcode.name
        if name in ("PROTO", "FRAME"):
            continue
        if name == "STOP":
            return _plain(stack.pop())
        if name == "MARK":
            stack.append(mark)
        elif name == "MEMOIZE":
            memo[len(memo)] = stack[-1]
        elif name.endswith("PUT"):
            memo[int(argument)] = stack[-1]
        elif name.endswith("GET"):
            stack.append(memo[int(argument)])
        elif name in ("EMPTY_DICT", "EMPTY_LIST", "EMPTY_TUPLE"):
            stack.append({"D": dict, "L": list, "T": tuple}[name[6]]())
        elif name in ("TUPLE", "TUPLE1", "TUPLE2", "TUPLE3"):
            items = to_mark() if name == "TUPLE" else [stack.pop() for _ in range(int(name[5]))][::-1]
            stack.append(tuple(items))
        elif name in ("APPEND", "APPENDS"):
            items = to_mark() if name == "APPENDS" else [stack.pop()]
            stack[-1].extend(items)
        elif name in ("SETITEM", "SETITEMS"):
            items = to_mark() if name == "SETITEMS" else [stack.pop(-2), stack.pop()]
            stack[-1].update(zip(items[::2], items[1::2], strict=True))
        elif name in ("GLOBAL", "STACK_GLOBAL"):
            path = argument.split(" ") if name == "GLOBAL" else [stack.pop(-2), stack.pop()]
            stack.append(_Part(str(path[1])))
        elif name == "REDUCE":
            arguments = stack.pop()
            stack.append(stack.pop().called(*arguments))
        elif name == "BUILD":
            state = stack.pop()
            stack[-1].build(*state)
        elif any(atom in name for atom in _ATOMS):
            stack.append({"NEWTRUE": True, "NEWFALSE": False, "NONE": None}.get(name, argument))
        else:
            raise ValueError(f"opcode {name}")
    raise ValueError("it does not end")
