"""Publish-subscribe with an envelope: subscribe to B, and get whole messages of B."""

from contextlib import suppress

import zmqlite as zmq

with suppress(KeyboardInterrupt), zmq.SUB(connect="tcp://localhost:5563") as subscriber:
    subscriber.subscribe("B")
    while True:
        topic, content = subscriber.recv_strings()
        print(f"[{topic}] {content}")
