"""The Python peer of zmqlite's interop tests: pyzmq, or pyomq, which has the same calls.

usage: python peer.py TIMEOUT_MS MODULE     jobs on stdin, one answer a line on stdout

`protocol` says what the jobs mean.
"""

from __future__ import annotations

import importlib
import platform
import sys
import traceback
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

from protocol import build, build_part, tally

PATIENCE = int(sys.argv[1])
PACKAGE = {"zmq": "pyzmq"}.get(sys.argv[2], sys.argv[2])
zmq: Any = importlib.import_module(sys.argv[2])

CURVE = {"public": "CURVE_PUBLICKEY", "secret": "CURVE_SECRETKEY", "serverkey": "CURVE_SERVERKEY"}


class Jobs:
    """The sockets of this process, and a method for every job."""

    def __init__(self) -> None:
        self.context = zmq.Context()
        self.sockets: dict[str, Any] = {}
        self.topics: dict[str, list[bytes]] = {}

    def open(self, name: str, type_name: str, *options: str) -> str:
        socket = self.sockets[name] = self.context.socket(getattr(zmq, type_name))
        socket.setsockopt(zmq.LINGER, 0)
        socket.setsockopt(zmq.RCVTIMEO, PATIENCE)
        socket.setsockopt(zmq.SNDTIMEO, PATIENCE)
        for option in options:
            key, _, value = option.partition("=")
            if key == "identity":
                socket.setsockopt(zmq.IDENTITY, bytes.fromhex(value))
            elif key == "subscribe":
                self.topics.setdefault(name, []).append(bytes.fromhex(value))
            elif key == "server":
                socket.setsockopt(zmq.CURVE_SERVER, 1)
            else:
                socket.setsockopt(getattr(zmq, CURVE[key]), value.encode())
        return ""

    def bind(self, name: str, endpoint: str) -> str:
        self.sockets[name].bind(endpoint)
        self._subscribe(name)
        found = self.sockets[name].getsockopt(zmq.LAST_ENDPOINT)
        return (found if isinstance(found, str) else found.decode()).rstrip("\0")

    def connect(self, name: str, endpoint: str) -> str:
        self.sockets[name].connect(endpoint)
        self._subscribe(name)
        return ""

    def _subscribe(self, name: str) -> None:
        # only now, because pyomq forgets what a socket subscribed to before it was bound
        for topic in self.topics.pop(name, []):
            self.sockets[name].setsockopt(zmq.SUBSCRIBE, topic)

    def send(self, name: str, repeat: str, *words: str) -> str:
        messages = build(int(repeat), words)
        for message in messages:
            self.sockets[name].send_multipart(message)
        return tally(messages)

    def recv(self, name: str, count: str) -> str:
        return tally(self.sockets[name].recv_multipart() for _ in range(int(count)))

    def echo(self, name: str, count: str) -> str:
        def step() -> list[bytes]:
            message: list[bytes] = self.sockets[name].recv_multipart()
            self.sockets[name].send_multipart(message)
            return message

        return tally(step() for _ in range(int(count)))

    def ask(self, name: str, repeat: str, *words: str) -> str:
        def step(message: list[bytes]) -> list[bytes]:
            self.sockets[name].send_multipart(message)
            answer: list[bytes] = self.sockets[name].recv_multipart()
            return answer

        return tally(step(message) for message in build(int(repeat), words))

    def until(self, name: str, word: str) -> str:
        wanted = build_part(word)
        passed = 0
        while self.sockets[name].recv_multipart()[0] != wanted:
            passed += 1
        return str(passed)

    def close(self) -> str:
        for socket in self.sockets.values():
            socket.close(linger=0)
        self.sockets.clear()
        return ""


def say(line: str) -> None:
    print(line, flush=True)


def main() -> None:
    jobs = Jobs()
    below = "" if PACKAGE == "pyomq" else f", libzmq {zmq.zmq_version()}"
    say(f"READY {PACKAGE} {version(PACKAGE)}{below}, Python {platform.python_version()}")
    for line in sys.stdin:
        job, *words = line.split()
        method: Callable[..., str] = getattr(jobs, job)
        try:
            say(f"OK {method(*words)}")
        except Exception as error:
            say(f"ERR {type(error).__name__}: {str(error)!r}")
            traceback.print_exc()
    jobs.close()


main()
