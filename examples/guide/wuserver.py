"""Publish-subscribe, the publisher: weather for random zip codes, to all that listen.

A PUB never waits; what nobody subscribed to is dropped on the spot.
Run: python wuserver.py [ZIPCODE ...], by default all hundred thousand of them.
"""

import random
import sys
from contextlib import suppress

import zmqlite as zmq

zipcodes = sys.argv[1:] or [f"{number:05}" for number in range(100_000)]

weather = zmq.PUB(bind=["tcp://*:5556", "ipc://weather.ipc"])
with suppress(KeyboardInterrupt), weather:
    while True:
        temperature, humidity = random.randrange(-80, 135), random.randrange(10, 60)
        update = f"{random.choice(zipcodes)} {temperature} {humidity}"
        print(update)
        weather.send_string(update)
