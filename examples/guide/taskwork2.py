"""Task distribution with an end: the worker also listens to its controller, and obeys."""

import time
from contextlib import suppress

import zmqlite as zmq

with (
    suppress(KeyboardInterrupt),
    zmq.PULL(connect="tcp://localhost:5557") as receiver,
    zmq.PUSH(connect="tcp://localhost:5558") as sender,
    zmq.SUB(connect="tcp://localhost:5559", subscribe="") as controller,
):
    poller = zmq.Poller()
    poller.register_readable(receiver)
    poller.register_readable(controller)
    while poller.poll() and controller not in poller.readables:
        task = receiver.recv_string()
        print(task, end=".", flush=True)
        time.sleep(int(task) / 1000)
        sender.send(b"")
