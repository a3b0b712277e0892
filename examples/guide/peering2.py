"""Brokers that are peers, part 2: work goes to a worker here, or now and then to a peer's.

To a peer, a broker is a client; so a request that travels has one more envelope, and the reply
finds its way back by itself. Two ROUTERs talk here, under the brokers' names.
Run: python peering2.py NAME PEER ..., one for each name, in one folder; then press enter in each.
"""

import random
import sys
import threading
import time
from contextlib import suppress

import zmqlite as zmq

CLIENTS, WORKERS = 10, 3
READY = b"\1"

if len(sys.argv) < 3:
    sys.exit("usage: python peering2.py NAME PEER ...")
name, *peers = sys.argv[1:]


def ask() -> None:
    with zmq.REQ(connect=f"ipc://{name}-localfe.ipc") as client:
        while True:
            client.send_string("HELLO")
            print("Client:", client.recv_string())
            time.sleep(1)


def serve() -> None:
    with zmq.REQ(connect=f"ipc://{name}-localbe.ipc") as worker:
        worker.send(READY)
        while True:
            *envelope, request = worker.recv_multipart()
            print("Worker:", request.decode())
            worker.send_multipart([*envelope, b"OK"])


zmq.Context.instance().linger = 0  # stopped, leave at once: nobody waits for what is under way
clouds = [f"ipc://{peer}-cloud.ipc" for peer in peers]
print(f"I: preparing broker at {name}...")
with (
    suppress(KeyboardInterrupt),
    zmq.ROUTER(bind=f"ipc://{name}-localfe.ipc") as local_front,
    zmq.ROUTER(bind=f"ipc://{name}-localbe.ipc") as local_back,
    zmq.ROUTER(identity=name, bind=f"ipc://{name}-cloud.ipc") as cloud_front,
    # Mandatory: a peer that is not there raises, instead of losing the request.
    zmq.ROUTER(identity=name, router_mandatory=True, connect=clouds) as cloud_back,
):
    print("Press Enter when all the brokers are started: ")
    sys.stdin.readline()
    for task in [serve] * WORKERS + [ask] * CLIENTS:
        threading.Thread(target=task, daemon=True).start()

    def reply_to_client(message: list[bytes]) -> None:
        asked_by_peer = message[0].decode(errors="replace") in peers
        (cloud_front if asked_by_peer else local_front).send_multipart(message)

    def send_to_worker(message: list[bytes], ours: bool) -> None:
        if ours and random.randrange(5) == 0:
            with suppress(zmq.HostUnreachable):
                cloud_back.send_multipart([random.choice(peers).encode(), b"", *message])
                return
        local_back.send_multipart(idle.pop(0) + message)

    idle: list[list[bytes]] = []
    poller = zmq.Poller()
    poller.register_readable(local_back)
    poller.register_readable(cloud_back)
    while True:
        for front in (local_front, cloud_front):  # requests wait there while nobody is free
            (poller.register_readable if idle else poller.deregister)(front)
        poller.poll()
        for source in poller.readables:
            if source is local_back or source is cloud_back:
                replier, message = source.recv_envelope()
                if source is local_back:
                    idle.append(replier)
                if message != [READY]:
                    reply_to_client(message)
            elif idle:
                send_to_worker(source.recv_multipart(), ours=source is local_front)
