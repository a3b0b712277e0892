"""Lazy Pirate, the client: waits for a reply only so long, then asks again on a new socket.

A REQ that is still owed a reply can send nothing, so it is thrown away: with linger 0, or its
request would keep the program from ending.
Run: python lpclient.py [ENDPOINT, tcp://localhost:5555] [TRIES, 3] [SECONDS to wait, 10]
"""

import sys
from contextlib import suppress
from itertools import count

import zmqlite as zmq

endpoint = sys.argv[1] if len(sys.argv) > 1 else "tcp://localhost:5555"
tries = int(sys.argv[2]) if len(sys.argv) > 2 else 3
timeout = float(sys.argv[3]) if len(sys.argv) > 3 else 10


class LazyPirate:
    """A client that does not wait for ever."""

    def __init__(self) -> None:
        self.connect()

    def connect(self) -> None:
        self.socket = zmq.REQ(connect=endpoint, linger=0)

    def ask(self, request: str) -> str:
        """Return the reply; raise TimeoutError when no try brought one."""
        for _ in range(tries):
            self.socket.send_string(request)
            if zmq.select([self.socket], [], [], timeout)[0]:
                return self.socket.recv_string()
            self.socket.close()
            self.connect()
            print("W: no response from server, retrying")
        raise TimeoutError("Server down")


client = LazyPirate()
with suppress(KeyboardInterrupt):
    try:
        for number in count():
            reply = client.ask(str(number))
            if reply == str(number):
                print(f"I: server replied OK ({reply})")
            else:
                print(f"E: malformed reply from server: {reply}")
    except TimeoutError as error:
        sys.exit(f"E: {error}")
    finally:
        client.socket.close()
