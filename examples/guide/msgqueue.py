"""Message queue: the broker of rrbroker.py in one call, which runs inside libzmq.

The first argument is a habit of libzmq 2; today `zmq.proxy(frontend, backend)` says the same.
Run beside rrclient.py and rrworker.py.
"""

from contextlib import suppress

import zmqlite as zmq

with (
    suppress(KeyboardInterrupt),
    zmq.ROUTER(bind="tcp://*:5559") as frontend,
    zmq.DEALER(bind="tcp://*:5560") as backend,
):
    zmq.device(zmq.QUEUE, frontend, backend)
