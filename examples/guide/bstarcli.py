"""Binary Star, a client: asks one server, and if no reply comes in time, the other.

It is the client that decides which server is the active one, by asking it. Before it turns to the
other it waits a while, so that that one has noticed, too.
Run: python bstarcli.py [MILLISECONDS to wait for a reply, 1000], beside bstarsrv.py.
"""

import sys
import time
from contextlib import suppress
from itertools import count, cycle

import zmqlite as zmq

timeout = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
servers = cycle(["tcp://localhost:5001", "tcp://localhost:5002"])


def connect() -> zmq.Socket:
    server = next(servers)
    print(f"I: connecting to server at {server}...")
    return zmq.REQ(connect=server, linger=0)


client = connect()
with suppress(KeyboardInterrupt):
    for number in count(1):
        client.send_string(str(number))
        while not client.poll(timeout):
            print("W: no response from server, failing over")
            client.close()
            time.sleep(2 * timeout / 1000)
            client = connect()
            client.send_string(str(number))
        reply = client.recv_string()
        if reply == str(number):
            print(f"I: server replied OK ({reply})")
        else:
            print("E: bad reply from server:", reply)
        time.sleep(timeout / 1000)
client.close()
