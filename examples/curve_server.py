"""Answer encrypted requests: python curve_server.py [ENDPOINT]

Prints the public key that curve_client.py needs. Every client that has it gets in: CURVE encrypts,
and proves the server to its clients; to admit known clients only, see the guide on security.
"""

import contextlib
import sys

import zmqlite as zmq

endpoint = sys.argv[1] if len(sys.argv) > 1 else "tcp://127.0.0.1:5561"
public, secret = zmq.curve_keypair()

with zmq.Context() as context, context.socket(zmq.REP) as server:
    server.curve_server = True
    server.curve_secretkey = secret
    print("listening on", server.bind(endpoint), "with key", public.decode(), flush=True)
    with contextlib.suppress(KeyboardInterrupt):
        for request in server:
            server.send(request.upper())
