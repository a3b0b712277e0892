"""Join clients to workers: python broker.py [FRONTEND] [BACKEND]

Clients are hello_client.py, workers are broker_worker.py; both connect, and may come and go.
"""

import contextlib
import sys

import zmqlite as zmq

front = sys.argv[1] if len(sys.argv) > 1 else "tcp://127.0.0.1:5559"
back = sys.argv[2] if len(sys.argv) > 2 else "tcp://127.0.0.1:5560"

with (
    zmq.Context() as context,
    context.socket(zmq.ROUTER) as clients,
    context.socket(zmq.DEALER) as workers,
):
    print("clients on", clients.bind(front), "workers on", workers.bind(back), flush=True)
    with contextlib.suppress(KeyboardInterrupt), zmq.Proxy(clients, workers) as proxy:
        proxy.wait()
