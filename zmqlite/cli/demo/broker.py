"""A broker: clients ask through a ROUTER, workers answer through a DEALER, a proxy joins them."""

from __future__ import annotations

from ...enums import SocketType
from ...proxy import proxy_steerable
from .handles import PlainContext, PlainSocket, open_socket
from .records import END, ROLL_CALL, DemoFailure, Outcome, Report, Task
from .roundtrip import ping, serve
from .stage import Stage

CLIENTS = 2
WORKERS = 2
CONTROL = "inproc://broker-control"


def ask(context: PlainContext, task: Task) -> Report:
    """Role: a REQ client that asks for a while."""
    with open_socket(context, SocketType.REQ, task.patience) as socket:
        socket.connect(task.endpoint)
        socket.send(ROLL_CALL)
        socket.recv()
        return ping(socket, task.seconds)


def broker(stage: Stage) -> Outcome:
    """Two clients ask, two workers answer; a proxy in a thread deals the requests out."""
    frontend, backend = stage.open(SocketType.ROUTER), stage.open(SocketType.DEALER)
    front_place, back_place = stage.place(frontend), stage.place(backend)
    steering, steered = stage.open(SocketType.PAIR), stage.open(SocketType.PAIR)
    steering.bind(CONTROL)
    steered.connect(CONTROL)
    proxy = stage.start_here(lambda: proxy_steerable(frontend, backend, None, steered))

    names = [f"worker {number}" for number in range(1, WORKERS + 1)]
    for name in names:
        stage.start(serve, Task(back_place, name))
    caller = stage.open(SocketType.REQ)
    caller.connect(front_place)
    _call_the_roll(caller, set(names))

    tasks = [Task(front_place, seconds=stage.seconds)] * CLIENTS
    clients = stage.reports([stage.start(ask, task) for task in tasks])
    trips = [trip for client in clients for trip in client.trips]
    counted = _dismiss(caller)
    steering.send(b"TERMINATE")
    stage.reports([proxy])
    sent = sum(client.sent for client in clients)
    if counted != sent:
        raise DemoFailure(f"{sent} requests were made, the workers saw {counted}")
    return Outcome(
        "ROUTER/DEALER",
        stage.transport,
        f"{CLIENTS} clients, {WORKERS} workers in {stage.workers}, 1 broker thread",
        sent,
        sum(client.received for client in clients),
        max(sum(client.trips) for client in clients) / 1e6,
        trips,
        clients[0].sample,
    )


def _call_the_roll(caller: PlainSocket, absent: set[str]) -> None:
    """Ask who answers until every worker has: the proxy deals requests to those connected."""
    while absent:
        caller.send(ROLL_CALL)
        absent.discard(caller.recv().decode())


def _dismiss(caller: PlainSocket) -> int:
    """End the workers, who are dealt one END each; return how many requests they have seen."""
    counted = 0
    for _ in range(WORKERS):
        caller.send(END)
        counted += int(caller.recv())
    return counted
