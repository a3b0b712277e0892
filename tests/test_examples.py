"""Every example, run as the real processes that its docstring tells to start."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support import FACTOR, needs_curve, needs_patch

EXAMPLES = Path(__file__).parents[1] / "examples"
LIMIT = 30 * FACTOR

Start = Callable[..., "Program"]


class Program:
    """A running example."""

    def __init__(self, name: str, *arguments: str) -> None:
        self.name = name
        self._process = subprocess.Popen(
            [sys.executable, "-W", "error", str(EXAMPLES / name), *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=dict(os.environ, PYTHONPATH=os.pathsep.join(filter(None, sys.path))),
        )

    def says(self, pattern: str) -> str:
        """Wait for a line and return what the group of the pattern matched in it."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        found = re.search(pattern, line)
        assert found, f"{self.name} said {line!r}; {self.stop()}"
        return found[1]

    def result(self) -> str:
        """Wait for the end, check that it was a good one, and return the output."""
        output, errors = self._process.communicate(timeout=LIMIT)
        assert (self._process.returncode, errors) == (0, ""), self.name
        return output

    def fails(self) -> str:
        """Wait for an end with an exit code of 1 and return the complaint."""
        _, errors = self._process.communicate(timeout=LIMIT)
        assert self._process.returncode == 1, self.name
        return errors

    def interrupt(self) -> str:
        """Send what Ctrl-C sends; the example must end well."""
        self._process.send_signal(signal.SIGINT)
        return self.result()

    def stop(self) -> str:
        """End it in any case; return what it complained of."""
        self._process.kill()
        return self._process.communicate()[1]


@pytest.fixture
def start() -> Iterator[Start]:
    """A starter of examples, which are ended afterwards."""
    programs: list[Program] = []

    def begin(name: str, *arguments: str) -> Program:
        programs.append(Program(name, *arguments))
        return programs[-1]

    yield begin
    for program in programs:
        program.stop()


@pytest.fixture(params=["tcp", "ipc"])
def place(request: pytest.FixtureRequest) -> str:
    return {"tcp": "tcp://127.0.0.1:*", "ipc": "ipc://*"}[request.param]


needs_ctrl_c = pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT for one process")


@needs_ctrl_c
def test_hello(start: Start, place: str) -> None:
    server = start("hello_server.py", place)
    endpoint = server.says(r"listening on (\S+)")
    client = start("hello_client.py", endpoint, "3")
    assert client.result().splitlines() == [f"answer: HELLO {n}" for n in (1, 2, 3)]
    assert server.interrupt().splitlines() == [f"asked: hello {n}" for n in (1, 2, 3)]


@needs_curve
def test_nobody_answers(start: Start, tmp_path: Path) -> None:
    """No server, and one that has another key; both clients wait at once."""
    client = start("hello_client.py", f"ipc://{tmp_path / 'nobody'}")
    server = start("curve_server.py", "tcp://127.0.0.1:*")
    endpoint, key = server.says(r"listening on (\S+ with key \S+)").split(" with key ")
    wrong = key[:-5] + ("00000" if key[-5:] != "00000" else "11111")
    assert "is the key right?" in start("curve_client.py", wrong, endpoint).fails()
    assert "no answer from" in client.fails()


def test_publisher_and_subscriber(start: Start, place: str) -> None:
    publisher = start("publisher.py", place, "50")
    endpoint = publisher.says(r"publishing on (\S+)")
    subscriber = start("subscriber.py", "rome", endpoint)
    assert publisher.says("subscribed: (.*)") == "rome"
    assert subscriber.result().splitlines() == [f"rome {10 + n % 20}" for n in range(50)]
    publisher.result()


@needs_ctrl_c
@needs_patch("unwritten-output", "full-receiver", "known-peers")  # ipc loses the last messages
def test_tasks(start: Start, place: str) -> None:
    sink = start("task_sink.py", place)
    sink_place = sink.says(r"collecting on (\S+)")
    ventilator = start("task_ventilator.py", place, sink_place, "500", "2")
    task_place = ventilator.says(r"dealing on (\S+)")
    workers = [start("task_worker.py", task_place, sink_place) for _ in range(2)]
    total = sum(number**2 for number in range(1, 501))
    assert sink.result() == f"500 squares, {total} in all\n"
    assert ventilator.result() == "dealt 250 250\n"
    for worker in workers:
        assert worker.says("(working)")
        worker.interrupt()


@needs_ctrl_c
def test_broker(start: Start, place: str) -> None:
    broker = start("broker.py", place, place)
    places = broker.says(r"clients on (\S+ workers on \S+)").split(" workers on ")
    workers = [start("broker_worker.py", places[1]) for _ in range(2)]
    clients = [start("hello_client.py", places[0], "20") for _ in range(2)]
    for client in clients:
        assert client.result().splitlines() == [f"answer: HELLO {n}" for n in range(1, 21)]
    for program in [*workers, broker]:
        if program is not broker:
            program.says("(working)")
        program.interrupt()


@needs_curve
@needs_ctrl_c
def test_curve(start: Start, place: str) -> None:
    server = start("curve_server.py", place)
    endpoint, key = server.says(r"listening on (\S+ with key \S+)").split(" with key ")
    assert start("curve_client.py", key, endpoint).result() == "answer: A SECRET\n"
    server.interrupt()


def test_every_example_has_a_test_and_a_line_in_the_readme() -> None:
    names = {path.name for path in EXAMPLES.glob("*.py")}
    text = Path(__file__).read_text(encoding="utf-8")
    readme = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    assert {name for name in names if f'"{name}"' not in text} == set()
    assert {name for name in names if f"`{name}" not in readme} == set()


SLEEPERS = {
    *("asyncsrv", "hwserver", "lpserver", "mtserver", "rtreq", "taskwork", "taskwork2"),  # work
    *("pathopub", "peering2", "peering3", "psenvpub", "chart"),  # their pace
    *("bstarcli", "ticlient", "msreader"),  # a moment before they ask again
}


def test_no_example_sleeps_until_a_peer_is_there() -> None:
    """There are waits for that; those that sleep for something else are listed."""
    programs = EXAMPLES.rglob("*.py")
    assert {path.stem for path in programs if "sleep(" in path.read_text()} == SLEEPERS
