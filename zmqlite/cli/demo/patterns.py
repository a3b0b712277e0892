"""The patterns: the jobs of their workers, and what happens here, which returns the figures."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from time import perf_counter
from typing import Any, NamedTuple, TypeAlias

from ...error import Again
from ...proxy import proxy
from ...security import curve_keypair
from .run import PlainContext, PlainSocket, Run

Figures: TypeAlias = tuple[str, int, int, float]
"""Who took part, how many messages were sent, how many arrived as they should, and the seconds."""


# --- requests and replies ------------------------------------------------------------------------


def answer(context: PlainContext, kind: str, endpoint: str, lose: bool, **keys: Any) -> None:
    """Worker: answer every request in capitals."""
    with context.socket(kind, connect=endpoint, **keys) as socket:
        for request in socket:
            lost = lose and request == b"hello 1 of client 1"
            socket.send(b"" if lost else request.upper())


def ask(
    context: PlainContext, endpoint: str, name: str, seconds: float, reports: str, lose: bool
) -> None:
    """Worker: a client that reports what it has exchanged."""
    with (
        context.socket("REQ", connect=endpoint) as socket,
        context.socket("PUSH", connect=reports) as report,
    ):
        report.send_json(exchange(socket, name, seconds))


def exchange(socket: PlainSocket, name: str, seconds: float) -> tuple[int, int, float]:
    """Send requests, one at a time; return how many, how many came back right, and seconds."""
    socket.send(b"hello")
    socket.recv()  # which waits for the connection too, so it is not measured
    sent = right = 0
    start = perf_counter()
    while sent < 2 or perf_counter() < start + seconds:
        request = b"hello %d of %s" % (sent, name.encode())
        socket.send(request)
        right += socket.recv() == request.upper()
        sent += 1
    return sent, right, perf_counter() - start


def request_reply(run: Run) -> Figures:
    """REQ asks, REP answers; strictly in turn."""
    client = run.socket("REQ")
    run.start(answer, kind="REP", endpoint=run.bind(client))
    return f"1 client, 1 server in {run.workers}", *exchange(client, "client 1", run.seconds)


def curve(run: Run) -> Figures:
    """PAIR to PAIR, encrypted; both ends have keys made on the spot."""
    server_key, server_secret = curve_keypair()
    public, secret = curve_keypair()
    pair = run.socket("PAIR", curve_server=True, curve_secretkey=server_secret)
    keys = {"serverkey": server_key, "publickey": public, "secretkey": secret}
    texts = {f"curve_{name}": key.decode() for name, key in keys.items()}
    run.start(answer, kind="PAIR", endpoint=run.bind(pair), **texts)
    return f"2 ends in {run.workers}, fresh keys", *exchange(pair, "client 1", run.seconds)


def broker(run: Run) -> Figures:
    """Clients ask, servers answer; between them a proxy deals the requests out."""
    frontend, backend, reports = run.socket("ROUTER"), run.socket("DEALER"), run.socket("PULL")
    front, back, told = run.bind(frontend), run.bind(backend), run.bind(reports)
    run.start_thread(proxy, frontend, backend)
    for name in ("client 1", "client 2"):
        run.start(answer, kind="REP", endpoint=back)
        run.start(ask, endpoint=front, name=name, seconds=run.seconds, reports=told)
    sent, right, seconds = zip(*(reports.recv_json() for _ in range(2)), strict=True)
    parties = f"2 clients, 2 servers in {run.workers}, 1 proxy"
    return parties, sum(sent), sum(right), max(seconds)


# --- one to many ---------------------------------------------------------------------------------


def subscribe(context: PlainContext, topic: str, endpoint: str, reports: str, lose: bool) -> None:
    """Worker: report how many messages of a topic came, numbered in order, until its end."""
    right = 0
    with (
        context.socket("SUB", connect=endpoint, subscribe=topic) as socket,
        context.socket("PUSH", connect=reports) as report,
    ):
        for number, message in enumerate(socket):
            if message == f"{topic} end".encode():
                break
            lost = lose and message == b"weather 1"
            right += message == f"{topic} {number}".encode() and not lost
        report.send_json(right)


def publish(run: Run) -> Figures:
    """One publisher, and subscribers that hear only what they asked for.

    An XPUB receives the subscriptions, and with XPUB_NODROP it waits for slow subscribers where
    a PUB would drop.
    """
    publisher, reports = run.socket("XPUB", xpub_nodrop=True), run.socket("PULL")
    endpoint, told = run.bind(publisher), run.bind(reports)
    for topic in ("weather", "sports"):
        run.start(subscribe, topic=topic, endpoint=endpoint, reports=told)
    for _ in range(2):
        publisher.recv()
    topics = (b"weather", b"sports", b"adverts")
    sent = 0
    start = perf_counter()
    while not sent or perf_counter() < start + run.seconds:
        numbers = range(sent, sent + 100)
        publisher.send_many(b"%s %d" % (topic, n) for n in numbers for topic in topics)
        sent = numbers.stop
    publisher.send_many(topic + b" end" for topic in topics)
    right = sum(reports.recv_json() for _ in range(2))
    parties = f"1 publisher of 3 topics, subscribers of 2 in {run.workers}"
    return parties, 2 * sent, right, perf_counter() - start


def square(context: PlainContext, tasks: str, results: str, lose: bool) -> None:
    """Worker: pull numbers and push their squares."""
    with (
        context.socket("PULL", connect=tasks) as source,
        context.socket("PUSH", connect=results) as sink,
    ):
        for number in source:
            if not (lose and number == b"1"):
                sink.send(b"%d" % int(number) ** 2)


def distribute(run: Run) -> Figures:
    """Numbers are dealt to three workers in turn; every square has to come back."""
    tasks, results = run.socket("PUSH"), run.socket("PULL")
    places = {"tasks": run.bind(tasks), "results": run.bind(results)}
    for _ in range(3):
        run.start(square, **places)
    tasks.send(b"0")
    results.recv()  # so one of them is connected
    sent, squares = 0, list[bytes]()
    start = perf_counter()
    with suppress(Again):  # what does not come is missing in the figures
        while not sent or perf_counter() < start + run.seconds:
            numbers = range(sent, sent + 100)
            sent = numbers.stop
            tasks.send_many(b"%d" % number for number in numbers)
            while sent - len(squares) > 1000:  # as many are on their way
                squares += results.recv_many()
        while len(squares) < sent:
            squares += results.recv_many()
    seconds = perf_counter() - start
    right = len({b"%d" % n**2 for n in range(sent)}.intersection(squares))
    return f"1 source, 3 workers in {run.workers}, 1 sink", sent, right, seconds


class Pattern(NamedTuple):
    """A pattern under its name for the command line, and where it can be shown."""

    name: str
    title: str
    measure: Callable[[Run], Figures]
    transports: tuple[str, ...] = ("inproc", "ipc", "tcp")


PATTERNS = (
    Pattern("reqrep", "REQ/REP", request_reply),
    Pattern("pubsub", "PUB/SUB", publish),
    Pattern("pipeline", "PUSH/PULL", distribute),
    Pattern("broker", "ROUTER/DEALER", broker),
    Pattern("curve", "PAIR+CURVE", curve, ("tcp",)),
)
JOBS: dict[str, Callable[..., None]] = {f.__name__: f for f in (answer, ask, subscribe, square)}
