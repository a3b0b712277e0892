"""PUB/SUB with filtering: subscribers get the topics they asked for, all of them, in order.

The publisher is an XPUB, which receives the subscriptions as messages: so it knows when everybody
listens. With XPUB_NODROP it waits for slow subscribers where a PUB would drop.
"""

from __future__ import annotations

from itertools import count, islice
from time import perf_counter

from ...enums import SocketType
from .handles import PlainContext, PlainSocket, open_socket
from .records import END, DemoFailure, Outcome, Report, Task
from .stage import Stage

HEARD = ("weather", "sports")
UNHEARD = "adverts"
BURST = 100


def subscribe(context: PlainContext, task: Task) -> Report:
    """Role: count the messages of one topic until the END that tells how many they were."""
    topic = task.topic.encode()
    expected = received = 0
    with open_socket(context, SocketType.SUB, task.patience) as socket:
        socket.subscribe(topic)
        socket.connect(task.endpoint)
        while (words := socket.recv().split())[1] != END:
            if words != [topic, b"%d" % expected]:
                raise DemoFailure(f"{task.topic} {expected} was due, {words!r} came")
            received += not (task.lose and expected == 1)
            expected += 1
    return Report(int(words[2]), received)


def publish(stage: Stage) -> Outcome:
    """One publisher of three topics, a subscriber each for two of them."""
    publisher = stage.open(SocketType.XPUB)
    publisher.xpub_nodrop = True
    endpoint = stage.place(publisher)
    for topic in HEARD:
        stage.start(subscribe, Task(endpoint, topic=topic))
    waiting = {b"\x01" + topic.encode() for topic in HEARD}
    while waiting:
        waiting.discard(publisher.recv())
    start = perf_counter()
    rounds = _stream(publisher, stage.seconds)
    for topic in HEARD:
        publisher.send(b"%s %s %d" % (topic.encode(), END, rounds))
    reports = stage.reports()
    elapsed = perf_counter() - start
    sample = [
        f"PUB {', '.join(f'{topic} 0' for topic in (*HEARD, UNHEARD))}, {HEARD[0]} 1",
        f"SUB {HEARD[0]}: {HEARD[0]} 0, {HEARD[0]} 1",
    ]
    return Outcome(
        "PUB/SUB",
        stage.transport,
        f"1 publisher of 3 topics, subscribers of 2 in {stage.workers}",
        rounds * len(HEARD),
        sum(report.received for report in reports),
        elapsed,
        sample=sample,
    )


def _stream(publisher: PlainSocket, seconds: float) -> int:
    """Publish a numbered message a topic, again and again; return how often."""
    topics = [topic.encode() for topic in (*HEARD, UNHEARD)]
    numbers = count()
    end = perf_counter() + seconds
    while True:
        for number in islice(numbers, BURST):
            for topic in topics:
                publisher.send(b"%s %d" % (topic, number))
        if perf_counter() >= end:
            return next(numbers)
