"""Majordomo, the broker: clients ask for services by name, and workers offer them.

RFC 7/MDP on one ROUTER for both sides, and RFC 8/MMI, by which one can ask whether a service
exists. Workers that have not been heard of for a while are forgotten.
"""

from __future__ import annotations

import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field

import mdp

import zmqlite as zmq

HEARTBEAT = 2.5  # seconds
EXPIRY = 3 * HEARTBEAT


@dataclass
class Service:
    """What clients want and who can do it."""

    name: bytes
    requests: deque[list[bytes]] = field(default_factory=deque)
    idle: list[Worker] = field(default_factory=list)


@dataclass(eq=False)
class Worker:
    """A worker that is connected, idle or not."""

    address: bytes
    service: Service | None = None
    expiry: float = 0

    def seen(self) -> None:
        self.expiry = time.monotonic() + EXPIRY


class MajorDomoBroker:
    """Brings requests to workers and replies to clients."""

    def __init__(self, endpoint: str) -> None:
        # A ROUTER drops what a queue has no room for, and replies must not be dropped.
        self.socket = zmq.ROUTER(bind=endpoint, linger=0, sndhwm=0)
        self.services: dict[bytes, Service] = {}
        self.workers: dict[bytes, Worker] = {}

    def mediate(self) -> None:
        """Serve until Ctrl-C."""
        beat_at = time.monotonic() + HEARTBEAT
        while True:
            if self.socket.poll(max(0, beat_at - time.monotonic()) * 1000):
                self.handle(self.socket.recv_multipart())
            if time.monotonic() >= beat_at:
                self.beat()
                beat_at = time.monotonic() + HEARTBEAT

    def handle(self, message: list[bytes]) -> None:
        sender, empty, *content = message if len(message) > 2 else [b"", b"?"]
        match content:
            case [mdp.C_CLIENT, service, *body] if not empty:
                self.from_client(sender, service, body)
            case [mdp.W_WORKER, command, *body] if not empty:
                self.from_worker(sender, command, body)
            case _:
                print("E: invalid message:", message)

    def from_client(self, client: bytes, name: bytes, body: list[bytes]) -> None:
        if name.startswith(b"mmi."):
            self.reply(client, name, [self.about(name, body)])
        else:
            service = self.service(name)
            service.requests.append([client, b"", *body])
            self.dispatch(service)

    def from_worker(self, address: bytes, command: bytes, body: list[bytes]) -> None:
        worker = self.workers.get(address)
        if command == mdp.W_READY and worker is None and body:
            worker = self.workers[address] = Worker(address, self.service(body[0]))
            self.make_idle(worker)
        elif worker is None or worker.service is None or command == mdp.W_READY:
            self.send(address, mdp.W_DISCONNECT)  # it shall introduce itself again
            self.forget(worker)
        elif command == mdp.W_REPLY:
            client, _empty, *reply = body
            self.reply(client, worker.service.name, reply)
            self.make_idle(worker)
        elif command == mdp.W_HEARTBEAT:
            worker.seen()
        elif command == mdp.W_DISCONNECT:
            self.forget(worker)

    def service(self, name: bytes) -> Service:
        return self.services.setdefault(name, Service(name))

    def about(self, name: bytes, body: list[bytes]) -> bytes:
        """Answer a question to the broker itself with a code, as in HTTP."""
        if name != b"mmi.service":
            return b"501"
        return b"200" if body and body[-1] in self.services else b"404"

    def make_idle(self, worker: Worker) -> None:
        assert worker.service is not None
        worker.seen()
        worker.service.idle.append(worker)
        self.dispatch(worker.service)

    def dispatch(self, service: Service) -> None:
        while service.requests and service.idle:
            worker = service.idle.pop(0)
            self.send(worker.address, mdp.W_REQUEST, *service.requests.popleft())

    def beat(self) -> None:
        """Tell idle workers that the broker lives, and forget those that seem not to."""
        for service in self.services.values():
            for worker in list(service.idle):
                if time.monotonic() > worker.expiry:
                    self.forget(worker)
                else:
                    self.send(worker.address, mdp.W_HEARTBEAT)
        print("workers:", len(self.workers))
        for name, service in self.services.items():
            waiting = f"requests: {len(service.requests)} waiting: {len(service.idle)}"
            print(f"service: {name.decode()}: {waiting}")

    def forget(self, worker: Worker | None) -> None:
        if worker is not None:
            print("forgetting worker", worker.address.hex())
            self.workers.pop(worker.address, None)
            if worker.service is not None and worker in worker.service.idle:
                worker.service.idle.remove(worker)

    def send(self, address: bytes, command: bytes, *parts: bytes) -> None:
        self.socket.send_multipart([address, b"", mdp.W_WORKER, command, *parts])

    def reply(self, client: bytes, service: bytes, body: list[bytes]) -> None:
        self.socket.send_multipart([client, b"", mdp.C_CLIENT, service, *body])


if __name__ == "__main__":
    broker = MajorDomoBroker("tcp://*:5555")
    with suppress(KeyboardInterrupt), broker.socket:
        broker.mediate()
