"""The targets, as data, and what was measured beside them.

A row's value is a quotient of sums of measured figures, taken within each round; the median of the
rounds is judged. A row without a divisor is a plain figure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import median

from cells import OURS
from samples import Samples, short

ROUNDS = 5
"""A verdict needs this many paired rounds."""
HOT, MIB = ("inproc", "tcp", "ipc"), 1024 * 1024


@dataclass(frozen=True, slots=True)
class Term:
    """`factor` times one measure of a cell by a library."""

    cell: str
    measure: str
    library: str = OURS
    factor: float = 1.0


@dataclass(frozen=True, slots=True)
class Target:
    """One row: the value must be at least, or at most, the bound."""

    name: str
    over: tuple[Term, ...]
    under: tuple[Term, ...]
    bound: float
    at_least: bool

    @property
    def terms(self) -> tuple[Term, ...]:
        return self.over + self.under

    @property
    def wording(self) -> str:
        return f"{'at least' if self.at_least else 'at most'} {self.bound:g}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """A row and its values, one for each round in which all of it was measured."""

    target: Target
    values: tuple[float, ...]

    @property
    def value(self) -> float:
        return median(self.values)

    @property
    def word(self) -> str:
        if not self.values:
            return "not measured"
        at_least, bound = self.target.at_least, self.target.bound
        met = self.value >= bound if at_least else self.value <= bound
        note = "" if len(self.values) >= ROUNDS else f", {len(self.values)} of {ROUNDS} rounds"
        return ("met" if met else "not met") + note


def judge(samples: Samples, targets: Sequence[Target] = ()) -> list[Verdict]:
    """Return every row with the values that were measured for it."""
    return [Verdict(row, tuple(values(samples, row))) for row in targets or TARGETS]


def values(samples: Samples, target: Target) -> Iterator[float]:
    """Yield the value of each round that has all of the row's figures."""
    found = {term: samples.figures(term.cell, term.library, term.measure) for term in target.terms}
    rounds = set.intersection(*(set(figures) for figures in found.values()))
    for number in sorted(rounds):
        over, under = (
            sum(term.factor * found[term][number] for term in terms)
            for terms in (target.over, target.under)
        )
        if not target.under:
            yield over
        elif under:
            yield over / under


def needed(targets: Sequence[Target] = ()) -> set[tuple[str, str]]:
    """Return the (cell, library) pairs that the rows are made of."""
    return {(term.cell, term.library) for row in targets or TARGETS for term in row.terms}


def as_rows(verdicts: Sequence[Verdict]) -> list[list[str]]:
    """Write the verdicts as the rows of a table: name, value, range, target, verdict."""
    rows = []
    for verdict in verdicts:
        found = verdict.values
        value = f"**{short(verdict.value)}**" if found else "-"
        spread = f"{short(min(found))} to {short(max(found))}" if len(found) > 1 else "-"
        target = verdict.target
        rows.append([target.name, value, spread, target.wording, verdict.word])
    return rows


HEADER = ["what", "measured", "range", "target", "verdict"]


# --- the rows -------------------------------------------------------------------------------


def _row(name: str, bound: float, ours: Term, theirs: Term | None, at_least: bool) -> Target:
    return Target(name, (ours,), (theirs,) if theirs else (), bound, at_least)


at_least: Callable[..., Target] = partial(_row, at_least=True)
at_most: Callable[..., Target] = partial(_row, at_least=False)


def _passing() -> Iterator[Target]:
    """PUSH/PULL, small and large, against the rivals and against libzmq's own tools."""
    for transport in HOT:
        for size in (16, 128, 1024):
            place = f"throughput/{transport}/{size}"
            single, many = f"{place}/single", f"{place}/many"
            name, rate, cpu = f"{transport} {size} B", Term(single, "rate"), Term(single, "cpu")
            rival = partial(Term, single)
            yield at_least(f"{name}: rate / pyzmq", 2, rate, rival("rate", "pyzmq"))
            yield at_least(f"{name}: rate / pyomq", 1, rate, rival("rate", "pyomq"))
            yield at_most(f"{name}: CPU / pyzmq", 0.5, cpu, rival("cpu", "pyzmq"))
            limit = 0.5 if transport == "inproc" else 0.9
            batches, tool = Term(many, "rate"), rival("rate", "libzmq")
            yield at_least(f"{name}: batches / libzmq's C++ tool", limit, batches, tool)
        for size in (32 * 1024, MIB):
            rival = partial(Term, f"throughput/{transport}/{size}/single", "rate")
            name, limit = f"{transport} {size // 1024} KiB", 6 if transport == "inproc" else 2
            yield at_least(f"{name}: rate / pyzmq", limit, rival(OURS), rival("pyzmq"))
            yield at_least(f"{name}: rate / pyomq", 1, rival(OURS), rival("pyomq"))
    for transport in HOT:
        loop, calls = (Term(f"turns/{transport}/16", way) for way in ("loop", "calls"))
        yield at_most(f"{transport} 16 B: CPU of `for` / recv()", 1.05, loop, calls)


def _trips() -> Iterator[Target]:
    """REQ/REP. The C++ tools tell a mean, so means are compared with them."""
    for transport in HOT:
        place, name = f"latency/{transport}/16", f"REQ/REP {transport}"
        p50, mean = partial(Term, place, "p50"), partial(Term, place, "us")
        yield at_most(f"{name}: p50 / pyzmq", 1, p50(OURS), p50("pyzmq"))
        yield at_most(f"{name}: mean / libzmq's C++ tool", 1.15, mean(OURS), mean("libzmq"))
    for transport in ("inproc", "tcp"):
        one, ten = (f"multipart/{transport}/16/{parts}parts" for parts in (1, 10))
        slopes = [
            (Term(ten, "cpu", library), Term(one, "cpu", library, -1))
            for library in (OURS, "pyzmq")
        ]
        name = f"multipart {transport}: CPU of an extra part / pyzmq"
        yield Target(name, slopes[0], slopes[1], 0.3, at_least=False)


def _loops() -> Iterator[Target]:
    """asyncio, uvloop, trio."""
    for transport in ("inproc", "tcp"):
        place, name = f"async/{transport}/16", f"asyncio {transport} 16 B"
        plain = f"{place}/asyncio"
        rate, cpu = Term(plain, "rate"), Term(plain, "cpu")
        rival = partial(Term, plain, "rate")
        yield at_most(f"{name}: CPU us a message", 2, cpu, None)
        yield at_least(f"{name}: rate / pyzmq", 10, rate, rival("pyzmq"))
        yield at_least(f"{name}: rate / pyomq", 1, rate, rival("pyomq"))
        for mode, what, limit in (("trio", "trio", 2), ("uvloop", "uvloop", 1.05)):
            other = Term(f"{place}/{mode}", "cpu")
            yield at_most(f"{what} {transport} 16 B: CPU / asyncio", limit, other, cpu)
        for mode, what, limit in (("for", "`async for`", 0.95), ("many", "batches", 3)):
            other = Term(f"{place}/asyncio-{mode}", "rate")
            yield at_least(f"{name}: rate of {what} / await", limit, other, rate)
    for transport in HOT:
        trip, name = f"asynclatency/{transport}/16/asyncio", f"asyncio REQ/REP {transport}"
        rival = partial(Term, trip, "rate")
        yield at_least(f"{name}: rate / pyzmq", 1.5, rival(OURS), rival("pyzmq"))
        # a trip wakes two loops, the server's and the client's
        blocking = Term(f"latency/{transport}/16", "p50", OURS, 1.5)
        allowed = (blocking, Term("wakeup/asyncio", "p50", OURS, 2))
        name = f"{name}: p50 / (1.5 blocking p50 + 2 wake-ups of the loop)"
        yield Target(name, (Term(trip, "p50"),), allowed, 1, at_least=False)


def _growth() -> Iterator[Target]:
    """What may not grow, and what must stay small."""
    for many in (1000, 10_000):
        ours = Term(f"poll/inproc/{many}", "cpu"), Term("poll/inproc/1", "cpu")
        yield at_most(f"poll: CPU with {many} sockets / with 1", 1.5, *ours)
    for transport in ("inproc", "tcp"):
        ours = Term(f"peers/{transport}/16/5000", "cpu"), Term(f"peers/{transport}/16/1", "cpu")
        yield at_most(f"ROUTER {transport}: CPU with 5000 peers / with 1", 2, *ours)
    place = "subscriptions/inproc/16"
    ours = Term(f"{place}/1000000", "cpu"), Term(f"{place}/10", "cpu")
    yield at_most("CPU with a million subscriptions / with 10", 2, *ours)
    for size in (16, 256):
        memory = partial(Term, f"messages/inproc/{size}/200000", "memory")
        name = f"memory of a queued message of {size} B / libzmq"
        yield at_most(name, 1.3, memory(OURS), memory("libzmq"))
    yield at_least(
        "sockets open in one process", 10_000, Term("sockets/inproc/10000", "count"), None
    )
    yield at_most("import: seconds over bare Python", 0.030, Term("import", "seconds"), None)


TARGETS = (*_passing(), *_trips(), *_loops(), *_growth())
