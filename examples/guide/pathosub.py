"""Pathological subscriber: wants one topic of a thousand, and prints what comes.

Run: python pathosub.py [ENDPOINT, tcp://localhost:5556] [TOPIC, a random one], beside pathopub.py
or, with tcp://localhost:5558, beside lvcache.py.
"""

import random
import sys
from contextlib import suppress

import zmqlite as zmq

endpoint = sys.argv[1] if len(sys.argv) > 1 else "tcp://localhost:5556"
topic = sys.argv[2] if len(sys.argv) > 2 else f"{random.randrange(1000):03}"

subscriber = zmq.SUB(connect=endpoint, subscribe=topic)
with suppress(KeyboardInterrupt), subscriber:
    print(f"Waiting for {topic}")
    while True:
        topic, content = subscriber.recv_strings()
        print(f"{topic}: {content}")
