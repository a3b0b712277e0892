"""Task distribution with an end: when all results are in, the sink tells the workers to stop.

The last message is sent just before the program ends. It still arrives: closing lets what is
queued go out first.
"""

import time

import zmqlite as zmq

with (
    zmq.PULL(bind="tcp://*:5558") as receiver,
    zmq.PUB(bind="tcp://*:5559") as controller,
):
    receiver.recv()  # the ventilator's mark
    start = time.monotonic()
    for number in range(100):
        receiver.recv()
        print(":" if number % 10 == 0 else ".", end="", flush=True)

    print(f"Total elapsed time: {(time.monotonic() - start) * 1000:.0f} msec")
    controller.send_string("KILL")
