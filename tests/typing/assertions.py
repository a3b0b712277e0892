"""What mypy and pyright must see in ordinary code. Checked, never run: see test_typing.py."""

from __future__ import annotations

from asyncio import Future
from typing import Any

from typing_extensions import assert_type

import zmqlite as zmq
import zmqlite.asyncio as azmq
import zmqlite.green as green
import zmqlite.pyzmq as guest
import zmqlite.pyzmq.asyncio as guest_asyncio
import zmqlite.trio as tzmq
from zmqlite.auth import Gate, Verdict
from zmqlite.pyzmq.auth.thread import ThreadAuthenticator
from zmqlite.pyzmq.eventloop.zmqstream import ZMQStream

# --- contexts and sockets --------------------------------------------------------------------

context = zmq.Context()
assert_type(context, zmq.Context[zmq.Socket[bytes]])
assert_type(zmq.Context(4, max_sockets=10), zmq.Context[zmq.Socket[bytes]])
socket = context.socket(zmq.REQ, linger=0, connect=["tcp://127.0.0.1:5555"])
assert_type(socket, zmq.Socket[bytes])
assert_type(context.socket("REQ"), zmq.Socket[bytes])
with zmq.Context() as entered, entered.socket(zmq.REP) as server:
    assert_type(server, zmq.Socket[bytes])


class Own(zmq.Socket[bytes]):
    """A class of the user's own comes back as itself."""


assert_type(context.socket(zmq.REQ, Own), Own)
assert_type(socket.type, zmq.SocketType)
assert_type(socket.closed, bool)
sync: zmq.SyncSocket = socket

# --- socket types that make sockets ------------------------------------------------------------

assert_type(zmq.REQ(connect="tcp://127.0.0.1:5555", linger=0, RCVHWM=1), zmq.Socket[bytes])
assert_type(zmq.SUB(bind=["inproc://a"], subscribe=["a", b"b"]), zmq.Socket[bytes])
assert_type(zmq.PUSH(context=context, hwm=1, socks_proxy=None), zmq.Socket[bytes])
assert_type(zmq.REQ(context=azmq.Context(), identity="me"), azmq.Socket)
assert_type(azmq.REQ(context=azmq.Context()), azmq.Socket)
assert_type(tzmq.REQ(context=tzmq.Context()), tzmq.Socket)
assert_type(green.REQ(context=green.Context()), green.Socket)
assert_type(azmq.SUB(connect=["inproc://a"], subscribe="a"), azmq.Socket)
assert_type(green.PAIR(context=zmq.Context()), green.Socket)
kinds: list[int] = [azmq.REQ, tzmq.SUB, green.PUB, guest.REP]
kind: zmq.SocketType = guest.REP
waited: zmq.PollEvent = azmq.POLLIN | tzmq.POLLOUT | green.POLLERR

# --- data --------------------------------------------------------------------------------------

assert_type(socket.recv(), bytes)
assert_type(socket.recv(zmq.DONTWAIT), bytes)
assert_type(socket.recv(copy=False), zmq.Frame)
assert_type(socket.recv_multipart(), list[bytes])
assert_type(socket.recv_multipart(copy=False), list[zmq.Frame])
assert_type(socket.recv_string(), str)
assert_type(socket.recv_strings(), list[str])
assert_type(socket.recv_json(), Any)
assert_type(socket.recv_nonblock(), "bytes | None")
assert_type(socket.recv_into(bytearray(10)), int)
assert_type(socket.recv_many(), list[bytes])
assert_type(socket.recv_many(10, multipart=True), list[list[bytes]])
assert_type(socket.recv_envelope(), tuple[list[bytes], list[bytes]])
assert_type(socket.send(b"", copy=False), zmq.MessageTracker)
assert_type(socket.send_nonblock(memoryview(b"")), bool)
assert_type(socket.send_many([b"one", [b"two", b"parts"]]), int)
for message in socket:
    assert_type(message, bytes)
for data in (b"", bytearray(), memoryview(b""), zmq.Frame(b"")):
    socket.send(data)
socket.send_multipart([b"", bytearray(), zmq.Frame()])

frame = socket.recv(copy=False)
assert_type(frame.bytes, bytes)
assert_type(frame.buffer, memoryview)
assert_type(frame.more, bool)
assert_type(bytes(frame), bytes)

# --- options -----------------------------------------------------------------------------------

assert_type(socket.linger, int)
assert_type(socket.SNDHWM, int)
socket.linger = 0
socket.RCVHWM = zmq.NULL
assert_type(socket.identity, bytes)
socket.subscribe("topic")
assert_type(context.io_threads, int)
context.io_threads = 2

# --- waiting, endpoints, keys, errors ----------------------------------------------------------

assert_type(socket.poll(100), int)
assert_type(socket.wait_peers(2, timeout=100), int)
assert_type(socket.wait_subscribers(1, b"topic", 100), int)
assert_type(socket.request(b"", 100, retries=2), "bytes | list[bytes]")
assert_type(socket.request([b"", b""]), list[bytes])
assert_type(zmq.NoAnswer().connected, "int | None")
with zmq.Proxy(socket, ("DEALER", "tcp://*:*"), None) as proxy:
    assert_type(proxy, zmq.Proxy)
    assert_type(proxy.statistics(), zmq.ProxyStatistics)
    assert_type(proxy.wait(10), bool)
assert_type(zmq.Proxy.in_process(("ROUTER", "tcp://*:*"), ("DEALER", None, {})), zmq.Proxy)
assert_type(socket.peers, tuple[zmq.Peer, ...])
assert_type(socket.past_peers[0].reason, str)
assert_type(next(socket.monitor_events()), zmq.MonitorEvent)
assert_type(next(zmq.monitor_events(socket))["value"], int)
assert_type(zmq.Poller().poll(), list[tuple[Any, int]])
assert_type(zmq.select([socket], [], []), tuple[list[Any], list[Any], list[Any]])
assert_type(socket.bind("tcp://127.0.0.1:*"), zmq.Endpoint[zmq.Socket[bytes]])
with socket.connect("inproc://a") as connected:
    assert_type(connected, zmq.Socket[bytes])
endpoint: str = socket.bind("inproc://b")
assert_type(zmq.curve_keypair(), tuple[bytes, bytes])
try:
    socket.recv(zmq.NOBLOCK)
except zmq.Again as error:
    assert_type(error.errno, "int | None")
    blocked: BlockingIOError = error
assert_type(zmq.has("curve"), bool)
assert_type(zmq.zmq_version_info(), tuple[int, int, int])
assert_type(zmq.__version__, str)

# --- asyncio -----------------------------------------------------------------------------------


async def awaited() -> None:
    async with azmq.Context() as context, context.socket(zmq.DEALER) as dealer:
        assert_type(context, azmq.Context)
        assert_type(dealer, azmq.Socket)
        assert_type(azmq.Context.instance(), azmq.Context)
        assert_type(azmq.Context.shadow(context), azmq.Context)
        assert_type(dealer.recv(), Future[bytes])
        assert_type(dealer.recv(copy=False), Future[zmq.Frame])
        assert_type(await dealer.recv(), bytes)
        assert_type(await dealer.recv_multipart(), list[bytes])
        assert_type(await dealer.recv_multipart(copy=False), list[zmq.Frame])
        assert_type(await dealer.recv_string(), str)
        assert_type(await dealer.recv_strings(), list[str])
        assert_type(await dealer.recv_json(), Any)
        assert_type(await dealer.recv_into(bytearray(10)), int)
        assert_type(await dealer.recv_many(), list[bytes])
        assert_type(await dealer.recv_many(multipart=True), list[list[bytes]])
        assert_type(await dealer.recv_serialized(len), int)
        assert_type(await dealer.recv_envelope(), tuple[list[bytes], list[bytes]])
        assert_type(dealer.send(b""), Future[None])
        assert_type(await dealer.send(b"", copy=False), zmq.MessageTracker)
        assert_type(await dealer.send_multipart([b"", b""]), "zmq.MessageTracker | None")
        assert_type(await dealer.send_many([b"", [b"", b""]]), int)
        assert_type(dealer.send_many([b""]).sent, int)
        assert_type(await dealer.poll(10), int)
        assert_type(await dealer.wait_peers(2, 10), int)
        async with azmq.Proxy(dealer, dealer) as proxy:
            assert_type(proxy, azmq.Proxy)
            assert_type(await proxy.wait(10), bool)
        assert_type(await dealer.request(b"", 10), "bytes | list[bytes]")
        assert_type(await dealer.request([b""], 10), list[bytes])
        async for event in dealer.monitor_events():
            assert_type(event, zmq.MonitorEvent)
        async for report in azmq.monitor_events(dealer):
            assert_type(report["value"], int)
        assert_type((await azmq.recv_monitor_message(dealer))["endpoint"], bytes)
        await dealer.send_string("text")
        await dealer.send_json({})
        async for message in dealer:
            assert_type(message, bytes)
        poller = azmq.Poller()
        poller.register(dealer, zmq.POLLIN)
        assert_type(await poller.poll(10), list[tuple[Any, int]])


# --- trio and gevent ---------------------------------------------------------------------------


async def in_trio() -> None:
    async with tzmq.Context() as context, context.socket(zmq.DEALER) as dealer:
        assert_type(dealer, tzmq.Socket)
        assert_type(await dealer.recv(), bytes)
        assert_type(await dealer.recv(copy=False), zmq.Frame)
        assert_type(await dealer.recv_multipart(), list[bytes])
        assert_type(await dealer.recv_many(multipart=True), list[list[bytes]])
        assert_type(await dealer.recv_string(), str)
        assert_type(await dealer.recv_serialized(len), int)
        assert_type(await dealer.recv_serialized(_count, copy=False), int)
        assert_type(await dealer.send(b"", copy=False), zmq.MessageTracker)
        assert_type(await dealer.poll(10), int)
        async for message in dealer:
            assert_type(message, bytes)


def _count(frames: list[zmq.Frame]) -> int:
    return len(frames)


def in_gevent() -> None:
    dealer = green.Context().socket(zmq.DEALER)
    assert_type(dealer, green.Socket)
    assert_type(dealer.recv(), bytes)
    assert_type(dealer.recv(copy=False), zmq.Frame)
    assert_type(dealer.recv_multipart(), list[bytes])
    assert_type(dealer.recv_many(), list[bytes])
    assert_type(dealer.recv_serialized(_count, copy=False), int)
    assert_type(dealer.recv_string(), str)
    assert_type(dealer.send(b"", copy=False), zmq.MessageTracker)
    assert_type(green.zmq_version(), str)
    assert_type(green.Again().errno, "int | None")
    for message in dealer:
        assert_type(message, bytes)


# --- pyzmq's loops and authenticators ----------------------------------------------------------


async def in_the_guest_room() -> None:
    guests = guest_asyncio.Context()
    pull = guests.socket(guest.PULL)
    assert_type(pull, guest_asyncio.Socket)
    plain: guest.Socket[Any] = pull
    assert_type(guest_asyncio.Socket.from_socket(plain), guest_asyncio.Socket)
    assert_type(pull.recv(), Future[bytes])
    assert_type(await pull.recv(copy=False), zmq.Frame)
    assert_type(await pull.recv_multipart(), list[bytes])
    assert_type(await pull.send(b""), None)
    assert_type(await pull.poll(10), int)
    assert_type(guest_asyncio.Context.instance(), guest_asyncio.Context)
    assert_type(await guest_asyncio.Poller().poll(10), list[tuple[Any, int]])


def on_recv(parts: list[bytes]) -> None: ...
async def on_frames(parts: list[zmq.Frame]) -> None: ...
def on_stream(stream: ZMQStream, parts: list[bytes]) -> None: ...
def on_send(parts: list[Any], status: zmq.MessageTracker | None) -> None: ...


def with_tornado(stream: ZMQStream, auth: ThreadAuthenticator) -> None:
    stream.on_recv(on_recv)
    stream.on_recv(on_frames, copy=False)
    stream.on_recv_stream(on_stream)
    stream.on_send(on_send)
    stream.on_recv(None)
    stream.send(b"x", callback=on_send)
    assert_type(stream.flush(), int)
    auth.allow("127.0.0.1")
    assert_type(auth.is_alive(), bool)


async def welcome(domain: str, key: bytes) -> bool | Verdict:
    return Verdict(True, user_id="alice", metadata={"X-Role": b"boss"})


async def at_the_gate(gate: Gate) -> None:
    gate.plain({"alice": "secret"})
    gate.curve([b"key"], domain="shop")
    gate.curve(welcome)
    gate.curve(None)
    assert_type(gate.answer([b""]), list[bytes])
    assert_type(await gate.answer_async([b""]), list[bytes])
