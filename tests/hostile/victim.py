"""The process under attack. Reads orders as lines of JSON on stdin, and answers on stdout.

Orders: the first line is what to open (seed, types, without, limit), answered by where it is and
the keys; {"do": "call", "servers": ...} starts the callers; {"do": "calm"} ends callers and churn;
{"do": "files"} asks whose descriptors are open; {"do": "trim"} how much memory is in use;
{"do": "end"} closes everything, which must work in time. Twice a second a line says that it lives,
and what it has heard from the well-behaved peers.
"""

from __future__ import annotations

import contextlib
import ctypes
import faulthandler
import gc
import json
import os
import select
import socket
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import fleet
from callers import Call
from churn import Churn
from stations import Keys, Station

import zmqlite as zmq
from zmqlite.auth import ZAP_ENDPOINT, Gate

TURN = 0.004
NEWS = 0.5


def say(**what: Any) -> None:
    """Tell the driver."""
    print(json.dumps(what), flush=True)


class MallInfo(ctypes.Structure):
    """What glibc says of its heap."""

    _fields_ = [
        (name, ctypes.c_size_t)
        for name in "arena ordblks smblks hblks map use fs busy free keep".split()  # noqa: SIM905
    ]


def in_use() -> int:
    """Give back what is free, and return how many bytes are not; 0 where it is not known."""
    gc.collect()
    try:
        libc = ctypes.CDLL(None)
        libc.malloc_trim(0)
        libc.mallinfo2.restype = MallInfo
    except AttributeError:
        return 0
    info = libc.mallinfo2()
    return int(info.busy + info.map)


def keep(door: Any, gate: Gate) -> None:
    """Answer about each new connection until the context ends."""
    try:
        while True:
            door.send_multipart(gate.answer(door.recv_multipart()))
    except zmq.ContextTerminated:
        door.close()


class Victim:
    """All its sockets, and one thread that serves them."""

    def __init__(self, order: dict[str, Any]) -> None:
        posts, callers = fleet.chosen(order["types"], order["without"])
        self.seed = order["seed"]
        self.limit = order["limit"]
        self.callers = [one for one in callers if self._possible(one)]
        posts = [post for post in posts if self._possible(post)]
        self.keys = Keys()
        self.context = zmq.Context(2)
        door = self.context.socket(zmq.REP, bind=ZAP_ENDPOINT, linger=0)
        gate = Gate()
        gate.plain(fleet.PASSWORDS, domain="names")
        gate.curve(lambda domain, key: key == self.keys.client[0], domain="keys")
        self.keeper = threading.Thread(target=keep, args=(door, gate), daemon=True)
        self.keeper.start()
        self.stations = [Station(self.context, post, self.keys, self.seed) for post in posts]
        self.churn = Churn(posts, self.seed, self.limit)
        self.calls: list[Call] = []
        self.turns = 0

    @staticmethod
    def _possible(one: fleet.Post | fleet.Caller) -> bool:
        if one.kind in fleet.DRAFTS and not zmq.DRAFT_API:
            return False
        if isinstance(one, fleet.Post) and "disconnect_msg" in one.options and not zmq.DRAFT_API:
            return False
        if isinstance(one, fleet.Caller) and one.way in ("ws", "ipc") and not zmq.has(one.way):
            return False
        return one.mechanism != "CURVE" or zmq.has("curve")

    def told(self) -> dict[str, Any]:
        """Return what the others must know."""
        targets = [target for station in self.stations for target in station.targets]
        return {"ready": targets + self.churn.targets, "keys": self.keys.told()}

    def obey(self, order: dict[str, Any]) -> bool:
        """Do what the driver says; false is the end."""
        if order["do"] == "call":
            servers = order["servers"]
            for caller in self.callers:
                if caller.name in servers:
                    server = servers[caller.name]
                    self.calls.append(Call(self.context, caller, server, self.keys, self.seed))
            self.churn.start()
        elif order["do"] == "files":
            say(files=self.files())
        elif order["do"] == "trim":
            say(in_use=in_use())
        elif order["do"] == "calm":
            self.churn.over.set()
            for call in self.calls:
                call.hang_up()
            self.calls = []
            self.churn.join(self.limit)
            if self.churn.is_alive():
                self.churn.failure = "the churn does not end"
        return bool(order["do"] != "end")

    def serve(self) -> None:
        """Serve until the order to end comes."""
        news = 0.0
        pending = b""
        while True:
            now = time.monotonic()
            self.turns += 1
            for station in self.stations:
                station.serve(now)
            for call in self.calls:
                call.serve(now)
            if now > news:
                news = now + NEWS
                self.report()
            if select.select([0], [], [], TURN)[0]:
                data = os.read(0, 1 << 20)
                if not data:
                    return
                *lines, pending = (pending + data).split(b"\n")
                for line in lines:
                    if not self.obey(json.loads(line)):
                        return

    def report(self) -> None:
        """Say that we live, and whom we have heard."""
        heard = {
            f"{station.post.name} < {name.decode(errors='replace')}": count
            for station in self.stations
            for name, count in station.heard.items()
        }
        say(
            heard=heard,
            taken=sum(station.taken for station in self.stations),
            rounds=self.churn.rounds,
            turns=self.turns,
            calls=sum(call.opened for call in self.calls),
            failure=self.churn.failure,
        )

    def files(self) -> dict[str, int]:
        """Count the open connections of each endpoint, those that were reset among them."""
        names = {t["endpoint"].rpartition("/")[2]: t for t in self.told()["ready"]}
        counts: Counter[str] = Counter()
        for entry in list(Path("/proc/self/fd").iterdir()):
            with contextlib.suppress(OSError):
                if not entry.is_socket():
                    continue
                with socket.socket(fileno=os.dup(int(entry.name))) as end:
                    name = end.getsockname()
                text = name if isinstance(name, str) else f"{name[0]}:{name[1]}"
                target = names.get(text.rpartition("/")[2])
                if target:
                    counts[f"{target['post']}/{target['way']}"] += 1
        return dict(counts.most_common())

    def end(self) -> None:
        """Close everything, within the limit."""
        began = time.monotonic()
        for station in self.stations:
            station.socket.close()
        self.context.shutdown()
        self.keeper.join(self.limit)
        self.context.term(timeout=self.limit)
        say(ended=round(time.monotonic() - began, 3))


def main() -> None:
    faulthandler.enable()
    victim = Victim(json.loads(sys.stdin.buffer.raw.readline()))
    say(**victim.told())
    victim.serve()
    victim.end()


if __name__ == "__main__":
    main()
