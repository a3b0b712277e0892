"""Two copies of libzmq in one process: ours and that of pyzmq. Neither may notice the other."""

from __future__ import annotations

import pytest
from programs import run_program

pytest.importorskip("zmq", reason="pyzmq is not installed")

ORDERS = {
    "ours first": "import zmqlite as ours\nimport zmq as theirs\n",
    "theirs first": "import zmq as theirs\nimport zmqlite as ours\n",
}
HELPERS = """
import sys, threading
def pair(maker_a, maker_b, endpoint, kinds):
    a = maker_a(kinds[0])
    b = maker_b(kinds[1])
    for one in (a, b):
        one.linger = 0
        one.rcvtimeo = one.sndtimeo = 10000
    a.bind(endpoint)
    b.connect(a.last_endpoint.decode())
    return a, b
mine, other = ours.Context(), theirs.Context()
"""


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("endpoint", ["tcp://127.0.0.1:*", "ipc://*"])
def test_round_trips(order, endpoint):
    run_program(
        ORDERS[order]
        + HELPERS
        + f"""
for first, second in ((mine, other), (other, mine)):
    a, b = pair(first.socket, second.socket, {endpoint!r}, (ours.PAIR, ours.PAIR))
    for size in (0, 1, 33, 34, 2047, 2048, 65536, 1 << 20):
        for copy in (True, False):
            body = bytes(range(251)) * (size // 251 + 1)
            a.send(body[:size], copy=copy)
            assert b.recv() == body[:size]
            b.send_multipart([b"x", body[:size], b""], copy=copy)
            assert a.recv_multipart() == [b"x", body[:size], b""]
            b.send_multipart([b"x", body[:size]], copy=copy)
            assert [bytes(part) for part in a.recv_multipart(copy=False)] == [b"x", body[:size]]
    rep, req = pair(first.socket, second.socket, {endpoint!r}, (ours.REP, ours.REQ))
    for number in range(200):
        req.send_json({{"number": number}})
        assert rep.recv_json() == {{"number": number}}
        rep.send_string("fünf")
        assert req.recv_string() == "fünf"
    router, dealer = pair(first.socket, second.socket, {endpoint!r}, (ours.ROUTER, ours.DEALER))
    dealer.send_multipart([b"", b"question"])
    name, *rest = router.recv_multipart()
    router.send_multipart([name, *rest])
    assert dealer.recv_multipart() == [b"", b"question"]
    for one in (a, b, rep, req, router, dealer):
        one.close()
mine.term()
other.term()
"""
    )


@pytest.mark.parametrize("order", ORDERS)
def test_inproc_names_are_apart(order):
    run_program(
        ORDERS[order]
        + HELPERS
        + """
a = mine.socket(ours.PAIR)
b = other.socket(theirs.PAIR)
a.bind("inproc://name")
b.bind("inproc://name")             # not taken: another libzmq, another space
c, d = mine.socket(ours.PAIR), other.socket(theirs.PAIR)
c.connect("inproc://name")
d.connect("inproc://name")
c.send(b"ours")
d.send(b"theirs")
assert (a.recv(), b.recv()) == (b"ours", b"theirs")
mine.destroy(0)
other.destroy(0)
"""
    )


@pytest.mark.parametrize("order", ORDERS)
def test_objects_do_not_mix_by_accident(order):
    """Buffers travel between the two; a socket of one is no socket for the other's poller."""
    run_program(
        ORDERS[order]
        + HELPERS
        + """
a, b = pair(mine.socket, other.socket, "tcp://127.0.0.1:*", (ours.PAIR, ours.PAIR))
a.send(theirs.Frame(b"their frame" * 9000), copy=False)
assert b.recv() == b"their frame" * 9000
b.send(ours.Frame(b"our frame" * 9000), copy=False)
assert a.recv() == b"our frame" * 9000
assert issubclass(ours.ZMQError, OSError) or True
try:
    a.recv(ours.NOBLOCK)
except theirs.ZMQError:
    raise AssertionError("our error is not theirs")
except ours.Again as error:
    assert error.errno == theirs.EAGAIN
poller = ours.Poller()
poller.register(b.fd, ours.POLLIN)  # as a descriptor it may be watched
poller.register(a, ours.POLLIN)
b.send(b"x")
while a not in dict(poller.poll(5000)):
    pass
a.close(), b.close(), mine.term(), other.term()
"""
    )


@pytest.mark.parametrize("order", ORDERS)
def test_threads_of_both(order):
    run_program(
        ORDERS[order]
        + HELPERS
        + """
a, b = pair(mine.socket, other.socket, "tcp://127.0.0.1:*", (ours.PULL, ours.PUSH))
c, d = pair(other.socket, mine.socket, "tcp://127.0.0.1:*", (ours.PULL, ours.PUSH))
count = 5000
def send(one):
    for number in range(count):
        one.send(b"%d" % number)
threads = [threading.Thread(target=send, args=(one,)) for one in (b, d)]
for thread in threads:
    thread.start()
for number in range(count):
    assert a.recv() == b"%d" % number
    assert c.recv() == b"%d" % number
for thread in threads:
    thread.join()
for one in (a, b, c, d):
    one.close()
mine.term(), other.term()
assert ours.zmq_version_info() and theirs.zmq_version_info()
"""
    )
