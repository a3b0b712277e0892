"""Task distribution, the sink: collects the results of all workers, fairly, and takes the time."""

import time

import zmqlite as zmq

with zmq.PULL(bind="tcp://*:5558") as receiver:
    receiver.recv()  # the ventilator's mark
    start = time.monotonic()
    for number in range(100):
        receiver.recv()
        print(":" if number % 10 == 0 else ".", end="", flush=True)

print(f"Total elapsed time: {(time.monotonic() - start) * 1000:.0f} msec")
