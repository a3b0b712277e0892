"""Publish-subscribe with an envelope: the topic is a part of its own, before the content."""

import time
from contextlib import suppress

import zmqlite as zmq

with suppress(KeyboardInterrupt), zmq.PUB(bind="tcp://*:5563") as publisher:
    while True:
        publisher.send_strings(["A", "We don't want to see this."])
        publisher.send_strings(["B", "We would like to see this."])
        time.sleep(1)
