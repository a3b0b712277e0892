"""What is measured: every cell of the tables, under a name that --cells can match.

A cell is one kind of work with one set of parameters, the same for every library. A group is a
set of cells that are compared with each other, so a round measures the whole group in one go.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import groupby

LIBRARIES = ("zmqlite", "pyzmq", "pyomq", "libzmq")
"""zmqlite, its rivals, and libzmq's own tools in C++, in the order of measurement."""

TRANSPORTS = ("inproc", "tcp", "ipc")
SIZES = (16, 128, 1024, 32 * 1024, 1024 * 1024)
QUICK_SIZES = (16, 1024)


@dataclass(frozen=True, slots=True)
class Cell:
    """One measurement to make.

    `work` names a workload of peers.py; `mode` says how messages are passed: "single" is one call
    a message, "many" is send_many and recv_many, "iterate" receives with a for loop, "nocopy"
    passes copy=False. `parts` is the number of frames of a message, each of `size` bytes.
    `sockets` is how many sockets are registered with a poller.
    """

    work: str
    transport: str = ""
    size: int = 0
    mode: str = "single"
    parts: int = 1
    sockets: int = 0
    quick: bool = False

    @property
    def key(self) -> str:
        """The name of the cell, for --cells and for the results file."""
        words = [self.work, self.transport, str(self.size) if self.size else ""]
        words += [f"{self.sockets}" if self.sockets else ""]
        words += [f"{self.parts}parts" if self.work == "multipart" else ""]
        words += [self.mode if self.work == "throughput" or self.mode != "single" else ""]
        return "/".join(word for word in words if word)

    @property
    def group(self) -> str:
        """Cells with the same group are compared with each other, and measured side by side."""
        if self.work in ("throughput", "async", "asynclatency"):
            return f"{self.work}/{self.transport}/{self.size}"
        return self.key

    def supports(self, library: str) -> bool:
        """Tell whether the library can do this at all."""
        if library == "libzmq":
            return self.work in ("throughput", "latency") and self.mode == "single"
        if self.mode in ("many", "iterate", "trio", "asyncio-for", "asyncio-many"):
            return library == "zmqlite"
        return True


def _all() -> Iterator[Cell]:
    for transport in TRANSPORTS:
        for size in SIZES:
            quick = size in QUICK_SIZES
            yield Cell("throughput", transport, size, quick=quick)
            yield Cell("throughput", transport, size, "many", quick=quick)
            yield Cell("throughput", transport, size, "iterate")
            if size >= 32 * 1024:
                yield Cell("throughput", transport, size, "nocopy")
    for transport in TRANSPORTS:
        yield Cell("latency", transport, 16, quick=True)
    for transport in TRANSPORTS:
        for parts in (1, 3, 10):
            yield Cell("multipart", transport, 16, parts=parts, quick=parts == 3)
    for sockets in (1, 10, 100, 1000):
        yield Cell("poll", "inproc", sockets=sockets, quick=sockets in (1, 1000))
    for transport in TRANSPORTS:
        for mode in ("asyncio", "asyncio-for", "asyncio-many", "uvloop", "trio"):
            yield Cell("async", transport, 16, mode, quick=mode == "asyncio")
    for transport in TRANSPORTS:
        for mode in ("asyncio", "uvloop", "trio"):
            yield Cell("asynclatency", transport, 16, mode, quick=mode == "asyncio")
    yield Cell("create", "inproc", quick=True)
    yield Cell("import", quick=True)


CELLS = tuple(_all())


def choose(pattern: str | None, quick: bool) -> list[list[Cell]]:
    """Return the groups to measure: all, the quick ones, or those whose key fits the pattern.

    The pattern is a shell pattern for a part of the key, or a comma-separated list of them.
    """
    cells = [cell for cell in CELLS if cell.quick or not quick]
    if pattern:
        words = [f"*{word.strip()}*" for word in pattern.split(",")]
        cells = [cell for cell in cells if any(fnmatchcase(cell.key, word) for word in words)]
    return [list(members) for _, members in groupby(cells, key=lambda cell: cell.group)]
