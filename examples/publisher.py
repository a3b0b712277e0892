"""Publish temperatures: python publisher.py [ENDPOINT] [COUNT]

A PUB drops what nobody has subscribed to, so what is published at once reaches nobody. An
XPUB is a PUB that receives the subscriptions as messages: this one waits for the first.
"""

import sys

import zmqlite as zmq

endpoint = sys.argv[1] if len(sys.argv) > 1 else "tcp://127.0.0.1:5556"
count = int(sys.argv[2]) if len(sys.argv) > 2 else 10

with zmq.Context() as context, context.socket(zmq.XPUB) as publisher:
    print("publishing on", publisher.bind(endpoint), flush=True)
    subscription = publisher.recv()
    print("subscribed:", subscription[1:].decode(), flush=True)
    for number in range(count):
        for city in ("oslo", "rome", "lima"):
            publisher.send_string(f"{city} {10 + number % 20}")
    for city in ("oslo", "rome", "lima"):
        publisher.send_string(f"{city} end")
