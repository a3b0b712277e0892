"""Changes to what was valid."""

from __future__ import annotations

import random

EDGES = sorted(
    {
        *((1 << 64) - n for n in (1, 2, 8, 31, 33, 40, 41, 45, 60, 64, 71, 72, 100, 200)),
        *((1 << bits) + n for bits in (63, 32, 31, 30) for n in (-41, -1, 0, 1)),
        *(32 * n + d for n in (1, 2, 33, 51, 52) for d in (-41, -1, 0, 1) if 32 * n + d >= 0),
        *(size + n for size in (8192, 65536, 262144, 4 << 20) for n in (-1, 0, 1)),
        *(1 << 40, 1 << 47, 255, 256, 100_000, 100_001),
    }
)
"""Sizes at which arithmetic wraps, or another path begins."""


def flip(r: random.Random, data: bytearray) -> None:
    """Change some bits."""
    for _ in range(r.choice((1, 1, 2, 5))):
        data[r.randrange(len(data))] ^= 1 << r.randrange(8)


def overwrite(r: random.Random, data: bytearray) -> None:
    """Put one of the bytes that matter somewhere."""
    data[r.randrange(len(data))] = r.choice((0, 1, 2, 4, 6, 7, 9, 0x7F, 0x80, 0xFE, 0xFF))


def drop(r: random.Random, data: bytearray) -> None:
    """Lose a piece."""
    start = r.randrange(len(data))
    del data[start : start + r.choice((1, 1, 2, 9, 30))]


def double(r: random.Random, data: bytearray) -> None:
    """Say a piece twice."""
    start = r.randrange(len(data))
    piece = data[start : start + r.choice((1, 2, 9, 30, 100))]
    data[start:start] = piece


def insert(r: random.Random, data: bytearray) -> None:
    """Say something in between."""
    start = r.randrange(len(data))
    data[start:start] = r.randbytes(r.choice((1, 2, 8, 40)))


def size(r: random.Random, data: bytearray) -> None:
    """Put a size that is an edge somewhere."""
    start = r.randrange(len(data))
    data[start : start + 8] = r.choice(EDGES).to_bytes(8, "big")


def swap(r: random.Random, data: bytearray) -> None:
    """Exchange two halves."""
    middle = r.randrange(len(data))
    data[:] = data[middle:] + data[:middle]


KINDS = (flip, flip, overwrite, overwrite, drop, double, insert, size, swap)


def mutated(r: random.Random, data: bytes, begin: int = 0) -> bytes:
    """Return it changed somewhere behind `begin`."""
    head, body = data[:begin], bytearray(data[begin:])
    for _ in range(r.choice((1, 1, 1, 2, 4))):
        if body:
            r.choice(KINDS)(r, body)
    return head + bytes(body)


def split(r: random.Random, data: bytes) -> list[bytes]:
    """Return it in pieces."""
    pieces = []
    while data:
        n = r.choice((1, 2, 9, 10, 11, 12, 64, 100, 1000, len(data)))
        pieces.append(data[:n])
        data = data[n:]
        if len(pieces) == 12:
            return [*pieces, data] if data else pieces
    return pieces
