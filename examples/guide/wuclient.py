"""Publish-subscribe, a subscriber: the average temperature of one zip code.

A subscription is the beginning of a message; here it ends with a blank to mean the whole code.
Run: python wuclient.py [FILTER, "10001 "] [UPDATES, 100], beside wuserver.py.
"""

import sys

import zmqlite as zmq

wanted = sys.argv[1] if len(sys.argv) > 1 else "10001 "
updates = int(sys.argv[2]) if len(sys.argv) > 2 else 100

print("Collecting updates from weather server...")
total = 0
with zmq.SUB(connect="tcp://localhost:5556", subscribe=wanted) as subscriber:
    for _ in range(updates):
        _zipcode, temperature, _humidity = map(int, subscriber.recv_string().split())
        total += temperature

print(f"Average temperature for zipcode '{wanted}' was {total // updates}F")
