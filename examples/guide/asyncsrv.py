"""Asynchronous server: clients send without waiting, and each request gets none to four replies.

DEALERs talk to a ROUTER, which a proxy joins to workers in threads. No side keeps turns: that is
what REQ and REP would add.
Run: python asyncsrv.py [SECONDS between requests, 1]
"""

import random
import sys
import threading
import time
from contextlib import suppress
from itertools import count

import zmqlite as zmq

pause = float(sys.argv[1]) if len(sys.argv) > 1 else 1


def ask() -> None:
    name = f"{random.randrange(0x10000):04X}-{random.randrange(0x10000):04X}"
    with zmq.DEALER(identity=name, connect="ipc://frontend.ipc") as client:
        for number in count(1):
            until = time.monotonic() + pause
            while client.poll(max(0, until - time.monotonic()) * 1000):
                print(f"{name}: {client.recv_string()}")
            client.send_string(f"Req #{number}")


def serve() -> None:
    with zmq.DEALER(connect="inproc://backend") as worker:
        while True:
            message = worker.recv_multipart()
            for _ in range(random.randint(0, 4)):
                time.sleep(random.random() * pause)
                worker.send_multipart(message)


zmq.Context.instance().linger = 0  # stopped, leave at once: nobody waits for what is under way
with (
    suppress(KeyboardInterrupt),
    zmq.ROUTER(bind="ipc://frontend.ipc") as frontend,
    zmq.DEALER(bind="inproc://backend") as backend,
):
    for task in [ask] * 3 + [serve] * 5:
        threading.Thread(target=task, daemon=True).start()
    zmq.proxy(frontend, backend)
