"""Whatever the network or the system answers, an error ends one connection, not the process."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest
from programs import hostile_program, program, run_program
from support import needs_drafts, needs_patch

import zmqlite as zmq

linux = pytest.mark.skipif(sys.platform != "linux", reason="uses Linux's limits and /proc")
root = pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs root")

# A hop between answers each SYN with an ICMP message of type 3 and the code of argv[2].
UNREACHABLE = """
def sum16(data):
    data += bytes(len(data) % 2)
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF

def checked(data, at):
    return data[:at] + struct.pack(">H", sum16(data)) + data[at + 2:]

def answer(wire, code, answered):
    while True:
        frame = wire.recv(2000)
        packet = frame[14:]
        if packet[9] != 6:
            continue
        body = checked(bytes([3, code]) + bytes(6) + packet[:(packet[0] & 15) * 4 + 8], 2)
        head = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(body), 1, 0, 64, 1, 0,
            packet[16:20], packet[12:16])
        wire.send(frame[6:12] + frame[:6] + bytes([8, 0]) + checked(head, 10) + body)
        answered.release()

transport, code = sys.argv[1], int(sys.argv[2])
cable = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0800))
cable.bind(("v1", 0x0800))
answered = threading.Semaphore(0)
threading.Thread(target=answer, args=(cable, code, answered), daemon=True).start()
client = zmq.DEALER(connect=f"{transport}://10.9.0.2:5999", linger=0, reconnect_ivl=10)
for _ in range(3):   # it goes on trying
    assert answered.acquire(timeout=10)
pair = zmq.PAIR(bind="tcp://127.0.0.1:*", linger=0), zmq.PAIR(linger=0)
pair[1].connect(pair[0].last_endpoint.decode())
pair[1].send(b"alive")
assert pair[0].recv() == b"alive"
for used in (client, *pair):
    used.close()
"""

OWN_NETWORK = """
import subprocess
def ip(*words):
    subprocess.run(["ip", *words], check=True)
ip("link", "set", "lo", "up")
ip("link", "add", "v0", "type", "veth", "peer", "name", "v1")
ip("addr", "add", "10.9.0.1/24", "dev", "v0")
ip("link", "set", "v0", "up")
ip("link", "set", "v1", "up")
ip("neigh", "add", "10.9.0.2", "lladdr", "02:00:00:00:00:02", "dev", "v0")
"""


@needs_patch("network-errors")
@linux
@root
@pytest.mark.parametrize("transport", ["tcp", "ws"])
@pytest.mark.parametrize("code", [2, 3, 13])
def test_whatever_a_router_answers_the_client_goes_on_trying(transport, code):
    """Code 2, "protocol unreachable", becomes ENOPROTOOPT."""
    if transport == "ws" and not zmq.has("ws"):
        pytest.skip("built without ws")
    unshare = shutil.which("unshare")
    if not unshare or not shutil.which("ip"):
        pytest.skip("needs unshare and ip")
    if subprocess.run([unshare, "-n", "true"], capture_output=True).returncode:
        pytest.skip("no network namespaces here")
    run_program(OWN_NETWORK + UNREACHABLE, transport, code, before=(unshare, "-n"))


@needs_patch("network-errors")
@linux
def test_a_priority_for_the_privileged_alone_is_left_out():
    program(
        """
if os.geteuid() == 0:
    os.setresuid(65534, 65534, 65534)
pull = zmq.PULL(priority=7, bind="tcp://127.0.0.1:*", rcvtimeo=20_000, linger=0)
push = zmq.PUSH(priority=7, connect=pull.last_endpoint.decode(), linger=0)
push.send(b"alive")
assert pull.recv() == b"alive"
pull.close()
push.close()
"""
    )


@needs_patch("tuned-or-closed")
@linux
def test_a_connection_whose_options_are_refused_is_closed():
    hostile_program(
        """
REFUSED_BY_LINUX = 200   # probes before a connection counts as dead: 127 at most

bound = zmq.PULL(tcp_keepalive=1, tcp_keepalive_cnt=REFUSED_BY_LINUX, linger=0,
    bind="tcp://127.0.0.1:*")
before = wire.open_files()
raws = [wire.connect(wire.port_of(bound.last_endpoint)) for _ in range(50)]
for raw in raws:
    assert raw.recv(1) == b""
    raw.close()
until(lambda: wire.open_files() <= before, "accepted connections stay open")

listener = socket.create_server(("127.0.0.1", 0), backlog=50)
listener.settimeout(10)
connecting = zmq.DEALER(tcp_keepalive=1, tcp_keepalive_cnt=REFUSED_BY_LINUX, linger=0,
    reconnect_ivl=1, connect=f"tcp://127.0.0.1:{listener.getsockname()[1]}")
before = wire.open_files()
for _ in range(50):
    raw, _ = listener.accept()
    assert raw.recv(1) == b""
    raw.close()
until(lambda: wire.open_files() <= before + 1, "attempts to connect stay open")
bound.close()
connecting.close()
listener.close()
""",
    )


@needs_patch("tuned-or-closed")
@linux
def test_a_listener_that_others_accept_from_does_not_stop_its_thread():
    hostile_program(
        """
shared = socket.create_server(("127.0.0.1", 0), backlog=50)
port = shared.getsockname()[1]
contexts = [zmq.Context() for _ in range(2)]
pulls, others = [], []
for context in contexts:
    pulls.append(context.socket(zmq.PULL, use_fd=os.dup(shared.fileno()),
        bind=f"tcp://127.0.0.1:{port}"))
    others.append(context.socket(zmq.REP, bind="tcp://127.0.0.1:*", rcvtimeo=20_000))
clients = [zmq.REQ(connect=o.last_endpoint.decode(), rcvtimeo=20_000, linger=0) for o in others]
for _ in range(300):
    wire.connect(port).close()
    for client, other in zip(clients, others):
        client.send(b"?")
        other.send(other.recv())
        assert client.recv() == b"?"
for used in (*clients, *pulls, *others):
    used.close()
for context in contexts:
    context.term()
shared.close()
""",
    )


@needs_patch("poll-refused")
@linux
def test_without_any_descriptor_a_wait_still_ends():
    program(
        """
import resource
context = zmq.Context()
one, other = context.socket(zmq.PAIR, bind="inproc://x", rcvtimeo=100), context.socket(zmq.PAIR)
other.connect("inproc://x")
_, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))
refused(one.recv)
other.send(b"alive")
assert one.recv() == b"alive"
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
one.close()
other.close()
context.term()
"""
    )


@needs_patch("last-descriptor")
@needs_drafts
@linux
@pytest.mark.parametrize("kind", ["CLIENT", "SERVER", "RADIO", "DISH", "SCATTER", "GATHER"])
def test_a_thread_safe_socket_closes_without_a_free_descriptor(kind):
    program(
        """
import resource
context = zmq.Context()
socket_ = context.socket(sys.argv[1])
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
taken = []
try:
    while True:
        taken.append(os.open("/dev/null", os.O_RDONLY))
except OSError:
    pass
socket_.close()
context.term()
for descriptor in taken:
    os.close(descriptor)
""",
        kind,
    )


@needs_patch("thread-start")
@linux
def test_a_context_whose_threads_are_refused_starts_when_they_are_not():
    program(
        """
import resource
if os.geteuid() == 0:
    os.setresuid(65533, 65533, 65533)
soft, hard = resource.getrlimit(resource.RLIMIT_NPROC)
context = zmq.Context(io_threads=4)
resource.setrlimit(resource.RLIMIT_NPROC, (1, hard))
for _ in range(3):
    error = refused(lambda: context.socket(zmq.PULL))
resource.setrlimit(resource.RLIMIT_NPROC, (hard, hard))
pull = context.socket(zmq.PULL, bind="tcp://127.0.0.1:*", rcvtimeo=20_000)
push = context.socket(zmq.PUSH, connect=pull.last_endpoint.decode(), linger=0)
push.send(b"alive")
assert pull.recv() == b"alive"
pull.close()
push.close()
context.term()
"""
    )


@needs_patch("no-interfaces")
@linux
def test_bind_without_a_free_descriptor_is_refused():
    program(
        """
import resource
context = zmq.Context()
pull = context.socket(zmq.PULL, bind="tcp://127.0.0.1:*")
pull.monitor("inproc://events")
taken = []
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
try:
    while True:
        taken.append(os.open("/dev/null", os.O_RDONLY))
except OSError:
    pass
for address in ("tcp://127.0.0.1:*", "tcp://*:*", "tcp://lo:*"):
    refused(lambda: pull.bind(address))
pull.connect("tcp://127.0.0.1:9")   # tried again until there are some
for descriptor in taken:
    os.close(descriptor)
pull.bind("tcp://127.0.0.1:*")
pull.disable_monitor()
pull.close(0)
context.term()
"""
    )
