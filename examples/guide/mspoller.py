"""Several sockets with a poller: sleep until one of them has something, and read that one.

Reads from taskvent.py and wuserver.py.
"""

from contextlib import suppress

import zmqlite as zmq

with (
    suppress(KeyboardInterrupt),
    zmq.PULL(connect="tcp://localhost:5557") as receiver,
    zmq.SUB(connect="tcp://localhost:5556", subscribe="10001") as subscriber,
):
    names = {receiver: "task:", subscriber: "weather:"}
    poller = zmq.Poller()
    for socket in names:
        poller.register(socket, zmq.POLLIN)
    while True:
        for socket, _events in poller.poll():
            print(names[socket], socket.recv_string())
