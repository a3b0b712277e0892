"""Request-reply through a broker: clients and workers both connect, and need not know each other.

A ROUTER remembers whom a request came from, a DEALER deals to the workers in turn; the broker
moves whole messages, envelopes included. Run beside rrclient.py and rrworker.py.
"""

from contextlib import suppress

import zmqlite as zmq

with (
    suppress(KeyboardInterrupt),
    zmq.ROUTER(bind="tcp://*:5559") as frontend,
    zmq.DEALER(bind="tcp://*:5560") as backend,
):
    other_side = {frontend: backend, backend: frontend}
    poller = zmq.Poller()
    poller.register(frontend, zmq.POLLIN)
    poller.register(backend, zmq.POLLIN)
    while True:
        for socket, _events in poller.poll():
            other_side[socket].send_multipart(socket.recv_multipart())
