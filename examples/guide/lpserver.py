"""Lazy Pirate, the server: echoes, and now and then is slow or dies, to try lpclient.py's nerves.

Run: python lpserver.py [ENDPOINT, tcp://*:5555] [SECONDS of work, 1]
"""

import random
import sys
import time
from contextlib import suppress

import zmqlite as zmq

endpoint = sys.argv[1] if len(sys.argv) > 1 else "tcp://*:5555"
work = float(sys.argv[2]) if len(sys.argv) > 2 else 1

with suppress(KeyboardInterrupt), zmq.REP(bind=endpoint) as server:
    for cycle, request in enumerate(server):
        if cycle >= 3:
            chance = random.randrange(9)
            if chance < 3:
                print("I: simulating a crash")
                break
            if chance < 5:
                print("I: simulating CPU overload")
                time.sleep(3 * work)
        print(f"I: normal request ({request.decode()})")
        time.sleep(work)
        server.send(request)
