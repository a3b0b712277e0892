"""Messages of every kind and size go through whole; whatever cannot be sent is refused first."""

from __future__ import annotations

import array
import ctypes
import mmap

import pytest
from support import connect_pair, in_thread, wait_until

import zmqlite as zmq

SIZES = [0, 1, 33, 34, 2047, 2048, 65535, 65536, 1 << 20, 5 << 20]


def body(size: int) -> bytes:
    """Bytes that show when a piece is lost, doubled or moved."""
    return (bytes(range(251)) * (size // 251 + 1))[:size]


def as_mmap(data: bytes) -> mmap.mmap:
    mapped = mmap.mmap(-1, max(len(data), 1))
    mapped[: len(data)] = data
    return mapped


def as_ctypes(data: bytes) -> ctypes.Array[ctypes.c_char]:
    return (ctypes.c_char * len(data)).from_buffer_copy(data)


class OwnBytes(bytes):
    """Not exactly bytes: may hide anything."""


KINDS = {
    "bytes": bytes,
    "bytes subclass": OwnBytes,
    "bytearray": bytearray,
    "memoryview": memoryview,
    "slice": lambda data: memoryview(b"?" + data + b"?")[1 : 1 + len(data)],
    "wide memoryview": lambda data: (
        memoryview(bytearray(data)).cast("B").cast("H")
        if len(data) % 2 == 0 and data
        else memoryview(data)
    ),
    "array": lambda data: array.array("B", data),
    "ctypes": as_ctypes,
    "frame": zmq.Frame,
    "lent frame": lambda data: zmq.Frame(data, copy=False),
}


@pytest.mark.parametrize("size", SIZES)
def test_every_size_both_ways_of_receiving(pair, size):
    server, client = pair()
    data = body(size)
    client.send(data)
    assert server.recv() == data
    client.send(data, copy=False)
    frame = server.recv(copy=False)
    assert len(frame) == size
    assert bytes(frame) == frame.bytes == data
    assert bytes(frame.buffer) == data
    target = bytearray(size + 3)
    client.send(bytearray(data))
    assert server.recv_into(target) == size
    assert target == data + bytes(3)
    client.send_multipart([data, b"", data], copy=False)
    assert server.recv_multipart() == [data, b"", data]
    client.send_multipart([bytearray(data), data])
    assert [bytes(part) for part in server.recv_multipart(copy=False)] == [data, data]


@pytest.mark.parametrize("copy", [True, False])
@pytest.mark.parametrize("size", [0, 100, 3000, 70_000, 300_000])
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind(context, kind, size, copy):
    server, client = connect_pair(context, "inproc://kinds")
    data = body(size)
    client.send(KINDS[kind](data), copy=copy)
    assert server.recv() == data
    client.send_multipart([b"head", KINDS[kind](data), b"tail"], copy=copy)
    assert server.recv_multipart() == [b"head", data, b"tail"]
    assert client.send_nonblock(KINDS[kind](data)) is True
    assert server.recv_nonblock() == data
    assert client.send_many([KINDS[kind](data), [KINDS[kind](data), b"x"]]) == 2
    got = []
    while len(got) < 2:
        got += server.recv_many(multipart=True)
    assert got == [[data], [data, b"x"]]


def test_maps_of_memory(context):
    server, client = connect_pair(context)
    data = body(100_000)
    client.send(as_mmap(data), copy=False)
    assert server.recv() == data


def test_numpy_arrays(context):
    numpy = pytest.importorskip("numpy")
    server, client = connect_pair(context)
    numbers = numpy.arange(30_000, dtype="f8").reshape(100, 300)
    for copy in (True, False):
        client.send(numbers, copy=copy)
        got = numpy.frombuffer(server.recv(copy=False), dtype="f8").reshape(100, 300)
        assert (got == numbers).all()
    with pytest.raises((ValueError, BufferError)):
        client.send(numbers[:, ::2])
    target = numpy.zeros(30_000)
    client.send(numbers)
    assert server.recv_into(target) == numbers.nbytes
    assert (target == numbers.ravel()).all()


@pytest.mark.parametrize("copy", [True, False])
@pytest.mark.parametrize("size", [10, 10_000, 500_000])
def test_views_with_gaps_are_refused(context, size, copy):
    server, client = connect_pair(context)
    gaps = memoryview(bytearray(size))[::2]
    with pytest.raises(BufferError):
        client.send(gaps, copy=copy)
    with pytest.raises(BufferError):
        client.send_multipart([b"first", gaps], copy=copy)
    with pytest.raises(BufferError):
        zmq.Frame(gaps, copy=copy)
    with pytest.raises(BufferError, match=r"recv_into on PAIR .*'memoryview' is read-only"):
        server.recv_into(gaps)
    assert server.poll(20) == 0


def test_what_cannot_be_received_into_says_so(pair):
    server, client = pair()
    client.send(b"stays")
    with pytest.raises(BufferError, match=r"recv_into on PAIR .*'bytes' is read-only.*recv\(\)"):
        server.recv_into(b"abc")
    with pytest.raises(TypeError, match=r"recv_into on PAIR .*bytearray, not 'str'"):
        server.recv_into("abc")
    assert server.recv() == b"stays"


# -- parts ---------------------------------------------------------------------------------------


def test_more_flags(pair):
    server, client = pair()
    client.send(b"a", zmq.SNDMORE)
    client.send(bytearray(b"b" * 5000), zmq.SNDMORE)
    client.send(b"c")
    assert (server.recv(), server.more_parts, server.rcvmore) == (b"a", True, 1)
    frame = server.recv(copy=False)
    assert (bytes(frame), frame.more, server.more_parts) == (b"b" * 5000, True, True)
    target = bytearray(1)
    server.recv_into(target)
    assert (target, server.more_parts, server.getsockopt(zmq.RCVMORE)) == (b"c", False, 0)


def test_sndmore_on_a_whole_message_leaves_it_open(pair):
    server, client = pair()
    client.send_multipart([b"a", b"b"], zmq.SNDMORE)
    client.send_multipart([b"c", b"d"])
    assert server.recv_multipart() == [b"a", b"b", b"c", b"d"]


def test_a_message_begun_with_recv_is_finished_by_recv_multipart(pair):
    server, client = pair()
    client.send_multipart([b"%d" % i for i in range(5)])
    assert server.recv() == b"0"
    assert server.recv_multipart() == [b"1", b"2", b"3", b"4"]


class Liar:
    """Sequence whose length and items disagree."""

    def __len__(self):
        return 99

    def __getitem__(self, index):
        if index >= 2:
            raise IndexError
        return b"part %d" % index


def test_any_sequence_will_do(pair):
    server, client = pair()
    for parts in ((b"a", b"b"), [b"a", b"b"]):
        client.send_multipart(parts)
        assert server.recv_multipart() == [b"a", b"b"]
    client.send_multipart(Liar())
    assert server.recv_multipart() == [b"part 0", b"part 1"]


@pytest.mark.parametrize(
    "parts", ["text", b"bytes", bytearray(b"x"), (p for p in [b"a"]), 7, None]
)
def test_what_is_no_sequence_of_parts(context, parts):
    server, client = connect_pair(context)
    with pytest.raises(TypeError, match="sequence of parts"):
        client.send_multipart(parts)
    assert server.poll(20) == 0


def test_no_parts(context):
    _, client = connect_pair(context)
    with pytest.raises(IndexError):
        client.send_multipart([])


@pytest.mark.parametrize("bad", ["text", 7, None, object(), ["a" * 500]])
@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize("size", [1, 5000])
def test_a_bad_part_anywhere_sends_nothing(pair, place, bad, size):
    server, client = pair()
    parts = [b"x" * size] * 2
    parts.insert(place, bad)
    with pytest.raises(TypeError) as caught:
        client.send_multipart(parts)
    assert f"part {place} " in str(caught.value)
    assert len(str(caught.value)) < 200
    assert repr(bad)[:20] in str(caught.value)
    client.send(b"whole")
    assert server.recv_multipart() == [b"whole"]


def test_a_full_queue_takes_nothing_of_a_message(context):
    server, client = connect_pair(context, "inproc://full", sndhwm=2, rcvhwm=2)
    count = 0
    while client.send_nonblock(b"fill"):
        count += 1
    for send in (client.send_multipart, lambda parts, flags: client.send_many([parts], flags)):
        for part in (b"x", b"x" * 5000, bytearray(b"x")):
            if send == client.send_multipart:
                with pytest.raises(zmq.Again):
                    send([part, part], zmq.DONTWAIT)
            else:
                assert send([part, part], zmq.DONTWAIT) == 0
    for _ in range(count):
        assert server.recv_multipart() == [b"fill"]
    client.send_multipart([b"a", b"b"])
    assert server.recv_multipart() == [b"a", b"b"]


# -- refusals ------------------------------------------------------------------------------------

TEXTS = {
    "send": lambda s: s.send("text"),
    "send nocopy": lambda s: s.send("text", copy=False),
    "send_nonblock": lambda s: s.send_nonblock("text"),
    "send_many": lambda s: s.send_many(["text"]),
}


@pytest.mark.parametrize("name", TEXTS)
def test_text_is_pointed_to_send_string(context, name):
    with pytest.raises(TypeError, match="send_string"):
        TEXTS[name](context.socket(zmq.PAIR))


def test_text_for_a_frame_is_to_be_encoded():
    with pytest.raises(TypeError, match=r"Frame\(\) takes bytes-like objects, not str .*: encode"):
        zmq.Frame("text")


@pytest.mark.parametrize("kind", [zmq.PULL, zmq.SUB, zmq.PUSH, zmq.PUB])
@pytest.mark.parametrize("flags", [0, zmq.DONTWAIT])
def test_wrong_directions_say_so(context, kind, flags):
    socket = context.socket(kind)
    socket.bind("inproc://direction")
    verb = "receives" if kind in (zmq.PULL, zmq.SUB) else "sends"
    wrong = (lambda: socket.recv(flags)) if verb == "sends" else lambda: socket.send(b"x", flags)
    with pytest.raises(zmq.NotSupported) as caught:
        wrong()
    assert f"{kind.name} socket only {verb}" in str(caught.value)
    assert "inproc://direction" in str(caught.value)


def test_out_of_turn(context):
    rep, req = connect_pair(context, "inproc://turns", zmq.REP, zmq.REQ)
    with pytest.raises(zmq.StateError, match="send first"):
        req.recv()
    with pytest.raises(zmq.StateError, match="recv first"):
        rep.send(b"x")
    req.send(b"question")
    with pytest.raises(zmq.StateError, match="recv first"):
        req.send(b"another")
    with pytest.raises(zmq.StateError):
        req.send_multipart([b"another", b"one"], zmq.NOBLOCK)
    assert rep.recv() == b"question"
    with pytest.raises(zmq.StateError, match="send first"):
        rep.recv()
    rep.send(b"answer")
    assert req.recv() == b"answer"


def test_recv_into(pair):
    server, client = pair()
    client.send_multipart([b"exactly!", b"too long for it", b"short", b"cut by nbytes", b""])
    target = bytearray(8)
    assert server.recv_into(target) == 8
    assert target == b"exactly!"
    assert server.recv_into(target) == 15  # the full size: it was cut
    assert target == b"too long"
    assert server.recv_into(memoryview(target)[2:]) == 5
    assert target == b"toshortg"
    assert server.recv_into(target, nbytes=3) == 13
    assert target == b"cuthortg"
    assert server.recv_into(target) == 0
    assert not server.more_parts


def test_recv_into_refusals_take_no_message(pair):
    server, client = pair()
    client.send(b"stays")
    wait_until(lambda: server.poll(10))
    with pytest.raises(BufferError):
        server.recv_into(b"read only")
    with pytest.raises(TypeError):
        server.recv_into("text")
    for nbytes in (-1, 9, 1 << 40):
        with pytest.raises(ValueError, match="nbytes"):
            server.recv_into(bytearray(8), nbytes=nbytes)
    with pytest.raises(zmq.Again):
        client.recv_into(bytearray(1), flags=zmq.DONTWAIT)
    assert server.recv() == b"stays"


def test_recv_into_holds_the_buffer_while_it_waits(context):
    """A bytearray that shrinks under a waiting recv_into would be written beyond its end."""
    server, client = connect_pair(context)
    target = bytearray(100_000)
    join = in_thread(server.recv_into, target)

    def held():
        try:
            target.append(0)
            target.pop()
        except BufferError:
            return True
        return False

    wait_until(held, what="the receiver to hold its buffer")
    client.send(b"z" * 100_000)
    assert join() == 100_000
    assert target == b"z" * 100_000
    target.clear()


def test_nonblock_pairs(context):
    server, client = connect_pair(context, "inproc://nonblock", sndhwm=1, rcvhwm=1)
    assert server.recv_nonblock() is None
    sent = 0
    while client.send_nonblock(b"%d" % sent):
        sent += 1
    assert not client.send_nonblock(b"x" * 5000)
    assert not client.send_nonblock(bytearray(3))
    assert [server.recv_nonblock() for _ in range(sent)] == [b"%d" % i for i in range(sent)]
    assert server.recv_nonblock() is None
    with pytest.raises(TypeError):
        client.send_nonblock(None)


def test_iteration_gives_parts_and_ends_with_the_socket(pair):
    server, client = pair()
    client.send_multipart([b"a", b"b"])
    client.send(b"c")
    got = []
    for part in server:
        got.append((part, server.more_parts))
        if part == b"c":
            server.close()
    assert got == [(b"a", True), (b"b", False), (b"c", False)]
    assert list(server) == []


CLOSED_CALLS = {
    "send": lambda s: s.send(b"x"),
    "send big": lambda s: s.send(b"x" * 5000),
    "send frame": lambda s: s.send(zmq.Frame(b"x")),
    "send_multipart": lambda s: s.send_multipart([b"x", b"x"]),
    "send_mixed": lambda s: s.send_multipart([b"x", bytearray(1)]),
    "send_many": lambda s: s.send_many([b"x"]),
    "send_nonblock": lambda s: s.send_nonblock(b"x"),
    "recv": lambda s: s.recv(),
    "recv frame": lambda s: s.recv(copy=False),
    "recv_into": lambda s: s.recv_into(bytearray(1)),
    "recv_multipart": lambda s: s.recv_multipart(),
    "recv frames": lambda s: s.recv_multipart(copy=False),
    "recv_many": lambda s: s.recv_many(),
    "recv_nonblock": lambda s: s.recv_nonblock(),
    "getsockopt": lambda s: s.getsockopt(zmq.LINGER),
    "setsockopt": lambda s: s.setsockopt(zmq.LINGER, 0),
    "bind": lambda s: s.bind("inproc://closed"),
    "connect": lambda s: s.connect("inproc://closed"),
    "unbind": lambda s: s.unbind("inproc://closed"),
    "disconnect": lambda s: s.disconnect("inproc://closed"),
    "monitor": lambda s: s.monitor("inproc://closed"),
    "stop monitor": lambda s: s.monitor(None),
}


@pytest.mark.parametrize("name", CLOSED_CALLS)
def test_closed_sockets_say_so(context, name):
    socket = context.socket(zmq.PAIR)
    socket.bind("inproc://gone")
    socket.close()
    with pytest.raises(zmq.SocketClosed) as caught:
        CLOSED_CALLS[name](socket)
    assert caught.value.errno == zmq.ENOTSOCK
    assert "PAIR socket" in str(caught.value)
