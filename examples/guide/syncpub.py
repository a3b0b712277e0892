"""Synchronized publisher: begins when ten subscribers have reported, so that none misses a word.

Each reports on a second socket. An XPUB is a PUB that can also hear subscriptions: having counted
them as well, it knows that all are in place.
Run: python syncpub.py [UPDATES, a million] [SUBSCRIBERS, 10], beside as many syncsub.py.
"""

import sys

import zmqlite as zmq

updates = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
expected = int(sys.argv[2]) if len(sys.argv) > 2 else 10

with (
    # No limit to the queues: a slow subscriber costs memory here, but loses nothing.
    zmq.XPUB(bind="tcp://*:5561", sndhwm=0, xpub_verbose=True) as publisher,
    zmq.REP(bind="tcp://*:5562") as reports,
):
    print("Waiting for subscribers")
    for _ in range(expected):
        reports.recv()
        reports.send(b"")
    for _ in range(expected):
        publisher.recv()

    publisher.send_many(b"Rhubarb" for _ in range(updates))
    publisher.send(b"END")
