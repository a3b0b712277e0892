"""bind, connect and their undoing: what they return, and what errors say."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import pytest
from pyzmq.conftest import joined


@pytest.fixture
def pull(ctx: Any, zmq: Any) -> Any:
    return ctx.socket(zmq.PULL)


def test_bind_and_connect_are_context_managers(ctx: Any, zmq: Any, pull: Any) -> None:
    push = ctx.socket(zmq.PUSH)
    with pull.bind("tcp://127.0.0.1:*") as bound:
        assert bound is pull
        addr = pull.last_endpoint.decode()
        with push.connect(addr) as connected:
            assert connected is push
        with pytest.raises(zmq.ZMQError):
            push.disconnect(addr)
    with pytest.raises(zmq.ZMQError):
        pull.unbind(addr)


def test_leaving_a_closed_socket_is_no_error(pull: Any) -> None:
    with pull.bind("inproc://here"):
        pull.close()


@pytest.mark.parametrize("wildcard", ["tcp://127.0.0.1:*", "tcp://127.0.0.1:0"])
def test_unbind_after_a_wildcard(pull: Any, zmq: Any, wildcard: str) -> None:
    with pull.bind(wildcard):
        addr = pull.last_endpoint.decode()
    with pytest.raises(zmq.ZMQError):
        pull.unbind(addr)
    pull.bind(wildcard)
    pull.unbind(pull.last_endpoint.decode())


def test_errors_name_the_address(pull: Any, ctx: Any, zmq: Any) -> None:
    port = pull.bind_to_random_port("tcp://127.0.0.1")
    addr = f"tcp://127.0.0.1:{port}"
    other = ctx.socket(zmq.PULL)
    with pytest.raises(zmq.ZMQError, match=r"127\.0\.0\.1") as caught:
        other.bind(addr)
    assert caught.value.errno == errno.EADDRINUSE
    assert addr in str(caught.value)
    with pytest.raises(zmq.ZMQError) as caught:
        other.connect("nonsense://x")
    assert caught.value.errno in (errno.EPROTONOSUPPORT, zmq.EINVAL)
    assert "nonsense://x" in str(caught.value)


@pytest.mark.parametrize("addr", [5, None])
def test_an_address_is_text(pull: Any, addr: Any) -> None:
    for call in (pull.bind, pull.connect):
        with pytest.raises(TypeError):
            call(addr)


def test_bytes_are_an_address_too(pull: Any) -> None:
    pull.bind(b"inproc://here")
    assert pull.last_endpoint == b"inproc://here"


def test_a_path_that_is_too_long_is_explained(pull: Any, zmq: Any, tmp_path: Path) -> None:
    addr = f"ipc://{tmp_path}/" + "a" * zmq.IPC_PATH_MAX_LEN
    with pytest.raises(zmq.ZMQError, match=str(zmq.IPC_PATH_MAX_LEN)) as caught:
        pull.bind(addr)
    assert caught.value.errno == errno.ENAMETOOLONG


def test_a_missing_folder_is_explained(pull: Any, zmq: Any, tmp_path: Path) -> None:
    with pytest.raises(zmq.ZMQError, match=r"missing-folder") as caught:
        pull.bind(f"ipc://{tmp_path}/missing-folder/socket")
    assert caught.value.errno == errno.ENOENT


def test_random_ports(ctx: Any, zmq: Any, pull: Any) -> None:
    port = pull.bind_to_random_port("tcp://127.0.0.1")
    assert pull.last_endpoint == f"tcp://127.0.0.1:{port}".encode()
    chosen = ctx.socket(zmq.PULL).bind_to_random_port("tcp://127.0.0.1", 20000, 60000, 50)
    assert 20000 <= chosen < 60000
    with pytest.raises(zmq.ZMQBindError):
        ctx.socket(zmq.PULL).bind_to_random_port("tcp://127.0.0.1", port, port + 1, 3)


def test_messages_pass_over_ipc(ctx: Any, zmq: Any, tmp_path: Path) -> None:
    one, other = joined(ctx, zmq.PUSH, zmq.PULL, f"ipc://{tmp_path}/socket")
    one.send(b"a")
    assert other.recv() == b"a"
    assert (tmp_path / "socket").exists()


def test_inproc_connects_before_it_binds(ctx: Any, zmq: Any) -> None:
    push, pull = ctx.socket(zmq.PUSH), ctx.socket(zmq.PULL)
    push.connect("inproc://later")
    pull.bind("inproc://later")
    push.send(b"a")
    assert pull.recv() == b"a"
