"""Task distribution, a worker: takes tasks from the ventilator, sends results to the sink."""

import time
from contextlib import suppress

import zmqlite as zmq

with (
    suppress(KeyboardInterrupt),
    zmq.PULL(connect="tcp://localhost:5557") as receiver,
    zmq.PUSH(connect="tcp://localhost:5558") as sender,
):
    for task in receiver:
        print(task.decode(), end=".", flush=True)
        time.sleep(int(task) / 1000)
        sender.send(b"")
