"""Threads behind one address: a proxy deals requests out to workers of the same process.

Only the context is shared; each thread makes sockets of its own, and they meet over inproc.
Run: python mtserver.py [SECONDS of work, 1], beside hwclient.py (several).
"""

import sys
import threading
import time
from contextlib import suppress

import zmqlite as zmq

work = float(sys.argv[1]) if len(sys.argv) > 1 else 1


def serve() -> None:
    with zmq.REP(connect="inproc://workers") as receiver:
        for request in receiver:
            print(f"Received request: [{request.decode()}]")
            time.sleep(work)
            receiver.send_string("world")


print("Starting Hello World server...")
with (
    suppress(KeyboardInterrupt),
    zmq.ROUTER(bind="tcp://*:5555") as clients,
    zmq.DEALER(bind="inproc://workers") as workers,
):
    for _ in range(5):
        threading.Thread(target=serve, daemon=True).start()
    zmq.proxy(clients, workers)
