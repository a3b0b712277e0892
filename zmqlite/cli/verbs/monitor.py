"""`monitor`: what happens to a socket's connections, in words."""

from __future__ import annotations

import difflib
import json
import sys
import time
from contextlib import ExitStack
from threading import Timer

import click

from ...enums import Event, SocketType
from ...socket.monitor_events import EventStream, MonitorEvent
from ..command import SUCCESS, TIMEOUT
from ..output import for_reader, write
from ..shared.asking import socket_settings
from ..shared.opening import Opening, PlainSocket
from ..shared.values import COUNT
from ..shared.verb import Example, option, verb

__all__ = ["monitor"]

WORDS = {
    Event.CONNECTED: "connected",
    Event.CONNECT_DELAYED: "connecting",
    Event.CONNECT_RETRIED: "will try again",
    Event.LISTENING: "listening",
    Event.BIND_FAILED: "could not bind",
    Event.ACCEPTED: "accepted",
    Event.ACCEPT_FAILED: "could not accept",
    Event.CLOSED: "closed",
    Event.CLOSE_FAILED: "could not close",
    Event.DISCONNECTED: "disconnected",
    Event.MONITOR_STOPPED: "stopped",
    Event.HANDSHAKE_SUCCEEDED: "handshake done",
    Event.HANDSHAKE_FAILED_NO_DETAIL: "handshake failed",
    Event.HANDSHAKE_FAILED_PROTOCOL: "handshake failed",
    Event.HANDSHAKE_FAILED_AUTH: "refused",
}


def in_words(event: MonitorEvent, now: float) -> str:
    """Return a line: when, what, where, the peer, why."""
    clock = time.strftime("%H:%M:%S", time.localtime(now)) + f".{int(now * 1000) % 1000:03}"
    what = WORDS.get(event.event) or str(event.event.name).lower().replace("_", " ")
    reason = "" if event.event == Event.CONNECT_DELAYED else event.reason  # "in progress"
    peer = event.address if event.address != event.endpoint else ""
    name = _as_text(event.routing_id)
    rest = [
        event.endpoint,
        peer and f"peer {peer}",
        name and f"id {name}",
        reason and f"({reason})",
    ]
    return "  ".join([clock, f"{what:16}", *filter(None, rest)])


def for_programs(event: MonitorEvent, now: float) -> str:
    """Return the same as JSON."""
    facts = {**event._asdict(), "event": event.event.name}
    if isinstance(event.routing_id, bytes):
        facts["routing_id"] = _as_text(event.routing_id)
    return json.dumps({"time": round(now, 6), **facts})


def _as_text(routing_id: bytes | int | None) -> str:
    """Return a routing id as its letters, or as 0x and hex if it is none; "" for None."""
    if not isinstance(routing_id, bytes):
        return "" if routing_id is None else str(routing_id)
    letters = routing_id.isascii() and b" " not in routing_id and routing_id[:2] != b"0x"
    text = routing_id.decode("ascii") if letters else ""
    return text if text.isprintable() and text else f"0x{routing_id.hex()}"


@verb(
    "monitor",
    Example(
        "Watch a subscriber find its publisher, and lose it",
        "zmqlite monitor -c tcp://127.0.0.1:5556",
    ),
    Example(
        "See who comes to an address; the types of the sockets have to fit",
        "zmqlite monitor -t pull -b tcp://*:5557",
    ),
    Example(
        "Wait until a server that has a key is reached",
        "zmqlite monitor -c tcp://127.0.0.1:5556 --server-key server.key"
        " --until handshake_succeeded",
    ),
)
@option("-n", "--count", type=COUNT, metavar="N", help="End after N events.")
@option("--until", metavar="EVENT", help="End after an event of this name.")
@option("--json", "as_json", is_flag=True, help="Print a line of JSON for each event.")
@socket_settings(SocketType.SUB, choose=True, timeout="End after this time, with 124.")
def monitor(opening: Opening, count: int | None, until: str | None, as_json: bool) -> int:
    """Monitor.

    Opens a socket and tells what happens to its connections, until Ctrl-C. What is sent to it is
    not read. A SUB that subscribes to nothing costs a publisher nothing.
    """
    return Watch(opening, count, None if until is None else event_named(until), as_json).run()


def event_named(name: str) -> Event:
    """Return the event of that name; words and names of events are both known."""
    upper = name.upper().replace("-", "_").replace(" ", "_")
    found = Event.__members__.get(upper)
    if found is None:
        near = difflib.get_close_matches(upper, Event.__members__, n=1)
        hint = f"; did you mean {near[0].lower()}?" if near else ""
        raise click.UsageError(f"there is no event {name!r}{hint}")
    return found


class Watch:
    """One watch over a socket: how it ends, and what it prints."""

    def __init__(
        self, opening: Opening, count: int | None, until: Event | None, as_json: bool
    ) -> None:
        self.opening, self.count, self.until = opening, count, until
        self.line = for_programs if as_json else in_words
        self.events: EventStream

    def run(self) -> int:
        """Print events until there are enough."""
        opening, start = self.opening, time.monotonic()
        limit = opening.timeout
        with ExitStack() as stack, opening.open(self._begin) as socket:
            over = False
            if limit is not None:

                def end() -> None:
                    nonlocal over
                    over = True
                    socket.context.shutdown()  # the iteration ends

                timer = Timer(max(start + limit - time.monotonic(), 0), end)
                timer.start()
                stack.callback(timer.cancel)
            self._print()
        return TIMEOUT if over else SUCCESS

    def _begin(self, socket: PlainSocket) -> None:
        self.events = socket.monitor_events()

    def _print(self) -> None:
        left = self.count
        with self.events as events:
            for event in events:
                write(for_reader(self.line(event, time.time()), sys.stdout))
                left = None if left is None else left - 1
                if left == 0 or (self.until is not None and event.event == self.until):
                    return
