"""What a socket knows of its peers while a cable is cut and mended."""

from __future__ import annotations

import pytest
from net.cable import Machine
from support import needs_patch

pytestmark = [pytest.mark.net, needs_patch("known-peers")]

SERVER = """
with zmq.PULL(heartbeat_ivl=200, heartbeat_timeout=400) as server:
    server.bind(sys.argv[1])
    server.wait_peers(1, 30_000)
    print("came", server.peers[0].address.rpartition(":")[0], flush=True)
    end = time.monotonic() + 30
    while server.peers and time.monotonic() < end:
        time.sleep(0.01)
    past = server.past_peers[-1]
    print("gone", past.reason, flush=True)
    try:
        server.wait_peers(1, 50)
    except zmq.Again as error:
        print("0 of 1 peers" in str(error) and past.reason in str(error), flush=True)
    server.wait_peers(1, 30_000)
    print("back", server.recv())
"""
CLIENT = """
with zmq.PUSH(linger=0, reconnect_ivl=50, heartbeat_ivl=200, heartbeat_timeout=400) as client:
    client.connect(sys.argv[1])
    client.wait_peers(1, 30_000)
    end = time.monotonic() + 30
    while client.peers and time.monotonic() < end:
        time.sleep(0.01)
    client.wait_peers(1, 30_000)
    client.send(b"again")
    sys.stdin.read()
"""


def test_a_cut_is_noticed_and_the_peer_comes_back(machines: tuple[Machine, Machine]) -> None:
    here, there = machines
    address = f"tcp://{here.address}:5588"
    with here.program(SERVER, address) as server, there.program(CLIENT, address):
        server.says(f"came tcp://{there.address}")
        there.link("down")
        server.says("gone no sign of life")
        server.says("True")
        there.link("up")
        assert server.ends() == "back b'again'\n"
