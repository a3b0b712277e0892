"""A client that waits for a server on a port from which the system also chooses those of clients.

Sooner or later it is given the port that it wants to reach, and TCP connects it to itself. Here
the range is two ports, so that this happens in every other attempt.
"""

from __future__ import annotations

import pytest
from net.cable import Machine
from support import needs_patch

import zmqlite as zmq

pytestmark = [pytest.mark.net, needs_patch("self-connection")]
RANGE = "40000 40001"

CLIENT = """
import socket
transport, ipv6 = sys.argv[1], int(sys.argv[2])
address = transport + ("://[::1]:40000" if ipv6 else "://127.0.0.1:40000")
context = zmq.Context()
client = context.socket(zmq.PUSH, linger=0, reconnect_ivl=1, ipv6=ipv6)
reports = client.get_monitor_socket(zmq.EVENT_ALL)
reports.rcvtimeo = 20000
client.connect(address)
for retries in range(100):
    events = []
    while zmq.EVENT_CONNECT_RETRIED not in events:  # it goes on trying
        events.append(zmq.recv_monitor_message(reports)["event"])
    # and is never taken for connected
    assert not {zmq.EVENT_CONNECTED, zmq.EVENT_DISCONNECTED} & set(events), events
# the port is nobody's between two attempts, so that any server can have it
listener = socket.socket(socket.AF_INET6 if ipv6 else socket.AF_INET)
for attempt in range(10_000):
    try:
        listener.bind(("::1" if ipv6 else "127.0.0.1", 40000))
        break
    except OSError:
        time.sleep(0.001)
else:
    sys.exit("the port is not given back")
listener.close()
server = context.socket(zmq.PULL, linger=0, rcvtimeo=20000, ipv6=ipv6)
for attempt in range(10_000):
    try:
        server.bind(address)
        break
    except zmq.AddressInUse:
        time.sleep(0.001)
client.send(b"reached")
print(server.recv().decode())
client.disable_monitor()
reports.close()
context.destroy(linger=0)
"""


@pytest.mark.parametrize("ipv6", [0, 1])
@pytest.mark.parametrize("transport", ["tcp", "ws"])
def test_a_client_is_not_its_own_server(
    machines: tuple[Machine, Machine], transport: str, ipv6: int
) -> None:
    if not zmq.has(transport) and transport != "tcp":
        pytest.skip(f"built without {transport}")
    machine, _ = machines
    machine.run("sh", "-c", f"echo {RANGE} > /proc/sys/net/ipv4/ip_local_port_range")
    with machine.program(CLIENT, transport, str(ipv6)) as client:
        assert client.ends() == "reached\n"
