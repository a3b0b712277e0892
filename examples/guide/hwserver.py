"""Request-reply, the answering side: a REP takes a request, works a while, and answers it.

Run: python hwserver.py [SECONDS of work, 1], beside hwclient.py.
"""

import sys
import time
from contextlib import suppress

import zmqlite as zmq

work = float(sys.argv[1]) if len(sys.argv) > 1 else 1

print("Starting Hello World server...")
with suppress(KeyboardInterrupt), zmq.REP(bind="tcp://*:5555") as server:
    while True:
        print(f'Received request. Data: "{server.recv_string()}"')
        time.sleep(work)
        server.send_string("world")
