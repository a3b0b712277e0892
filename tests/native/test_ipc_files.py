"""ipc: bind replaces a socket that was left behind, and no other file."""

from __future__ import annotations

import os
import socket as sockets
import sys

import pytest
from programs import program
from support import FACTOR, needs_patch

import zmqlite as zmq

LIMIT = int(10_000 * FACTOR)
pytestmark = pytest.mark.skipif(
    not zmq.has("ipc") or sys.platform == "win32", reason="needs ipc over files"
)


def exchange(context, server, endpoint: str) -> None:
    with context.socket(zmq.PUSH, linger=0, sndtimeo=LIMIT, connect=endpoint) as client:
        client.send(b"heard")
        assert server.recv() == b"heard"


@needs_patch("ipc-files")
@pytest.mark.parametrize("kind", ["file", "folder", "link to a file", "link to nothing", "fifo"])
def test_what_is_no_socket_is_not_replaced(context, tmp_path, kind: str) -> None:
    place, other = tmp_path / "place", tmp_path / "other"
    other.write_text("precious")
    if kind == "file":
        place.write_text("precious")
    elif kind == "folder":
        place.mkdir()
    elif kind == "fifo":
        os.mkfifo(place)
    else:
        place.symlink_to(other if kind == "link to a file" else tmp_path / "nothing")
    before = os.lstat(place)
    server = context.socket(zmq.PULL, rcvtimeo=LIMIT)
    with pytest.raises(zmq.AddressInUse, match="a file that is no socket"):
        server.bind(f"ipc://{place}")
    after = os.lstat(place)
    assert (after.st_ino, after.st_mode) == (before.st_ino, before.st_mode)
    assert other.read_text() == "precious"
    assert server.endpoints == ()
    exchange(context, server, server.bind(f"ipc://{tmp_path}/free"))


def test_a_socket_that_was_left_behind_is_replaced(context, tmp_path) -> None:
    place = tmp_path / "place"
    with sockets.socket(sockets.AF_UNIX) as old:
        old.bind(str(place))
    assert place.is_socket()  # its owner is gone, the name is not
    server = context.socket(zmq.PULL, rcvtimeo=LIMIT)
    exchange(context, server, server.bind(f"ipc://{place}"))


def test_a_socket_in_use_is_taken_over_as_ever(context, tmp_path) -> None:
    first, second = (context.socket(zmq.PULL, rcvtimeo=LIMIT) for _ in range(2))
    endpoint = first.bind(f"ipc://{tmp_path}/place")
    assert second.bind(endpoint) == endpoint
    exchange(context, second, endpoint)


@needs_patch("ipc-files")
@pytest.mark.skipif(sys.platform != "linux", reason="abstract names are Linux's")
def test_an_abstract_name_touches_no_file() -> None:
    program(
        """
        import tempfile
        with tempfile.TemporaryDirectory() as folder:
            os.chdir(folder)
            name = f"@zmqlite-{os.getpid()}"
            with open(name, "w") as file:
                file.write("precious")
            context = zmq.Context()
            pull = context.socket(zmq.PULL)
            pull.bind(f"ipc://{name}")
            with open(name) as file:
                assert file.read() == "precious"
            context.destroy(0)
            os.chdir("/")
        """
    )


@needs_patch("ipc-files")
def test_a_path_that_is_too_long_removes_nothing(tmp_path) -> None:
    """Past the check of the facade."""
    program(
        """
        folder = sys.argv[1]
        os.chdir(folder)
        name = "x" * 150
        with socket.socket(socket.AF_UNIX) as old:
            old.bind("short")
        os.rename("short", name)
        context = zmq.Context()
        pull = context.socket(zmq.PULL)
        refused(lambda: pull._bind(f"ipc://{name}"))
        assert os.path.exists(name)
        context.destroy(0)
        """,
        tmp_path,
    )


@needs_patch("ipc-accept")
@pytest.mark.skipif(sys.platform != "linux", reason="needs Linux's limits")
def test_no_descriptor_for_a_peer_that_comes() -> None:
    """Whoever may connect must not be able to end the process."""
    program(
        """
        import errno, resource, tempfile
        with tempfile.TemporaryDirectory() as folder:
            context = zmq.Context()
            server = context.socket(zmq.PULL, rcvtimeo=20000)
            endpoint = server.bind(f"ipc://{folder}/socket")
            reports = server.get_monitor_socket(zmq.EVENT_ACCEPT_FAILED)
            reports.rcvtimeo = 20000
            strangers = [socket.socket(socket.AF_UNIX) for _ in range(3)]
            client = context.socket(zmq.PUSH, linger=0)
            taken = []
            limit = len(os.listdir("/proc/self/fd")) + 2
            hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
            resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
            try:
                while True:
                    taken.append(os.dup(0))
            except OSError:
                pass
            for stranger in strangers:
                stranger.connect(f"{folder}/socket")  # it waits to be accepted
            assert zmq.recv_monitor_message(reports)["value"] == errno.EMFILE
            server.disable_monitor()
            for fd in taken:
                os.close(fd)
            for stranger in strangers:
                stranger.close()
            client.connect(endpoint)
            client.send(b"heard")
            assert server.recv() == b"heard"
            context.destroy(0)
        """
    )
