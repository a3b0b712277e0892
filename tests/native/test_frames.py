"""Frames that outlive their socket, are sent again, or are filled in place."""

from __future__ import annotations

import contextlib
import gc

import pytest
from programs import run_program
from support import connect_pair

import zmqlite as zmq

BIG = 200_000

BIG = 200_000


def fresh_bytes(size: int = BIG) -> bytes:
    """Bytes that nobody else holds."""
    return bytes(bytearray(b"lent!") * (size // 5 + 1))[:size]


@pytest.mark.parametrize("size", [5, 5000, BIG])
@pytest.mark.parametrize("endpoint", ["inproc://outlive", "tcp://127.0.0.1:*"])
def test_frames_outlive_socket_and_context(make_context, endpoint, size):
    context = make_context()
    server, client = connect_pair(context, endpoint)
    data = fresh_bytes(size)
    client.send(data)
    client.send(bytearray(data), copy=False)
    frames = [server.recv(copy=False), server.recv(copy=False)]
    views = [frame.buffer for frame in frames]
    server.close(0)
    client.close(0)
    context.term()
    expected = bytes(bytearray(data))
    del data, frames
    gc.collect()
    assert [bytes(view) for view in views] == [expected] * 2


@pytest.mark.parametrize("size", [5, 5000, BIG])
def test_a_frame_is_sent_again_and_again(pair, size):
    server, client = pair()
    data = fresh_bytes(size)
    frame = zmq.Frame(data, copy=False, track=True)
    for _ in range(5):
        client.send(frame)
        client.send_multipart([frame, frame])
    got = [server.recv_multipart(copy=False) for _ in range(10)]
    assert all(bytes(part) == data for parts in got for part in parts)
    client.send(got[1][0])
    server.send(server.recv(copy=False))
    assert client.recv() == data
    tracker = frame.tracker
    del frame, got
    tracker.wait(5)


# -- loans ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 5, 33, 34, 5000, BIG])
def test_a_loan_is_filled_and_sent(pair, size):
    server, client = pair()
    data = fresh_bytes(size)
    with client.loan(size) as view:
        assert (view.nbytes, view.readonly, view.contiguous) == (size, False, True)
        view[:] = data
        assert server.poll(1) == 0
    assert server.recv() == data
    with client.loan(size, zmq.SNDMORE) as view:
        view[:] = data
    client.send(b"end")
    assert server.recv_multipart() == [data, b"end"]
    if size:
        with pytest.raises(ValueError, match="released"):
            view[0]


def test_a_loan_left_by_an_exception_sends_nothing(pair):
    server, client = pair()
    with contextlib.suppress(ZeroDivisionError), client.loan(BIG) as view:
        view[:] = bytes(BIG)
        raise ZeroDivisionError
    client.send(b"next")
    assert server.recv() == b"next"


def test_a_view_kept_after_the_loan_stays_valid(context):
    numpy = pytest.importorskip("numpy")
    server, client = connect_pair(context)
    with client.loan(BIG) as view:
        kept = numpy.frombuffer(view, dtype="u1")
        kept[:] = 7
        slice_kept = view[10:20]
    assert server.recv() == b"\7" * BIG
    client.close()
    gc.collect()
    assert kept.sum() == 7 * BIG
    assert bytes(slice_kept) == b"\7" * 10


def test_a_loan_is_used_once(context):
    socket = context.socket(zmq.PAIR)
    loan = socket.loan(10)
    with pytest.raises(RuntimeError):
        loan.__exit__(None, None, None)
    socket.sndtimeo = 0
    with pytest.raises(zmq.Again), loan as view:
        view[:] = b"0123456789"
    with pytest.raises(RuntimeError):
        loan.__enter__()
    with pytest.raises(RuntimeError):
        loan.__exit__(None, None, None)
    for size in (-1, 1 << 62):
        with pytest.raises((OverflowError, MemoryError)):
            socket.loan(size)
    with pytest.raises(zmq.SocketClosed), socket.loan(10) as view:
        socket.close()


def test_no_memory_for_a_copy_is_an_error():
    """A message that cannot be made must not be freed as if it had been."""
    run_program(
        """
        import mmap, pathlib, resource
        big = mmap.mmap(-1, 8 << 30, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x4000)
        used = int(pathlib.Path("/proc/self/statm").read_text().split()[0]) * 4096
        resource.setrlimit(resource.RLIMIT_AS, (used + (600 << 20),) * 2)
        socket = zmq.PAIR(bind="inproc://memory")
        for send in (lambda: socket.send(big), lambda: socket.send_multipart([b"x", big]),
                     lambda: zmq.Frame(big, copy=True), lambda: socket.loan(8 << 30)):
            try:
                send()
            except (zmq.ZMQError, MemoryError) as error:
                assert isinstance(error, MemoryError) or error.errno == 12, error
            else:
                raise AssertionError("it should not fit")
        peer = zmq.PAIR(connect="inproc://memory")
        peer.send(b"still alive")
        assert socket.recv() == b"still alive"
        """
    )


def test_a_process_may_end_with_memory_lent():
    for ending in ("", "os._exit(0)", "sys.exit(0)", "zmq.Context.instance().destroy(0)"):
        run_program(
            """
            class Data(bytearray):
                pass
            pull = zmq.PULL(bind="inproc://end", linger=0)
            push = zmq.PUSH(connect="inproc://end", linger=0)
            away = zmq.PUSH(connect="tcp://127.0.0.1:9", linger=0)
            trackers = [s.send(Data(100_000), copy=False, track=True) for s in (push, away)]
            for s in (push, away):
                s.send(bytes(100_000))
                s.send_multipart([b"x" * 5000, bytearray(100_000)], copy=False)
            frame = pull.recv(copy=False)
            loan = push.loan(1000)
            view = loan.__enter__()
            """
            + ending,
            env={"PYTHONWARNINGS": "ignore"},
        )
