"""PUSH/PULL task distribution: a ventilator, workers that square numbers, a sink that checks.

Nobody starts before everybody is connected. A connection is proved by a message that came through
it, so the stage calls the roll: it pushes until each worker has answered by name. From then on
PUSH deals the messages out in turn, and one END each reaches every worker.
"""

from __future__ import annotations

from collections import Counter
from time import perf_counter

from ...enums import SocketType
from ...error import Again
from .handles import PlainContext, PlainSocket, open_socket
from .records import END, ROLL_CALL, DemoFailure, Outcome, Report, Task
from .stage import Stage

WORKERS = 3
BURST = 100
TOTAL = b"total"


def square(context: PlainContext, task: Task) -> Report:
    """Role: pull numbers, push their squares, until END; END is answered with the name."""
    name = task.name.encode()
    received = 0
    with (
        open_socket(context, SocketType.PUSH, task.patience) as results,
        open_socket(context, SocketType.PULL, task.patience) as tasks,
    ):
        results.connect(task.results)
        tasks.connect(task.endpoint)
        while (message := tasks.recv()) != END:
            if message == ROLL_CALL:
                results.send(name)
                continue
            received += 1
            if not (task.lose and received == 1):
                results.send(b"%d" % int(message) ** 2)
        results.send(name)
    return Report(received=received)


def distribute(stage: Stage) -> Outcome:
    """One ventilator thread deals tasks to three workers; the results are counted and summed."""
    tasks, results = stage.open(SocketType.PUSH), stage.open(SocketType.PULL)
    task_place, result_place = stage.place(tasks), stage.place(results)
    names = [f"worker {number}".encode() for number in range(1, WORKERS + 1)]
    for name in names:
        stage.start(square, Task(task_place, name.decode(), result_place))
    _call_the_roll(tasks, results, names)

    sink = stage.open(SocketType.PUSH)
    sink.connect(result_place)
    start = perf_counter()
    # sockets may be handed over: the ventilator has both until it has told the total
    ventilator = stage.start_here(lambda: _ventilate(tasks, sink, stage.seconds))
    sent, received = _collect(results)
    elapsed = perf_counter() - start
    ventilator.result()
    for _ in names:
        tasks.send(END)
    if {results.recv() for _ in names} != set(names):
        raise DemoFailure("the last task did not reach every worker")
    shares = [report.received for report in stage.reports()]
    return Outcome(
        "PUSH/PULL",
        stage.transport,
        f"1 ventilator, {WORKERS} workers in {stage.workers}, 1 sink",
        sent,
        received,
        elapsed,
        sample=["task 12 -> 144", f"shares {' + '.join(map(str, shares))}"],
    )


def _call_the_roll(tasks: PlainSocket, results: PlainSocket, names: list[bytes]) -> None:
    present: Counter[bytes] = Counter()
    while len(present) < len(names):
        tasks.send(ROLL_CALL)
        present[results.recv()] += 1


def _ventilate(tasks: PlainSocket, sink: PlainSocket, seconds: float) -> None:
    """Push numbers for a while, then tell the sink how many they were."""
    number = 0
    end = perf_counter() + seconds
    while perf_counter() < end:
        for _ in range(BURST):
            number += 1
            tasks.send(b"%d" % number)
    sink.send(b"%s %d" % (TOTAL, number))


def _collect(results: PlainSocket) -> tuple[int, int]:
    """Receive squares until all have come or none comes; return how many were due, and came."""
    received = squares = 0
    due: int | None = None
    while received != due:
        try:
            message = results.recv()
        except Again:
            break
        if message.startswith(TOTAL):
            due = int(message.split()[1])
        else:
            received += 1
            squares += int(message)
    if due is None:
        raise DemoFailure("the ventilator did not tell its total")
    if received == due and squares != due * (due + 1) * (2 * due + 1) // 6:
        raise DemoFailure("a result is wrong: the squares do not add up")
    return due, received
