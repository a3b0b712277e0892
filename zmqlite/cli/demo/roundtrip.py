"""Request and reply: the parts several scenarios share, REQ/REP itself, and the CURVE pair."""

from __future__ import annotations

from time import perf_counter

from ..._native.core import has
from ...enums import SecurityMechanism, SocketType
from ...security import curve_keypair
from .handles import PlainContext, PlainSocket, open_socket
from .records import END, ROLL_CALL, DemoFailure, Outcome, Report, Task
from .stage import Stage


def ping(socket: PlainSocket, seconds: float) -> Report:
    """Send numbered requests for a while, one at a time, and check every reply."""
    trips: list[float] = []
    wrong, first = 0, b""
    now = perf_counter()
    end = now + seconds
    while now < end:
        request = b"hello %d" % len(trips)
        socket.send(request)
        reply = socket.recv()
        before, now = now, perf_counter()
        trips.append((now - before) * 1e6)
        wrong += reply != request.upper()
        first = first or reply
    sample = ["-> hello 0", f"<- {first.decode()}"]
    return Report(len(trips), len(trips) - wrong, trips, sample)


def echo(socket: PlainSocket, task: Task) -> Report:
    """Answer every request in capitals until END, which is answered with their number."""
    count = 0
    while (request := socket.recv()) != END:
        if request == ROLL_CALL:
            socket.send(task.name.encode())
            continue
        # "losing" answers one request with nothing, which the other side must notice
        socket.send(b"" if task.lose and count == 1 else request.upper())
        count += 1
    socket.send(b"%d" % count)
    return Report(received=count)


def serve(context: PlainContext, task: Task) -> Report:
    """Role: a REP server that connects to its client."""
    with open_socket(context, SocketType.REP, task.patience) as socket:
        socket.connect(task.endpoint)
        return echo(socket, task)


def serve_sealed(context: PlainContext, task: Task) -> Report:
    """Role: the far end of a PAIR whose messages are encrypted and authenticated by CURVE."""
    with open_socket(context, SocketType.PAIR, task.patience) as socket:
        server, public, secret = (key.encode() for key in task.keys)
        socket.curve_serverkey = server
        socket.curve_publickey = public
        socket.curve_secretkey = secret
        socket.connect(task.endpoint)
        return echo(socket, task)


def request_reply(stage: Stage) -> Outcome:
    """REQ asks, REP answers; strictly in turn."""
    client = stage.open(SocketType.REQ)
    stage.start(serve, Task(stage.place(client)))
    return _measure(stage, client, "REQ/REP", f"1 client, 1 server in {stage.workers}")


def sealed_pair(stage: Stage) -> Outcome:
    """PAIR to PAIR, both ends with keys made on the spot."""
    if not has("curve"):
        return Outcome("PAIR+CURVE", stage.transport, skipped="this libzmq has no CURVE")
    server_public, server_secret = curve_keypair()
    public, secret = curve_keypair()
    near = stage.open(SocketType.PAIR)
    near.curve_server = True
    near.curve_secretkey = server_secret
    endpoint = stage.place(near)
    keys = [key.decode() for key in (server_public, public, secret)]
    stage.start(serve_sealed, Task(endpoint, keys=keys))
    outcome = _measure(stage, near, "PAIR+CURVE", f"2 ends in {stage.workers}, fresh keys")
    if near.mechanism != SecurityMechanism.CURVE:
        raise DemoFailure("the pair was not encrypted")
    return outcome


def _measure(stage: Stage, near: PlainSocket, pattern: str, parties: str) -> Outcome:
    near.send(ROLL_CALL)  # waits for the connection, which is not what is measured
    near.recv()
    start = perf_counter()
    report = ping(near, stage.seconds)
    elapsed = perf_counter() - start
    near.send(END)
    counted = int(near.recv())
    if counted != report.sent:
        raise DemoFailure(f"{report.sent} requests were made, the other side saw {counted}")
    stage.reports()
    return Outcome(
        pattern,
        stage.transport,
        parties,
        report.sent,
        report.received,
        elapsed,
        report.trips,
        report.sample,
    )
