"""The jobs that a peer does, and the messages they are about.

A peer is a program in another language, or on another binding, that owns sockets. It says
`READY what it is` and then reads one job a line, words apart by single blanks, and answers each
with one line: `OK result`, or `ERR reason`. It ends with its standard input.

    open NAME TYPE [KEY=VALUE ...]  identity, subscribe: hexadecimal; server: be a CURVE server;
                                    public, secret, serverkey: Z85
    bind NAME ENDPOINT              the result is the endpoint that it became
    connect NAME ENDPOINT
    send NAME REPEAT MESSAGE ...    all of the messages in order, REPEAT times over
    recv NAME COUNT
    echo NAME COUNT                 receive, and send back
    ask NAME REPEAT MESSAGE ...     send each, and wait for its answer
    until NAME PART                 receive until a message begins with that part
    close                           all sockets, without linger

The result of send, recv, echo and ask is a tally: the number of messages, parts and bytes, and a
SHA-256 of all, so that both ends have seen the same bodies with the same borders. (For `ask` it
is a tally of the answers.)

A message is written as its parts with commas between:

    -        the empty part            n       the running number in the job, in decimal
    x61ff    these bytes               p9.5    9 bytes of a pattern that starts with 5
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterable

LARGE = 100_000


@functools.cache
def pattern(size: int, seed: int) -> bytes:
    """Return bytes of every value, in an order that tells when a piece is lost or moved."""
    return bytes((seed + i * 7 + (i >> 8) * 13) & 255 for i in range(size))


def spell(part: bytes) -> str:
    """Write a part as a word of a job."""
    return f"x{part.hex()}" if part else "-"


def build_part(word: str, number: int = 0) -> bytes:
    """Make a part from its word; `number` is what `n` stands for."""
    kind, rest = word[0], word[1:]
    if kind == "p":
        size, seed = rest.split(".")
        return pattern(int(size), int(seed))
    return {"-": b"", "n": b"%d" % number, "x": bytes.fromhex(rest if kind == "x" else "")}[kind]


def build(repeat: int, words: Iterable[str]) -> list[list[bytes]]:
    """Make the messages of a job."""
    all_words = list(words) * repeat
    return [
        [build_part(part, number) for part in word.split(",")]
        for number, word in enumerate(all_words)
    ]


def tally(messages: Iterable[Iterable[bytes]]) -> str:
    """Count and digest messages as the peers do."""
    digest = hashlib.sha256()
    count = parts = size = 0
    for message in messages:
        for part in message:
            digest.update(len(part).to_bytes(4, "big") + part)
            parts += 1
            size += len(part)
        digest.update(b"\xff" * 4)
        count += 1
    return f"{count} {parts} {size} {digest.hexdigest()}"


BODIES = [
    "x6f6e65",  # one
    "n",
    "-",
    "x00",
    "xff",
    "x6100ff,xff" + "ff" * 299 + ",x00" + "00" * 299,
    spell(bytes(range(256))),
    "x61,-,x62",
    "-,x62",
    "x61,-",
    "-,-,-",
    *(f"p{size}.{size % 251}" for size in (29, 30, 33, 34, 254, 255, 256, 257, 8191, 8192, 8193)),
    f"p{LARGE}.3",
    f"x00,p{LARGE}.4,-,p{LARGE}.5,n",
]
"""One of every kind: empty, binary, many parts, large, and the sizes at which a frame's header or
the storage of its body changes."""
