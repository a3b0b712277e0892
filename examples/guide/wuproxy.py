"""Bridge of two networks: what a publisher inside says is said again outside.

Whole messages are handed on, however many parts they have.
Run: python wuproxy.py [INSIDE, tcp://localhost:5556] [OUTSIDE, tcp://*:8100], beside wuserver.py.
"""

import sys
from contextlib import suppress

import zmqlite as zmq

inside = sys.argv[1] if len(sys.argv) > 1 else "tcp://localhost:5556"
outside = sys.argv[2] if len(sys.argv) > 2 else "tcp://*:8100"

with (
    suppress(KeyboardInterrupt),
    zmq.SUB(connect=inside, subscribe="") as frontend,
    zmq.PUB(bind=outside) as backend,
):
    while True:
        backend.send_multipart(frontend.recv_multipart())
