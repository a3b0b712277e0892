"""Binary Star, a server: two of them watch each other, and exactly one is active.

Each publishes its state; a server that is passive takes over when a client asks it (so the
active one is out of reach for the client) and its peer has been silent for two heartbeats (so it
is out of reach for the server too).
Run: python bstarsrv.py -p | -b [--heartbeat MILLISECONDS], both beside bstarcli.py.
"""

from __future__ import annotations

import argparse
import sys
import time
from contextlib import suppress

import zmqlite as zmq

parser = argparse.ArgumentParser(description="One half of a pair of servers.")
role = parser.add_mutually_exclusive_group(required=True)
role.add_argument("-p", "--primary", action="store_true", help="be the one to start with")
role.add_argument("-b", "--backup", action="store_true", help="be the other one")
parser.add_argument("--heartbeat", type=int, default=1000, help="milliseconds between states")
args = parser.parse_args()

# (own state, state of the peer) -> (new state, what to say)
MOVES = {
    ("primary", "backup"): ("active", "I: connected to backup (passive), ready active"),
    ("primary", "active"): ("passive", "I: connected to backup (active), ready passive"),
    ("backup", "active"): ("passive", "I: connected to primary (active), ready passive"),
    ("passive", "primary"): ("active", "I: primary (passive) is restarting, ready active"),
    ("passive", "backup"): ("active", "I: backup (passive) is restarting, ready active"),
    ("active", "active"): ("dead", "E: fatal error - dual actives, aborting"),
    ("passive", "passive"): ("dead", "E: fatal error - dual passives, aborting"),
}


class Star:
    """The state of this server, and when its peer will count as gone."""

    def __init__(self, state: str) -> None:
        self.state = state
        self.peer_expiry = time.monotonic()

    def hear_peer(self, peer: str) -> None:
        """Take in what the peer says of itself."""
        self.peer_expiry = time.monotonic() + 2 * args.heartbeat / 1000
        self.state, remark = MOVES.get((self.state, peer), (self.state, ""))
        if remark:
            print(remark)
        if self.state == "dead":
            sys.exit(1)

    def accepts_client(self) -> bool:
        """Tell whether to serve a client now; being asked may make this the active server."""
        if self.state == "passive" and time.monotonic() >= self.peer_expiry:
            print("I: failover successful, ready active")
            self.state = "active"
        return self.state in ("active", "primary")


if args.primary:
    print("I: Primary master, waiting for backup (slave)")
    star, own, other, front = Star("primary"), 5003, 5004, 5001
else:
    print("I: Backup slave, waiting for primary (master)")
    star, own, other, front = Star("backup"), 5004, 5003, 5002

with (
    suppress(KeyboardInterrupt),
    zmq.PUB(bind=f"tcp://*:{own}") as own_state,
    zmq.SUB(connect=f"tcp://localhost:{other}", subscribe="") as peer_state,
    zmq.ROUTER(bind=f"tcp://*:{front}") as clients,
):
    poller = zmq.Poller()
    poller.register_readable(peer_state)
    poller.register_readable(clients)
    beat_at = time.monotonic()
    while True:
        poller.poll(max(0, beat_at - time.monotonic()) * 1000)
        if peer_state in poller.readables:
            star.hear_peer(peer_state.recv_string())
        if clients in poller.readables:
            request = clients.recv_multipart()
            if star.accepts_client():
                clients.send_multipart(request)
        if time.monotonic() >= beat_at:
            own_state.send_string(star.state)
            beat_at = time.monotonic() + args.heartbeat / 1000
