"""Several sockets without a poller: ask each in turn, without waiting, and rest a little.

Crude: the rest delays what comes meanwhile. Compare mspoller.py. Reads from taskvent.py and
wuserver.py.
"""

import time
from contextlib import suppress

import zmqlite as zmq

with (
    suppress(KeyboardInterrupt),
    zmq.PULL(connect="tcp://localhost:5557") as receiver,
    zmq.SUB(connect="tcp://localhost:5556", subscribe="10001") as subscriber,
):
    while True:
        task = receiver.recv_nonblock()
        if task is not None:
            print("receiver:", task.decode())
        update = subscriber.recv_nonblock()
        if update is not None:
            print("weather:", update.decode())
        if task is None and update is None:
            time.sleep(0.001)
