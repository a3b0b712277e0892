"""The tables: what was measured, beside what was to be reached."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import targets
from cells import LIBRARIES, OURS, Cell
from samples import Sample, Samples, middle, noise, times


@dataclass(frozen=True, slots=True)
class Plan:
    """One table: which works, which measure, what stands beside it."""

    title: str
    works: tuple[str, ...]
    measure: str
    unit: str
    tails: tuple[str, ...] = ()
    cost: bool = True


PLANS = (
    Plan("PUSH/PULL, messages a second", ("throughput",), "rate", "rate"),
    Plan("`for message in socket`, microseconds each", ("turns",), "loop", "us", cost=False),
    Plan("`recv()` beside it, microseconds each", ("turns",), "calls", "us", cost=False),
    Plan("PUSH/PULL, multipart, messages a second", ("multipart",), "rate", "rate"),
    Plan("PUB/SUB, deliveries a second", ("pubsub",), "rate", "rate"),
    Plan("DEALER and ROUTER through a proxy, round trips a second", ("proxy",), "rate", "rate"),
    Plan("REQ/REP, microseconds a round trip", ("latency",), "p50", "p50", ("p99", "p999")),
    Plan("Event loops: PUSH/PULL, messages a second", ("async",), "rate", "rate"),
    Plan(
        "Event loops: REQ/REP, microseconds a round trip",
        ("asynclatency", "wakeup"), "p50", "p50", ("p99", "p999"),
    ),
    Plan("Many sockets in a poller, microseconds", ("poll",), "us", "us", cost=False),
    Plan("Many peers of a ROUTER, microseconds a round trip", ("peers",), "us", "us"),
    Plan("Many subscriptions, microseconds a message", ("subscriptions",), "us", "us", cost=False),
    Plan("Memory, bytes each", ("messages", "sockets"), "memory", "bytes", cost=False),
    Plan("Opening sockets, microseconds", ("create", "sockets"), "us", "us", cost=False),
    Plan("Importing, microseconds over bare Python", ("import",), "us", "us", cost=False),
)  # fmt: skip


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table in Markdown."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def sections(samples: Samples) -> Iterator[tuple[str, str]]:
    """Yield the title and the table of every kind of work that was measured."""
    for plan in PLANS:
        cells = [cell for cell in samples.cells if cell.work in plan.works]
        if cells:
            yield plan.title, speed(samples, cells, plan)
            if plan.cost:
                yield f"{plan.title.rpartition(',')[0]}, what it costs", cost(samples, cells)


def present(samples: Samples, cells: Sequence[Cell]) -> list[str]:
    """Return the libraries that were measured in any of the cells."""
    return [lib for lib in LIBRARIES if any(samples.figures(c.key, lib, "count") for c in cells)]


def speed(samples: Samples, cells: Sequence[Cell], plan: Plan) -> str:
    """Medians by library, ratios within a round with their range, and the tails of round trips."""
    libraries = present(samples, cells)
    rivals = [library for library in libraries if library != OURS]
    tailed = [library for library in libraries if plan.tails and library != "libzmq"]
    header = ["cell", *(f"{library} {plan.unit}" for library in libraries)]
    header += [f"ratio to {rival}" for rival in rivals]
    header += [f"{library} {tail}" for tail in plan.tails for library in tailed]
    rows = []
    for cell in cells:
        row = [cell.key]
        row += [_median(samples, cell, lib, plan.measure) for lib in libraries]
        row += [times(samples.ratios(cell, rival, plan.measure)) for rival in rivals]
        row += [_median(samples, cell, lib, tail) for tail in plan.tails for lib in tailed]
        rows.append(row)
    return table(header, rows)


def cost(samples: Samples, cells: Sequence[Cell]) -> str:
    """CPU time over all threads and processes, and voluntary context switches."""
    libraries = present(samples, cells)
    rivals = [library for library in libraries if library != OURS]
    header = ["cell", *(f"{library} CPU us" for library in libraries)]
    header += [f"ratio to {rival}" for rival in rivals]
    header += [f"{library} switches/1000" for library in libraries]
    rows = []
    for cell in cells:
        row = [cell.key, *(_median(samples, cell, lib, "cpu") for lib in libraries)]
        row += [times(samples.ratios(cell, rival, "cpu")) for rival in rivals]
        row += [_median(samples, cell, lib, "switches") for lib in libraries]
        rows.append(row)
    return table(header, rows)


def _median(samples: Samples, cell: Cell, library: str, measure: str) -> str:
    return middle(list(samples.figures(cell.key, library, measure).values()))


def verdicts(samples: Samples) -> str:
    """Return the table of targets, and how many of them are met."""
    judged = targets.judge(samples)
    met = sum(verdict.word.startswith("met") for verdict in judged)
    measured = sum(bool(verdict.values) for verdict in judged)
    text = table(targets.HEADER, targets.as_rows(judged))
    return f"{text}\n\n{met} of {measured} measured targets are met; there are {len(judged)}."


COLUMNS = {
    # a column of the short table -> the row of the targets, and whether less is better there
    **{
        head: (f"{{}} {size}: rate / pyzmq", False)
        for head, size in (
            ("16 B", "16 B"), ("128 B", "128 B"), ("1 KiB", "1024 B"), ("32 KiB", "32 KiB"),
            ("1 MiB", "1024 KiB"),
        )
    },
    "asyncio, 16 B": ("asyncio {} 16 B: rate / pyzmq", False),
    "REQ/REP": ("REQ/REP {}: p50 / pyzmq", True),
    "asyncio REQ/REP": ("asyncio REQ/REP {}: rate / pyzmq", False),
}  # fmt: skip


def summary(samples: Samples) -> str:
    """Return the short table: how many times pyzmq's rate, by transport."""
    values = {verdict.target.name: verdict for verdict in targets.judge(samples)}
    rows = []
    for transport in targets.HOT:
        row = [transport]
        for name, less in COLUMNS.values():
            verdict = values.get(name.format(transport))
            found = verdict.value if verdict and verdict.values else None
            row.append("-" if not found else f"{1 / found if less else found:.3g}")
        rows.append(row)
    return table(["times pyzmq's rate", *COLUMNS], rows)


def circumstances(document: dict[str, Any], samples: Sequence[Sample]) -> str:
    """Say where, when and with what it was measured, and how quiet it was."""
    versions = ", ".join(f"{name} {number}" for name, number in document["versions"].items())
    rounds = [sample.round + 1 for sample in samples]
    lines = [
        f"On {document['machine']}, {document['system']}; {versions}.",
        f"Measured on {document['begun'][:10]}, begun at load {document['load_at_start']};",
        f"{noise(samples)}.",
        f"Up to {max(rounds, default=0)} rounds of about {document['seconds']} s a measurement.",
    ]
    return "\n".join(lines)


def losses(document: dict[str, Any]) -> Iterator[str]:
    """Say what failed and what cannot be measured here."""
    for failure in document["failures"]:
        yield f"Failed: {failure}"
    for cell, library, reason in document["left_out"]:
        yield f"Left out: {cell}, {library}: {reason}"
