"""Brokers that are peers, part 3: the whole of it. Who has no worker free asks a peer that has.

State goes round by PUB and SUB as in peering1.py, work from ROUTER to ROUTER as in peering2.py;
clients report to a PULL what became of their tasks.
Run: python peering3.py [--pace FACTOR] NAME PEER ..., one for each name, in one folder.
"""

from __future__ import annotations

import argparse
import random
import threading
import time
from contextlib import closing, suppress

import zmqlite as zmq

CLIENTS, WORKERS = 10, 3
READY = b"\1"

parser = argparse.ArgumentParser(description="A broker with clients, workers and peers.")
parser.add_argument("--pace", type=float, default=1, help="stretches all pauses")
parser.add_argument("name")
parser.add_argument("peers", nargs="+")
args = parser.parse_args()


def ask() -> None:
    """Be a client: a burst of tasks, a pause, until one is lost."""
    with (
        zmq.REQ(connect=f"ipc://{args.name}-localfe.ipc") as client,
        zmq.PUSH(connect=f"ipc://{args.name}-monitor.ipc") as monitor,
    ):
        while True:
            time.sleep(random.randrange(5) * args.pace)
            for _ in range(random.randrange(15)):
                task = f"{random.randrange(0x10000):04X}"
                client.send_string(task)
                if not client.poll(10_000):
                    monitor.send_string(f"E:CLIENT EXIT - lost task {task}")
                    return
                monitor.send_string(client.recv_string())


def serve() -> None:
    """Be a worker: it takes a second, or no time, and answers with the task itself."""
    with zmq.REQ(connect=f"ipc://{args.name}-localbe.ipc") as worker:
        worker.send(READY)
        while True:
            message = worker.recv_multipart()
            time.sleep(random.randrange(2) * args.pace)
            worker.send_multipart(message)


class Broker:
    """The sockets of a broker, and what it knows of workers here and elsewhere."""

    def __init__(self, name: str, peers: list[str]) -> None:
        print(f"I: preparing broker at {name}...")
        print("I: connecting to", *peers)
        self.name, self.peers = name, peers
        self.idle: list[list[bytes]] = []
        self.held: list[list[bytes]] = []  # local requests whose peer was away
        self.capacity = dict.fromkeys(peers, 0)
        self.local_front = zmq.ROUTER(bind=f"ipc://{name}-localfe.ipc")
        self.local_back = zmq.ROUTER(bind=f"ipc://{name}-localbe.ipc")
        self.cloud_front = zmq.ROUTER(identity=name, bind=f"ipc://{name}-cloud.ipc")
        self.cloud_back = zmq.ROUTER(
            identity=name,
            router_mandatory=True,  # or requests to a peer that is away would get lost silently
            connect=[f"ipc://{peer}-cloud.ipc" for peer in peers],
        )
        self.own_state = zmq.PUB(bind=f"ipc://{name}-state.ipc")
        self.their_state = zmq.SUB(
            subscribe=peers, connect=[f"ipc://{peer}-state.ipc" for peer in peers]
        )
        self.monitor = zmq.PULL(bind=f"ipc://{name}-monitor.ipc")

    def close(self) -> None:
        for socket in (self.local_front, self.local_back, self.cloud_front, self.cloud_back):
            socket.close()
        for socket in (self.own_state, self.their_state, self.monitor):
            socket.close()

    def run(self) -> None:
        """Serve until Ctrl-C."""
        news = {
            self.local_back: self.from_worker,
            self.cloud_back: self.from_peer,
            self.their_state: self.note_capacity,
            self.monitor: self.report,
        }
        poller = zmq.Poller()
        for socket in news:
            poller.register_readable(socket)
        while True:
            before = len(self.idle)
            while self.held and self.takes(self.local_front):
                self.to_worker(self.held.pop(0))
            # peers come first: after them, the many clients here could keep them waiting for ever
            fronts = (self.cloud_front, self.local_front)
            for front in fronts:
                watch = poller.register_readable if self.takes(front) else poller.deregister
                watch(front)
            ready = dict(poller.poll())
            for socket in ready.keys() & news:
                news[socket]()
            for front in fronts:
                if front in ready and self.takes(front):
                    self.to_worker(front.recv_multipart())
            if len(self.idle) != before:
                self.own_state.send_strings([self.name, str(len(self.idle))])

    def takes(self, front: zmq.Socket) -> bool:
        """Tell whether to take requests; otherwise they wait in their socket."""
        return bool(self.idle) or (front is self.local_front and any(self.capacity.values()))

    def from_worker(self) -> None:
        worker, message = self.local_back.recv_envelope()
        self.idle.append(worker)
        if message != [READY]:
            self.to_client(message)

    def from_peer(self) -> None:
        _peer, message = self.cloud_back.recv_envelope()
        self.to_client(message)

    def note_capacity(self) -> None:
        peer, free = self.their_state.recv_strings()
        self.capacity[peer] = int(free)

    def report(self) -> None:
        print(self.monitor.recv_string())

    def to_client(self, message: list[bytes]) -> None:
        travelled = message[0].decode(errors="replace") in self.peers
        (self.cloud_front if travelled else self.local_front).send_multipart(message)

    def to_worker(self, message: list[bytes]) -> None:
        """Send a request to a worker here, else to the peer that has most of them."""
        if self.idle:
            self.local_back.send_multipart(self.idle.pop(0) + message)
            return
        peer = max(self.capacity, key=lambda name: self.capacity[name])
        try:
            self.cloud_back.send_multipart([peer.encode(), b"", *message])
        except zmq.HostUnreachable:
            print(f"E: {peer} is away")
            self.capacity[peer] = 0
            self.held.append(message)


zmq.Context.instance().linger = 0  # stopped, leave at once: nobody waits for what is under way
broker = Broker(args.name, args.peers)
for task in [serve] * WORKERS + [ask] * CLIENTS:
    threading.Thread(target=task, daemon=True).start()
with suppress(KeyboardInterrupt), closing(broker):
    broker.run()
