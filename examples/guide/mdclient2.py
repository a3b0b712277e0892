"""Majordomo, a client that sends all of its requests before it looks for a reply.

Run: python mdclient2.py [REQUESTS, 100000], beside mdbroker.py and mdworker.py.
"""

import sys

from mdcliapi2 import MajorDomoClient

requests = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000

# No limit to the queues, which would fill up while nobody reads replies.
with MajorDomoClient("tcp://localhost:5555", hwm=0) as client:
    for _ in range(requests):
        client.send("echo", "Hello world")

    count = 0
    while count < requests and client.recv():
        count += 1

print(f"{count} requests/replies processed")
