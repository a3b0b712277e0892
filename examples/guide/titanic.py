"""Titanic: requests and replies on disk, so that client and worker need not live at one time.

RFC 9/TSP, as three services of Majordomo: `titanic.request` writes a request down,
`titanic.reply` fetches its reply, `titanic.close` forgets both. Between them a dispatcher sends
what is written down to what serves it. Run beside mdbroker.py; files go to the folder .titanic.
"""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from mdcliapi2 import MajorDomoClient
from mdwrkapi import MajorDomoWorker

import zmqlite as zmq

BROKER = "tcp://localhost:5555"
FOLDER = Path(".titanic")
QUEUE = FOLDER / "queue"


def file_of(name: str, kind: str) -> Path:
    return FOLDER / f"{uuid.UUID(name)}.{kind}"  # a name that is no UUID raises


def accept(request: list[str]) -> list[str]:
    name = str(uuid.uuid4())
    file_of(name, "req").write_text(json.dumps(request))
    with zmq.PUSH(connect="inproc://titanic") as pipe:
        pipe.send_string(name)
    return ["200", name]


def fetch(request: list[str]) -> list[str]:
    name = request[0]
    if file_of(name, "rep").exists():
        return ["200", *json.loads(file_of(name, "rep").read_text())]
    return ["300" if file_of(name, "req").exists() else "400"]


def close(request: list[str]) -> list[str]:
    for kind in ("req", "rep"):
        file_of(request[0], kind).unlink(missing_ok=True)
    return ["200"]


def serve(service: str, answer: Callable[[list[str]], list[str]]) -> None:
    """Be a worker of Majordomo for ever."""
    with MajorDomoWorker(BROKER, service) as worker:
        reply = None
        while True:
            request = worker.recv(reply)
            try:
                reply = answer(request)
            except (ValueError, IndexError):
                reply = ["400"]


def ask(service: str, request: str | list[str]) -> list[str] | None:
    """Ask on a new connection, where no late reply to an older question can turn up."""
    with MajorDomoClient(BROKER) as client:
        client.timeout = 1000
        client.send(service, request)
        return client.recv()


def fulfil(name: str) -> bool:
    """Try to have a request served; tell whether it is done with."""
    if not file_of(name, "req").exists():
        return True  # closed meanwhile
    service, *request = json.loads(file_of(name, "req").read_text())
    if ask("mmi.service", service) != ["200"]:
        return False
    reply = ask(service, request)
    if reply is None:
        return False
    draft = file_of(name, "tmp")
    draft.write_text(json.dumps(reply))
    draft.replace(file_of(name, "rep"))  # all at once: someone may look
    return True


def dispatch(pipe: zmq.Socket) -> None:
    """Work off the queue, which outlives the program."""
    waiting = QUEUE.read_text().split() if QUEUE.exists() else []
    while True:
        if pipe.poll(1000):
            waiting.append(pipe.recv_string())
            QUEUE.write_text("\n".join(waiting))
        for name in list(waiting):
            print("I: processing request", name)
            if fulfil(name):
                waiting.remove(name)
        QUEUE.write_text("\n".join(waiting))


FOLDER.mkdir(exist_ok=True)
with suppress(KeyboardInterrupt), zmq.PULL(bind="inproc://titanic") as pipe:
    for service, answer in (("request", accept), ("reply", fetch), ("close", close)):
        threading.Thread(target=serve, args=[f"titanic.{service}", answer], daemon=True).start()
    dispatch(pipe)
