"""What is measured: every cell of the tables, under a name that --cells can match.

A cell is one kind of work with one set of parameters, the same for every library. A group is a
set of cells that are compared with each other, so a round measures the whole group in one go.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase

LIBRARIES = ("zmqlite", "pyzmq", "pyomq", "pynng", "libzmq")
"""zmqlite, its rivals, and libzmq itself in C++, in the order of measurement."""
OURS = LIBRARIES[0]

TRANSPORTS = ("inproc", "tcp", "ipc")
KIB, MIB = 1024, 1024 * 1024
SIZES = (1, 16, 128, KIB, 8 * KIB, 32 * KIB, MIB, 16 * MIB, 64 * MIB)
SMALL_SIZES = (16, 128, KIB)
QUICK_SIZES = (16, KIB)
LARGEST_OF_CPP = MIB
"""libzmq's tools queue 1,000 messages at each end, whatever their size."""

UNITS = {"multipart": "parts", "pubsub": "subscribers"}
OURS_ONLY = {"many", "iterate", "loan", "trio", "asyncio-for", "asyncio-many"}
FACETS = {
    "asynclatency": "latency",
    "wakeup": "latency",
    "messages": "memory",
    "sockets": "memory",
}
"""Works that are compared with another work, and so share its rounds."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One measurement to make.

    `work` names a workload (see peer.py); `mode` says how messages are passed: "single" is one
    call a message, "many" is send_many and recv_many, "iterate" receives with a for loop, "nocopy"
    passes copy=False, "loan" fills a lent buffer, "into" receives into one, "numpy" passes arrays;
    for event loops it names the loop. `number` is how many of what the work is about: parts of a
    message, registered sockets, subscribers, peers, subscriptions, queued messages.
    """

    work: str
    transport: str = ""
    size: int = 0
    mode: str = "single"
    number: int = 0
    quick: bool = False

    @property
    def key(self) -> str:
        """The name of the cell, for --cells and for the results file."""
        words = [self.work, self.transport, str(self.size) if self.size else ""]
        words += [f"{self.number}{UNITS.get(self.work, '')}" if self.number else ""]
        words += [self.mode if self.work == "throughput" or self.mode != "single" else ""]
        return "/".join(word for word in words if word)

    @property
    def group(self) -> str:
        """Cells with the same group are compared with each other, and measured side by side."""
        work = FACETS.get(self.work, self.work)
        if work in ("throughput", "async", "latency"):
            return f"{work}/{self.transport}/{self.size}"
        if work in ("multipart", "peers", "pubsub", "proxy"):
            return f"{work}/{self.transport}"
        return work

    @property
    def plain(self) -> Cell:
        """The cell that a rival without this mode is compared in: one call a message."""
        mode = "asyncio" if self.work in ("async", "asynclatency") else "single"
        return Cell(self.work, self.transport, self.size, mode, self.number)

    def supports(self, library: str) -> bool:
        """Tell whether the library can do this at all."""
        if library == OURS:
            return True
        if self.work == "turns":
            return False
        if library == "libzmq":
            plain = self.work in ("throughput", "latency") and self.mode == "single"
            return (plain and self.size <= LARGEST_OF_CPP) or self.work in ("messages", "sockets")
        if self.transport == "ws" or self.mode in OURS_ONLY or self.work == "wakeup":
            return False  # the wheels of the rivals come without WebSocket
        if library == "pynng":
            plain = self.work in ("throughput", "latency") and self.mode == "single"
            return plain and self.size in (16, KIB, 32 * KIB)
        return library == "pyzmq" or self._is_known_to_pyomq

    @property
    def _is_known_to_pyomq(self) -> bool:
        """It sends nothing but bytes, its queues have an end, and it subscribes slowly.

        Its PUB drops what a short queue cannot take, whatever the high water mark says.
        """
        if self.work == "subscriptions":
            return self.number <= 1000
        return self.mode not in ("into", "numpy") and self.work not in ("messages", "pubsub")


def _passing() -> Iterator[Cell]:
    """PUSH to PULL, by size and by way of calling."""
    for transport in (*TRANSPORTS, "ws"):
        for size in SIZES if transport != "ws" else (16, KIB, 32 * KIB, MIB):
            quick = size in QUICK_SIZES and transport in TRANSPORTS
            yield Cell("throughput", transport, size, quick=quick)
            if size <= MIB:
                yield Cell("throughput", transport, size, "many", quick=quick)
            if size in SMALL_SIZES:
                yield Cell("throughput", transport, size, "iterate")
            if size in (32 * KIB, MIB) and transport != "ws":
                for mode in ("nocopy", "loan", "into", "numpy"):
                    yield Cell("throughput", transport, size, mode)
    for transport in TRANSPORTS:
        yield Cell("turns", transport, 16)
        for parts in (1, 3, 10):
            yield Cell("multipart", transport, 16, number=parts, quick=parts == 3)


def _patterns() -> Iterator[Cell]:
    """The other patterns: fan-out, proxies, round trips."""
    for transport in ("inproc", "tcp"):
        for subscribers in (1, 10, 100):
            quick = transport == "tcp" and subscribers == 10
            yield Cell("pubsub", transport, 16, number=subscribers, quick=quick)
        for size in (16, KIB):
            yield Cell("proxy", transport, size, quick=transport == "tcp" and size == 16)
    for transport in (*TRANSPORTS, "ws"):
        for size in (16, KIB, 32 * KIB):
            quick = size == 16 and transport != "ws"
            yield Cell("latency", transport, size, quick=quick)
            if size == 16 and transport != "ws":
                yield Cell("asynclatency", transport, 16, "asyncio", quick=True)
                yield Cell("asynclatency", transport, 16, "uvloop")
                yield Cell("asynclatency", transport, 16, "trio")
    for mode in ("asyncio", "uvloop", "trio"):
        yield Cell("wakeup", mode=mode)
    for transport in TRANSPORTS:
        for mode in ("asyncio", "asyncio-for", "asyncio-many", "uvloop", "trio"):
            yield Cell("async", transport, 16, mode, quick=mode == "asyncio")


def _growth() -> Iterator[Cell]:
    """What it costs when there are many: registered sockets, peers, subscriptions, messages."""
    for sockets in (1, 10, 100, 1000, 10_000):
        yield Cell("poll", "inproc", number=sockets, quick=sockets in (1, 1000))
    for transport in ("inproc", "tcp"):
        for peers in (1, 10, 100, 1000, 5000):
            yield Cell("peers", transport, 16, number=peers, quick=peers == 100)
    for subscriptions in (1, 10, 1000, 100_000, 1_000_000):
        yield Cell("subscriptions", "inproc", 16, number=subscriptions, quick=subscriptions == 10)
    yield Cell("subscriptions", "inproc", 16, "spread", 1_000_000)
    for size in (16, 256):
        yield Cell("messages", "inproc", size, number=200_000, quick=size == 16)
    for sockets in (1000, 10_000):
        yield Cell("sockets", "inproc", number=sockets, quick=sockets == 1000)
    yield Cell("create", "inproc", quick=True)
    yield Cell("import", quick=True)


CELLS = (*_passing(), *_patterns(), *_growth())
BY_KEY = {cell.key: cell for cell in CELLS}


def matching(pattern: str | None, cells: Iterable[Cell] = CELLS) -> list[Cell]:
    """Return the cells whose key fits the pattern.

    It is a shell pattern for a part of the key, or a comma-separated list of them.
    """
    if not pattern:
        return list(cells)
    words = [f"*{word.strip()}*" for word in pattern.split(",")]
    return [cell for cell in cells if any(fnmatchcase(cell.key, word) for word in words)]


def grouped(cells: Iterable[Cell]) -> list[list[Cell]]:
    """Return the cells group by group, groups in the order of their first cell."""
    groups: dict[str, list[Cell]] = {}
    for cell in cells:
        groups.setdefault(cell.group, []).append(cell)
    return list(groups.values())
