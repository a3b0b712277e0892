"""Pathological publisher: a word on each of a thousand topics, then on a random one each second.

Who comes late may wait for hours for its topic: see lvcache.py for the cure.
Run: python pathopub.py [ENDPOINT, tcp://*:5556] [TOPICS, 1000], after pathosub.py.
"""

import random
import sys
import time
from contextlib import suppress

import zmqlite as zmq

endpoint = sys.argv[1] if len(sys.argv) > 1 else "tcp://*:5556"
topics = [f"{number:03}" for number in range(int(sys.argv[2]) if len(sys.argv) > 2 else 1000)]

with suppress(KeyboardInterrupt), zmq.XPUB(bind=endpoint) as publisher:
    publisher.poll(5000)  # a subscription to hear: someone has found us
    for topic in topics:
        publisher.send_strings([topic, "Save Roger"])
    while True:
        time.sleep(1)
        publisher.send_strings([random.choice(topics), "Off with his head!"])
