"""Request-reply through a broker, a worker: a server that connects instead of binding."""

from contextlib import suppress

import zmqlite as zmq

with suppress(KeyboardInterrupt), zmq.REP(connect="tcp://localhost:5560") as worker:
    while True:
        print("Received request:", worker.recv_string())
        worker.send_string("World")
