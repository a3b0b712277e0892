"""The far side of `bench`: does what a client tells it, one test after the other.

Commands and answers are JSON over REQ/REP. For a test the server binds a socket and tells where;
a message of another size than the test's is its end.
"""

from __future__ import annotations

from time import perf_counter
from typing import Any, TypeAlias

from ...context import Context
from ...enums import SocketType
from ...error import Again, ZMQError
from ...socket import Socket

__all__ = ["PATIENCE", "serve"]

PlainSocket: TypeAlias = Socket[bytes]
PlainContext: TypeAlias = Context[PlainSocket]

PATIENCE = 10_000  # ms that a client may be silent in the middle of a test
_KINDS = {"throughput": SocketType.PULL, "latency": SocketType.REP}


def serve(context: PlainContext, control: PlainSocket, stops: bool) -> None:
    """Obey until the context ends; with `stops`, or until a client says so."""
    while True:
        wanted = asked(control)
        if wanted == "stop":
            control.send_json("stop")
            if stops:
                return
            continue
        try:
            kind, size = _KINDS[wanted["test"]], int(wanted["size"])
            socket = context.socket(kind, rcvtimeo=PATIENCE, linger=PATIENCE)
        except (KeyError, TypeError, ValueError) as error:
            control.send_json({"error": f"no such test: {error!r}"})
            continue
        with socket:
            try:
                control.send_json({"endpoint": socket.bind(str(wanted.get("bind")))})
            except ZMQError as error:
                control.send_json({"error": str(error)})
                continue
            figures = run(socket, wanted["test"], size)
        asked(control)  # the client wants the figures
        control.send_json(figures)


def asked(control: PlainSocket) -> Any:
    """Return what a client wants; None for what makes no sense."""
    try:
        return control.recv_json()
    except (ValueError, RecursionError):
        return None


def run(socket: PlainSocket, test: str, size: int) -> dict[str, Any]:
    """Take part in one test, and return what was seen."""
    try:
        if test == "throughput":
            messages, seconds = count(socket, size)
            return {"messages": messages, "seconds": seconds}
        echo(socket, size)
    except Again:
        return {"error": f"the client was silent for {PATIENCE // 1000} s"}
    return {}


def count(socket: PlainSocket, size: int) -> tuple[int, float]:
    """Receive until the end; return how many messages came after the first, and in what time."""
    receive = socket.recv
    messages = 0
    if len(receive()) != size:
        return 0, 0.0
    start = perf_counter()
    while len(receive()) == size:
        messages += 1
    return messages, perf_counter() - start


def echo(socket: PlainSocket, size: int) -> None:
    """Send each message back, until the end."""
    receive, send = socket.recv, socket.send
    while True:
        message = receive()
        send(message)
        if len(message) != size:
            return
