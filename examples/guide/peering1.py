"""Brokers that are peers, part 1: each one publishes how many workers it has to spare.

Everybody binds a PUB for its own state and connects a SUB to those of all others.
Run: python peering1.py NAME PEER ..., one for each name, in one folder.
"""

import random
import sys
from contextlib import suppress

import zmqlite as zmq

if len(sys.argv) < 3:
    sys.exit("usage: python peering1.py NAME PEER ...")
name, *peers = sys.argv[1:]

print("I: connecting to state backends of", *peers)
with (
    suppress(KeyboardInterrupt),
    zmq.PUB(bind=f"ipc://{name}-state.ipc") as own_state,
    zmq.SUB(connect=[f"ipc://{peer}-state.ipc" for peer in peers]) as their_state,
):
    their_state.subscribe("")
    while True:
        if their_state.poll(1000):
            peer, free = their_state.recv_strings()
            print(f"{peer} - {free} workers free")
        else:
            own_state.send_strings([name, str(random.randrange(10))])
