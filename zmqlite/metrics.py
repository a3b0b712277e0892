"""The numbers of contexts for monitoring systems: Prometheus text, OpenTelemetry instruments.

    zmqlite.metrics.prometheus(context)  # the body of an answer to /metrics
    zmqlite.metrics.instrument(context)  # needs the extra: pip install "zmqlite[metrics]"

Both may run in any thread, whatever others do with the sockets. Numbers are told apart by the type
of the sockets and by endpoint: where a socket is bound (with the address that a peer came to) or
connected. Those of closed sockets stay in the sums, as counters must never fall.
"""

from __future__ import annotations

import time
import weakref
from collections.abc import Callable, Iterable
from importlib import import_module
from typing import Any, NamedTuple

from ._native import core
from .context import Context
from .error import ContextTerminated
from .socket.stats import Row, SocketStats, by_endpoint, rows_of_context

__all__ = ["CONTENT_TYPE", "instrument", "prometheus"]

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_FRESH = 0.05  # seconds: the instruments of one collection read the contexts once

_Found = dict[tuple[str, str], SocketStats]


class _Metric(NamedTuple):
    name: str
    counts: bool  # a gauge if not
    field: str
    unit: str
    text: str


_METRICS = (
    _Metric("received_messages", True, "messages_in", "{message}", "Messages received."),
    _Metric("received_bytes", True, "bytes_in", "By", "Bytes of the messages received."),
    _Metric("sent_messages", True, "messages_out", "{message}", "Messages sent, by receiver."),
    _Metric("sent_bytes", True, "bytes_out", "By", "Bytes of the messages sent."),
    _Metric("dropped_messages", True, "drops", "{message}", "Messages that found no room."),
    _Metric("unroutable_messages", True, "unroutable", "{message}", "Messages for nobody known."),
    _Metric("connects", True, "connects", "{connection}", "Connections that shook hands."),
    _Metric("disconnects", True, "disconnects", "{connection}", "Connections that ended."),
    _Metric("failed_handshakes", True, "failed_handshakes", "{handshake}", "Failed handshakes."),
    _Metric("reconnect_tries", True, "retries", "{try}", "Tries to connect again."),
    _Metric("queued_in_messages", False, "queued_in", "{message}", "Messages to be received."),
    _Metric("queued_out_messages", False, "queued_out", "{message}", "Messages queued for peers."),
    _Metric("unsent_messages", False, "unsent", "{message}", "Messages still in this process."),
    _Metric(
        "connections", False, "peers", "{connection}", "Connections, and places to connect to."
    ),
)


def prometheus(contexts: Context[Any] | Iterable[Context[Any]]) -> str:
    """Return the numbers of one context or several in Prometheus' text format.

    Labels are `type` (`PUB`) and `endpoint`; what belongs to no endpoint has an empty one.
    Contexts that are closed are left out; a context and its views count once. `CONTENT_TYPE` is
    what an HTTP answer says of it.

    Raises `NotSupported` with a libzmq that zmqlite did not build.
    """
    found = _collect(contexts)
    labels = {key: f'{{type="{_escaped(key[0])}",endpoint="{_escaped(key[1])}"}}' for key in found}
    lines: list[str] = []
    for metric in _METRICS:
        name = f"zmqlite_{metric.name}" + "_total" * metric.counts
        lines.append(f"# HELP {name} {metric.text}")
        lines.append(f"# TYPE {name} {'counter' if metric.counts else 'gauge'}")
        lines += [f"{name}{labels[key]} {_value(found[key], metric)}" for key in found]
    return "\n".join(lines) + "\n"


def instrument(contexts: Context[Any] | Iterable[Context[Any]], meter: Any = None) -> None:
    """Make observable counters and gauges of OpenTelemetry for one context or several.

    They are called `zmqlite.sent_messages` and so on, with the attributes `type` and `endpoint`.
    `meter` is a meter of `opentelemetry.metrics`; without one, that of the global provider. The
    contexts are not kept alive, and tell nothing once they are closed.

    Raises `ImportError` without opentelemetry-api.
    """
    api: Any = import_module("opentelemetry.metrics")
    homes = [weakref.ref(context) for context in _listed(contexts)]
    last: list[Any] = [-1.0, {}]

    def read() -> _Found:
        if time.monotonic() - last[0] > _FRESH:
            alive = [context for home in homes if (context := home()) is not None]
            last[:] = [time.monotonic(), _collect(alive)]
        found: _Found = last[1]
        return found

    def observer(metric: _Metric) -> Callable[[Any], list[Any]]:
        def observe(_: Any) -> list[Any]:
            return [
                api.Observation(_value(stats, metric), {"type": kind, "endpoint": endpoint})
                for (kind, endpoint), stats in read().items()
            ]

        return observe

    if meter is None:
        meter = api.get_meter("zmqlite")
    for metric in _METRICS:
        make = meter.create_observable_counter if metric.counts else meter.create_observable_gauge
        make(f"zmqlite.{metric.name}", [observer(metric)], metric.unit, metric.text)


def _listed(contexts: Any) -> list[Context[Any]]:
    listed: list[Any] = [contexts]
    if not isinstance(contexts, (Context, core.Socket)) and isinstance(contexts, Iterable):
        listed = [*contexts]
    if all(isinstance(one, Context) for one in listed):
        return listed
    raise TypeError(f"a context or several are asked for, not {contexts!r:.80}")


def _collect(contexts: Context[Any] | Iterable[Context[Any]]) -> _Found:
    """Add up what several contexts say of the same type and endpoint.

    A context and its views (`shadow`) are one.
    """
    rows: list[Row] = []
    seen: set[int] = set()
    for context in _listed(contexts):
        address = context.underlying
        if address in seen:
            continue
        try:
            rows += rows_of_context(context)
        except ContextTerminated:
            continue  # in the middle of its end
        except RuntimeError:
            if not context.closed:
                raise
            continue
        seen.add(address)
    return by_endpoint(rows)


def _value(stats: SocketStats, metric: _Metric) -> int:
    value: Any = getattr(stats, metric.field)
    return len(stats.peers) if metric.field == "peers" else int(value)


def _escaped(text: str) -> str:
    """Escape the value of a label; what is not UTF-8 in the name of a file is written out."""
    text = text.encode("utf-8", "backslashreplace").decode("utf-8")
    return text.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
