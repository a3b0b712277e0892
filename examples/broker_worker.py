"""Answer requests that a broker hands out: python broker_worker.py [BACKEND]"""

import contextlib
import sys

import zmqlite as zmq

endpoint = sys.argv[1] if len(sys.argv) > 1 else "tcp://127.0.0.1:5560"

with zmq.Context() as context, context.socket(zmq.REP) as worker:
    worker.connect(endpoint)
    with contextlib.suppress(KeyboardInterrupt):
        print("working", flush=True)
        for request in worker:
            worker.send(request.upper())
