"""Answer requests. Start this first, then hello_client.py: python hello_server.py [ENDPOINT]"""

import contextlib
import sys

import zmqlite as zmq

endpoint = sys.argv[1] if len(sys.argv) > 1 else "tcp://127.0.0.1:5555"

with zmq.Context() as context, context.socket(zmq.REP) as server:
    print("listening on", server.bind(endpoint), flush=True)
    with contextlib.suppress(KeyboardInterrupt):
        for request in server:
            print("asked:", request.decode(), flush=True)
            server.send(request.upper())
