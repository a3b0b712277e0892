"""Load balancing: the broker hands each request to the worker that has been idle longest.

A worker's first message says that it is ready, and every later one carries a reply; either way it
is free again. While nobody is free, the broker leaves requests where they are.
"""

import threading
from collections import deque
from contextlib import suppress

import zmqlite as zmq

CLIENTS, WORKERS = 10, 3


def ask(name: str) -> None:
    with zmq.REQ(identity=name, connect="ipc://frontend.ipc") as client:
        client.send_string("HELLO")
        print(f"{name}: {client.recv_string()}")


def serve(name: str) -> None:
    with zmq.REQ(identity=name, connect="ipc://backend.ipc") as worker:
        worker.send_string("READY")
        while True:
            envelope, request = worker.recv_envelope()
            print(f"{name}: {request[0].decode()} from {envelope[0].decode()}")
            worker.send_multipart([*envelope, f"OK from {name}".encode()])


def start(task, kind: str, count: int) -> None:
    for number in range(count):
        threading.Thread(target=task, args=[f"{kind}-{number}"], daemon=True).start()


zmq.Context.instance().linger = 0  # stopped, leave at once: nobody waits for what is under way
with (
    suppress(KeyboardInterrupt),
    zmq.ROUTER(bind="ipc://frontend.ipc") as frontend,
    zmq.ROUTER(bind="ipc://backend.ipc") as backend,
):
    start(ask, "CLIENT", CLIENTS)
    start(serve, "WORKER", WORKERS)

    idle: deque[list[bytes]] = deque()
    poller = zmq.Poller()
    poller.register_readable(backend)
    while True:
        poller.poll()
        if backend in poller.readables:
            worker, reply = backend.recv_envelope()
            if reply != [b"READY"]:
                frontend.send_multipart(reply)
            idle.append(worker)
            poller.register_readable(frontend)
        if frontend in poller.readables:
            backend.send_multipart(idle.popleft() + frontend.recv_multipart())
            if not idle:
                poller.deregister_readable(frontend)
