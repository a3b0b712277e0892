"""The guide's first steps: REQ and REP, brokers between them, threads behind them."""

from __future__ import annotations

import sys

import pytest
from guide_stage import Stage

import zmqlite as zmq

REPLIES = [f"Received reply {n}: [world]" for n in range(10)]


def test_version(stage: Stage) -> None:
    assert stage.start("version").ends() == f"Current 0MQ version is {zmq.zmq_version()}\n"


def test_hello_world(stage: Stage) -> None:
    server = stage.start("hwserver", "0")
    said = stage.start("hwclient").ends().splitlines()
    assert [line for line in said if line.startswith("Received")] == REPLIES
    assert server.interrupt().count('Received request. Data: "Hello"') == 10


def test_interrupt(stage: Stage) -> None:
    server = stage.start("interrupt")
    server.says("Starting up")
    ask = (
        "import zmqlite as zmq\n"
        "with zmq.REQ(connect='tcp://localhost:5558') as client:\n"
        "    client.send_string('Hello')\n"
        "    print(client.recv_string())\n"
    )
    assert stage.run(sys.executable, "-c", ask).ends() == "Message received\n"
    server.says('Message: "Hello"')
    assert server.interrupt().endswith("Shutting down.\n")


@pytest.mark.parametrize("broker", ["rrbroker", "msgqueue"])
def test_broker(stage: Stage, broker: str) -> None:
    middle = stage.start(broker)
    workers = [stage.start("rrworker") for _ in range(2)]
    clients = [stage.start("rrclient") for _ in range(2)]
    for client in clients:
        client.says(r"Received reply \d\[World\]", times=10)
        client.ends()
    middle.interrupt()
    requests = []
    for worker in workers:
        if worker.said:  # the other one may have come too late
            worker.interrupt()
        requests += worker.said.splitlines()
    assert sorted(requests) == sorted(2 * [f"Received request: Hello {n}" for n in range(10)])


def test_threads_behind_a_server(stage: Stage) -> None:
    server = stage.start("mtserver", "0.02")
    clients = [stage.start("hwclient") for _ in range(3)]
    for client in clients:
        client.says(r"Received reply \d: \[world\]", times=10)
        client.ends()
    server.says(r"Received request: \[Hello\]", times=30)
    server.interrupt()


def test_relay_between_threads(stage: Stage) -> None:
    assert stage.start("mtrelay").ends() == "Test successful!\n"


def test_lazy_pirate(stage: Stage) -> None:
    """The client outlives silence, and gives up when the server is gone for good."""
    client = stage.start("lpclient", "tcp://localhost:5555", "40", "0.25")
    client.says("no response from server, retrying", times=2)
    server = stage.start("lpserver", "tcp://*:5555", "0.01")
    assert client.says(r"server replied OK \((\d+)\)", times=3) == ["0", "1", "2"]
    server.says("I: simulating a crash")
    server.ends()
    assert "normal request (0)" in server.said
    client.says("retrying")
    client.interrupt()


def test_lazy_pirate_gives_up(stage: Stage) -> None:
    client = stage.start("lpclient", "tcp://localhost:5555", "2", "0.1")
    assert client.ends(code=1) == 2 * "W: no response from server, retrying\n"
