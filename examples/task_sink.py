"""Collect the results of the workers and add them up: python task_sink.py [SINK]"""

import sys

import zmqlite as zmq

endpoint = sys.argv[1] if len(sys.argv) > 1 else "tcp://127.0.0.1:5558"

with zmq.Context() as context, context.socket(zmq.PULL) as sink:
    print("collecting on", sink.bind(endpoint), flush=True)
    due = None
    received = total = 0
    while received != due:
        kind, value = sink.recv_string().split()
        if kind == "count":
            due = int(value)
        else:
            received += 1
            total += int(value)
    print(f"{received} squares, {total} in all")
