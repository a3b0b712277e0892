"""What mypy and pyright must see in code written for pyzmq, whichever library is behind `zmq`.

Checked three times, with the import lines below changed, never run: see test_typing.py.
"""

from __future__ import annotations

from typing import Any

import zmq
import zmq.asyncio as azmq
from typing_extensions import assert_type

context = zmq.Context()
assert_type(context, zmq.Context[zmq.Socket[bytes]])
assert_type(zmq.Context(4), zmq.Context[zmq.Socket[bytes]])
socket = context.socket(zmq.REQ)
assert_type(socket, zmq.Socket[bytes])
sync_context: zmq.SyncContext = context
sync_socket: zmq.SyncSocket = socket
with zmq.Context() as entered, entered.socket(zmq.REP) as server:
    assert_type(entered, zmq.Context[zmq.Socket[bytes]])
    assert_type(server, zmq.Socket[bytes])


class OwnSocket(zmq.Socket[bytes]):
    """A class of the user's own."""


class OwnContext(zmq.Context[OwnSocket]):
    """A context that makes such sockets."""


own = OwnContext().socket(zmq.REQ)
assert_type(own, OwnSocket)
assert_type(zmq.Context.shadow(context.underlying).closed, bool)

assert_type(socket.recv(), bytes)
assert_type(socket.recv(zmq.DONTWAIT), bytes)
assert_type(socket.recv(copy=True), bytes)
assert_type(socket.recv(copy=False), zmq.Frame)
assert_type(socket.recv_multipart(), list[bytes])
assert_type(socket.recv_multipart(copy=False), list[zmq.Frame])
assert_type(socket.recv_string(), str)
assert_type(socket.recv_pyobj(), Any)
assert_type(socket.recv_into(bytearray(10)), int)
assert_type(socket.recv_serialized(len), int)
assert_type(socket.send(b""), None)
assert_type(socket.send(b"", copy=False), zmq.MessageTracker)
assert_type(socket.send_multipart([b"", b""]), "zmq.MessageTracker | None")
socket.send_string("text")
socket.send_json({"a": 1})
socket.send_pyobj(object())
for data in (b"", bytearray(), memoryview(b""), zmq.Frame(b"")):
    socket.send(data)

frame = socket.recv(copy=False)
assert_type(frame.bytes, bytes)
assert_type(frame.buffer, memoryview)
assert_type(frame.more, bool)

assert_type(socket.closed, bool)
assert_type(socket.fileno(), int)
socket.linger = 0
socket.subscribe(b"topic")
assert_type(socket.getsockopt_string(zmq.IDENTITY), str)
assert_type(socket.bind_to_random_port("tcp://127.0.0.1"), int)
with socket.bind("inproc://a") as bound:
    assert_type(bound, zmq.Socket[bytes])
with socket.connect("inproc://a") as connected:
    assert_type(connected, zmq.Socket[bytes])
assert_type(socket.poll(100), int)
assert_type(socket.get_monitor_socket(), zmq.Socket[bytes])

poller = zmq.Poller()
poller.register(socket, zmq.POLLIN)
assert_type(poller.poll(), list[tuple[Any, int]])
assert_type(zmq.curve_keypair(), tuple[bytes, bytes])
assert_type(zmq.curve_public(b""), bytes)
assert_type(zmq.has("curve"), bool)
assert_type(zmq.zmq_version_info(), tuple[int, int, int])
assert_type(zmq.strerror(5), str)
tracker = socket.send(b"", copy=False, track=True)
assert_type(tracker.done, bool)


async def awaited() -> None:
    context = azmq.Context()
    dealer = context.socket(zmq.DEALER)
    assert_type(dealer, azmq.Socket)
    assert_type(azmq.Context.instance().socket(zmq.PULL), azmq.Socket)
    assert_type(await dealer.recv(), bytes)
    assert_type(await dealer.recv(copy=False), zmq.Frame)
    assert_type(await dealer.recv_multipart(), list[bytes])
    assert_type(await dealer.recv_multipart(copy=False), list[zmq.Frame])
    assert_type(await dealer.recv_string(), str)
    await dealer.send(b"")
    await dealer.send_multipart([b"", b""])
    await dealer.send_string("text")
    await dealer.send_json({})
    await dealer.poll(10)
    poller = azmq.Poller()
    poller.register(dealer, zmq.POLLIN)
    assert_type(await poller.poll(10), list[tuple[Any, int]])
