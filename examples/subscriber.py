"""Print one city's temperatures: python subscriber.py [CITY] [ENDPOINT]"""

import contextlib
import sys

import zmqlite as zmq

city = sys.argv[1] if len(sys.argv) > 1 else "oslo"
endpoint = sys.argv[2] if len(sys.argv) > 2 else "tcp://127.0.0.1:5556"

with zmq.Context() as context, context.socket(zmq.SUB) as subscriber:
    subscriber.subscribe(city)
    subscriber.connect(endpoint)
    with contextlib.suppress(KeyboardInterrupt):
        for message in subscriber:
            name, value = message.decode().split()
            if value == "end":
                break
            print(name, value, flush=True)
