"""Damage of the kinds that files meet: cut, flipped, swapped, spliced, with fields that claim too much."""

import random
from collections.abc import Callable

_HUGE = (0xFF, 0x7F, 0x80, 0x00)
Mutation = Callable[[random.Random, bytearray, bytes], None]


def mutate(rng: random.Random, data: bytes, other: bytes) -> bytes:
    """Returns data with one to three mutations; some take pieces of `other`, a good input of the same kind."""
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 3))):
        if changed:
            rng.choice(_MUTATIONS)(rng, changed, other)
    return bytes(changed)


def _place(rng: random.Random, data: bytearray) -> int:
    """Draws a place; half of them in the header, where a file says what it is."""
    return rng.randrange(min(len(data), 512) if rng.random() < 0.5 else len(data))


def _truncate(rng: random.Random, data: bytearray, other: bytes) -> None:
    del data[rng.randrange(len(data) + 1) :]


def _flip_bits(rng: random.Random, data: bytearray, other: bytes) -> None:
    for _ in range(rng.choice((1, 1, 4, 32))):
        data[_place(rng, data)] ^= 1 << rng.randrange(8)


def _swap_fields(rng: random.Random, data: bytearray, other: bytes) -> None:
    length = rng.choice((1, 2, 4, 8))
    if len(data) < 4 * length:
        return
    first, second = sorted(rng.randrange(len(data) - length) // length * length for _ in range(2))
    if second >= first + length:
        data[first : first + length], data[second : second + length] = (
            data[second : second + length],
            data[first : first + length],
        )


def _splice(rng: random.Random, data: bytearray, other: bytes) -> None:
    source = other if rng.random() < 0.5 and other else bytes(data)
    start = rng.randrange(len(source))
    piece = source[start : start + rng.choice((4, 64, 1024, len(source)))]
    place = _place(rng, data)
    data[place : place + (len(piece) if rng.random() < 0.5 else 0)] = piece


def _huge_field(rng: random.Random, data: bytearray, other: bytes) -> None:
    place, length = _place(rng, data), rng.choice((1, 2, 4, 8))
    field = bytes([rng.choice(_HUGE)]) + bytes([rng.choice((0x00, 0xFF))]) * (length - 1)
    data[place : place + length] = field if rng.random() < 0.5 else field[::-1]


def _blank(rng: random.Random, data: bytearray, other: bytes) -> None:
    place, length = _place(rng, data), rng.choice((16, 256, 4096))
    data[place : place + length] = bytes(min(length, len(data) - place))


def _random_bytes(rng: random.Random, data: bytearray, other: bytes) -> None:
    place, length = _place(rng, data), rng.choice((1, 8, 64))
    data[place : place + length] = rng.randbytes(length)


_MUTATIONS: tuple[Mutation, ...] = (
    _truncate,
    _flip_bits,
    _flip_bits,
    _swap_fields,
    _splice,
    _huge_field,
    _huge_field,
    _blank,
    _random_bytes,
)
