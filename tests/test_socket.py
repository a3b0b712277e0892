"""Socket: endpoints, waiting, life, other handles; threads and processes that use it."""

from __future__ import annotations

import copy
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest
from support import FACTOR, binds, connect_pair, in_thread, wait_inside, wait_until

import zmqlite as zmq
from zmqlite import _build
from zmqlite._native import core


class TestEndpoints:
    def test_bind_returns_where_it_went(self, context: Any, endpoint: str) -> None:
        socket = context.socket(zmq.PULL)
        bound = socket.bind(endpoint)
        assert "*" not in bound
        assert isinstance(bound, str)
        assert socket.endpoints == (bound,)
        assert socket.last_endpoint.decode() == bound
        client = context.socket(zmq.PUSH, connect=bound)
        client.send(b"x")
        assert socket.recv() == b"x"

    def test_last_endpoint_can_be_connected_as_it_is(self, context: Any) -> None:
        server = context.socket(zmq.PULL, bind="tcp://127.0.0.1:*")
        context.socket(zmq.PUSH, connect=server.last_endpoint).send(b"x")
        assert server.recv() == b"x"

    def test_lists(self, context: Any) -> None:
        server = context.socket(zmq.PULL)
        bound = server.bind(["tcp://127.0.0.1:*", "inproc://list"])
        assert len(set(bound)) == 2
        client = context.socket(zmq.PUSH)
        assert client.connect(iter(bound)) == bound

    def test_leaving_a_with_unbinds(self, context: Any) -> None:
        one, two = context.socket(zmq.PULL), context.socket(zmq.PULL)
        with one.bind("tcp://127.0.0.1:*") as socket:
            assert socket is one
            (address,) = one.endpoints
            with pytest.raises(zmq.AddressInUse):
                two.bind(address)
        assert one.endpoints == ()
        wait_until(lambda: binds(two, address), what="the port")

    def test_leaving_a_with_disconnects(self, context: Any) -> None:
        one = context.socket(zmq.PUSH)
        with one.connect("tcp://127.0.0.1:5555"):
            assert one.endpoints == ("tcp://127.0.0.1:5555",)
        assert one.endpoints == ()

    def test_leaving_a_with_after_close_is_fine(self, context: Any) -> None:
        with context.socket(zmq.PULL).bind("inproc://closed") as socket:
            socket.close()

    @pytest.mark.parametrize("given", [True, False])
    def test_unbind_takes_what_bind_took_or_gave(
        self, context: Any, endpoint: str, given: bool
    ) -> None:
        socket = context.socket(zmq.PULL)
        bound = socket.bind(endpoint)
        socket.unbind(endpoint if given else bound)
        assert socket.endpoints == ()
        with pytest.raises(zmq.AddressNotFound):
            socket.unbind(bound)

    def test_every_interface(self, context: Any) -> None:
        socket = context.socket(zmq.PULL)
        bound = socket.bind("tcp://*:*")
        port = bound.rpartition(":")[2]
        context.socket(zmq.PUSH, connect=f"tcp://127.0.0.1:{port}").send(b"x")
        assert socket.recv() == b"x"
        socket.unbind("tcp://*:*")

    def test_disconnect(self, context: Any) -> None:
        socket = context.socket(zmq.PUSH)
        socket.connect("tcp://localhost:5555")
        socket.disconnect("tcp://localhost:5555")
        assert socket.endpoints == ()
        with pytest.raises(zmq.AddressNotFound):
            socket.disconnect("tcp://localhost:5555")

    @pytest.mark.parametrize("wrong", [5, None, 1.5])
    def test_addresses_are_text(self, context: Any, wrong: Any) -> None:
        for call in ("bind", "connect", "unbind", "disconnect"):
            with pytest.raises(TypeError):
                getattr(context.socket(zmq.PULL), call)(wrong)

    @pytest.mark.parametrize(
        ("address", "advice"),
        [
            ("in-proc://x", "inproc://x"),
            ("tcp://127.0.0.1:99999", "1 to 65535"),
            ("tcp://localhost", "port is missing"),
            ("127.0.0.1:5555", "tcp://127.0.0.1:5555"),
            ("ipc:///no/such/directory/x", "/no/such/directory must exist"),
        ],
    )
    def test_mistakes_are_named(self, context: Any, address: str, advice: str) -> None:
        with pytest.raises(zmq.ZMQError, match=advice) as caught:
            context.socket(zmq.REP).bind(address)
        assert "REP socket" in str(caught.value)
        assert address in str(caught.value)

    def test_address_in_use(self, context: Any) -> None:
        bound = context.socket(zmq.REP).bind("tcp://127.0.0.1:*")
        with pytest.raises(zmq.AddressInUse) as caught:
            context.socket(zmq.REP).bind(bound)
        assert caught.value.errno == zmq.EADDRINUSE
        assert isinstance(caught.value, OSError)

    def test_failure_leaves_the_socket_usable(self, context: Any) -> None:
        socket = context.socket(zmq.REP)
        with pytest.raises(zmq.ZMQError):
            socket.bind("tcp://999.1.2.3.4:5")
        socket.bind("tcp://127.0.0.1:*")
        assert len(socket.endpoints) == 1


@pytest.mark.skipif(not zmq.DRAFT_API, reason="built without drafts")
class TestConnectPeer:
    def test_returns_the_routing_id(self, context: Any) -> None:
        server = context.socket(zmq.PEER, rcvtimeo=int(5000 * FACTOR))
        client = context.socket(zmq.PEER)
        peer = client.connect_peer(server.bind("tcp://127.0.0.1:*"))
        assert client.endpoints == server.endpoints
        client.send(b"x", routing_id=peer)
        assert server.recv() == b"x"

    def test_mistakes(self, context: Any) -> None:
        with pytest.raises(zmq.InvalidArgument, match="port is missing"):
            context.socket(zmq.PEER).connect_peer("tcp://localhost")
        with pytest.raises(zmq.NotSupported):
            context.socket(zmq.REQ).connect_peer("inproc://x")


class TestRandomPort:
    def test_of_the_system(self, context: Any) -> None:
        socket = context.socket(zmq.PULL)
        port = socket.bind_to_random_port("tcp://127.0.0.1")
        assert socket.endpoints == (f"tcp://127.0.0.1:{port}",)

    def test_of_a_range(self, context: Any) -> None:
        port = context.socket(zmq.PULL).bind_to_random_port("tcp://127.0.0.1", 20000, 40000)
        assert 20000 <= port < 40000

    def test_when_all_are_taken(self, context: Any) -> None:
        port = context.socket(zmq.PULL).bind_to_random_port("tcp://127.0.0.1")
        with pytest.raises(zmq.ZMQBindError, match="5 tries"):
            context.socket(zmq.PULL).bind_to_random_port("tcp://127.0.0.1", port, port + 1, 5)

    def test_other_errors_are_not_tried_again(self, context: Any) -> None:
        with pytest.raises(zmq.ZMQError) as caught:
            context.socket(zmq.PULL).bind_to_random_port("tcp//127.0.0.1", 20000, 20001)
        assert caught.value.errno != zmq.EADDRINUSE


class TestWaiting:
    def test_poll(self, pair: Any) -> None:
        one, two = pair()
        assert two.poll(0) == 0
        assert two.poll(10) == 0
        one.send(b"x")
        assert two.poll(5000 * FACTOR) == zmq.POLLIN
        assert two.poll(None) == zmq.POLLIN
        assert two.poll(0, zmq.POLLIN | zmq.POLLOUT) == zmq.POLLIN | zmq.POLLOUT
        assert type(two.poll(0)) is int
        assert two.recv() == b"x"

    def test_readable_and_writable(self, context: Any) -> None:
        one, two = connect_pair(context, "inproc://ready", zmq.PULL, zmq.PUSH)
        assert not one.readable()
        assert not one.writable()
        assert two.writable()
        two.send(b"x")
        assert one.readable()
        assert not context.socket(zmq.PUSH).writable()

    def test_fileno(self, context: Any) -> None:
        socket = context.socket(zmq.PAIR)
        assert socket.fileno() == socket.fd == socket.get(zmq.FD) >= 0

    def test_closed(self, context: Any) -> None:
        socket = context.socket(zmq.PAIR)
        socket.close()
        with pytest.raises(zmq.NotSupported) as caught:
            socket.poll(0)
        assert caught.value.errno == zmq.ENOTSUP

    def test_iteration_ends_when_the_context_does(self, context: Any) -> None:
        one, two = connect_pair(context, "inproc://loop")
        one.send(b"1")
        one.send_multipart([b"2", b"3"])
        seen = []
        for part in two:
            seen.append(part)
            if part == b"3":
                context.shutdown()
        assert seen == [b"1", b"2", b"3"]


class TestLife:
    def test_with_closes(self, context: Any) -> None:
        with context.socket(zmq.REQ) as socket:
            assert not socket.closed
        assert socket.closed
        socket.close()

    def test_context_is_the_one_it_came_from(self, context: Any) -> None:
        socket = context.socket(zmq.REQ)
        assert socket.context is context
        assert socket in context.sockets()

    def test_direct(self, context: Any) -> None:
        with zmq.Socket(context, zmq.PUSH, copy_threshold=0) as socket:
            assert socket.type is zmq.PUSH
            assert socket.socket_type is zmq.PUSH
            assert socket.copy_threshold == 0

    def test_generic(self, context: Any) -> None:
        with zmq.Socket[bytes](context, zmq.PUSH) as socket:
            assert isinstance(socket, zmq.SyncSocket)

    def test_identity_and_hash(self, context: Any) -> None:
        one, two = context.socket(zmq.REQ), context.socket(zmq.REQ)
        assert one != two
        assert {one: 1, two: 2}[one] == 1

    def test_repr(self, context: Any) -> None:
        socket = context.socket(zmq.PUSH)
        assert repr(socket).startswith("<zmqlite.Socket(zmq.PUSH) at 0x")
        socket.close()
        assert repr(socket).endswith(" closed>")

    def test_repr_shows_endpoints(self, context: Any) -> None:
        socket = context.socket(zmq.PAIR)
        endpoint = socket.bind("tcp://127.0.0.1:*")
        socket.connect("inproc://other")
        assert f"<zmqlite.Socket(zmq.PAIR) {endpoint}, inproc://other at 0x" in repr(socket)
        socket.unbind(endpoint)
        assert "(zmq.PAIR) inproc://other at" in repr(socket)
        for number in range(5):
            socket.connect(f"inproc://{number}")
        assert "inproc://0, inproc://1, ... at" in repr(socket)
        bare = core.Socket(context, 0)
        bare._connect("inproc://bare")
        assert "inproc://bare at" in repr(bare)
        bare.close()
        assert "(zmq" in repr(zmq.Socket.__new__(zmq.Socket))  # one that is not made yet

    def test_dir_shows_what_is_meant_for_use(self, context: Any) -> None:
        socket = context.socket(zmq.PAIR)
        assert {"bind", "send", "linger", "LINGER", "poll", "endpoints", "__repr__"} <= set(
            dir(socket)
        )
        inner = {"bind_raw", "connect_raw", "unbind_raw", "disconnect_raw", "monitor_raw"}
        inner |= {"type_number", "get_option", "set_option", "poll_events", "shadowed"}
        assert not inner & {*dir(socket), *dir(zmq.Socket)}

    def test_uses_after_close(self, context: Any) -> None:
        socket = context.socket(zmq.REQ)
        socket.close()
        assert socket.type is zmq.REQ
        for use in (
            lambda: socket.send(b""),
            lambda: socket.recv(),
            lambda: socket.linger,
            lambda: setattr(socket, "linger", 1),
            lambda: socket.bind("inproc://x"),
            lambda: socket.connect("inproc://x"),
            lambda: socket.fileno(),
            lambda: socket.get_monitor_socket(),
        ):
            with pytest.raises(zmq.SocketClosed) as caught:
                use()
            assert caught.value.errno == zmq.ENOTSOCK

    def test_unclosed_socket_warns(self, make_context: Any) -> None:
        context = make_context()
        with pytest.warns(ResourceWarning, match="unclosed socket"):
            zmq.Socket(context, zmq.PUSH)

    @pytest.mark.parametrize("make", [copy.copy, copy.deepcopy, zmq.Socket, zmq.Socket.shadow])
    def test_shadow_uses_the_socket_and_does_not_close_it(self, context: Any, make: Any) -> None:
        one, two = connect_pair(context)
        shadow = make(one)
        assert shadow.underlying == one.underlying
        assert shadow.type is zmq.PAIR
        shadow.send(b"x")
        assert two.recv() == b"x"
        shadow.close()
        assert not one.closed
        one.send(b"y")
        assert two.recv() == b"y"

    def test_shadow_of_an_address(self, context: Any) -> None:
        one, two = connect_pair(context)
        shadow = zmq.Socket.shadow(one.underlying)
        shadow.send(b"x")
        assert two.recv() == b"x"

    def test_no_shadow_of_what_is_no_open_socket(self, context: Any) -> None:
        socket = context.socket(zmq.PAIR)
        address = socket.underlying
        second = zmq.Socket.shadow(zmq.Socket.shadow(socket).underlying)  # of a shadow: why not
        second.close()
        socket.close()
        # others may have sockets in a shared libzmq, which has to read what is there
        alone = not _build.LIBZMQ_SOURCE.startswith("system")
        for wrong in (context.underlying, *(address, 4096, 1) * alone):
            with pytest.raises(zmq.SocketClosed, match=f"shadow on Socket.*{wrong:#x}"):
                zmq.Socket.shadow(wrong)


class TestStates:
    def test_req_out_of_turn(self, pair: Any) -> None:
        rep, req = pair(zmq.REP, zmq.REQ)
        with pytest.raises(zmq.StateError, match="send first"):
            req.recv()
        req.send(b"1")
        with pytest.raises(zmq.StateError, match="recv first"):
            req.send(b"2")
        assert rep.recv() == b"1"
        rep.send(b"answer")
        assert req.recv() == b"answer"

    def test_rep_out_of_turn(self, context: Any) -> None:
        with pytest.raises(zmq.StateError, match="recv first"):
            context.socket(zmq.REP).send(b"")

    @pytest.mark.parametrize("kind", [zmq.PULL, zmq.SUB])
    def test_receivers_do_not_send(self, context: Any, kind: int) -> None:
        with pytest.raises(zmq.NotSupported, match="only receives"):
            context.socket(kind).send(b"")

    @pytest.mark.parametrize("kind", [zmq.PUSH, zmq.PUB])
    def test_senders_do_not_receive(self, context: Any, kind: int) -> None:
        with pytest.raises(zmq.NotSupported, match="only sends"):
            context.socket(kind).recv()

    def test_unknown_peer(self, context: Any) -> None:
        router = context.socket(zmq.ROUTER, router_mandatory=True)
        with pytest.raises(zmq.HostUnreachable) as caught:
            router.send_multipart([b"nobody", b"x"])
        assert isinstance(caught.value, ConnectionError)


class TestThreads:
    def test_handing_a_socket_over(self, pair: Any) -> None:
        one, two = pair()
        one.send(b"x")
        assert in_thread(two.recv)() == b"x"
        two.send(b"y")
        assert one.recv() == b"y"

    def test_sharing_a_socket_is_refused(self, context: Any) -> None:
        one, two = connect_pair(context, "inproc://shared")
        received = in_thread(two.recv)
        wait_inside(two)
        with pytest.raises(zmq.ThreadMisuse):
            two.recv(zmq.NOBLOCK)
        with pytest.raises(zmq.ThreadMisuse, match="test-recv"):
            two.close()
        one.send(b"x")
        assert received() == b"x"

    def test_work_spread_over_threads(self, context: Any, endpoint: str) -> None:
        source = context.socket(zmq.PUSH)
        sink = context.socket(zmq.PULL, rcvtimeo=int(5000 * FACTOR))
        tasks, results = source.bind(endpoint), sink.bind(endpoint.replace("name", "sink"))

        def work() -> int:
            done = 0
            with (
                context.socket(zmq.PULL, connect=tasks) as inbox,
                context.socket(zmq.PUSH, connect=results, linger=0) as outbox,
            ):
                outbox.send(b"ready")
                for task in inbox:
                    outbox.send(task)
                    done += 1
            return done

        workers = [in_thread(work) for _ in range(3)]
        assert [sink.recv() for _ in workers] == [b"ready"] * 3
        sent = {b"%d" % n for n in range(300)}
        source.send_many(sent)
        assert {sink.recv() for _ in sent} == sent
        context.shutdown()
        assert sum(worker() for worker in workers) == 300


class TestProcesses:
    @pytest.mark.parametrize("endpoint", ["tcp", "ipc"], indirect=True)
    def test_request_and_reply(self, context: Any, endpoint: str) -> None:
        server = context.socket(zmq.REP, rcvtimeo=int(20000 * FACTOR), linger=1000)
        client = _python(
            """
            import sys
            import zmqlite as zmq
            with zmq.Context() as context, context.socket(zmq.REQ, connect=sys.argv[1]) as req:
                for n in range(100):
                    req.send_string(str(n))
                    assert req.recv_json() == n * n, n
            print("done")
            """,
            server.bind(endpoint),
        )
        for n in range(100):
            assert server.recv_string() == str(n)
            server.send_json(n * n)
        assert client.communicate(timeout=20 * FACTOR) == ("done\n", "")
        assert client.returncode == 0

    def test_program_that_ends_without_closing_still_sends(self, context: Any) -> None:
        sink = context.socket(zmq.PULL, rcvtimeo=int(20000 * FACTOR))
        client = _python(
            """
            import sys
            import zmqlite as zmq
            push = zmq.PUSH(connect=sys.argv[1])
            push.send(b"last words")
            """,
            sink.bind("tcp://127.0.0.1:*"),
        )
        assert sink.recv() == b"last words"
        assert client.communicate(timeout=20 * FACTOR) == ("", "")


def _python(program: str, *args: str) -> subprocess.Popen[str]:
    home = str(Path(zmq.__file__).parent.parent)
    path = os.pathsep.join(filter(None, [home, os.environ.get("PYTHONPATH", "")]))
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program), *args],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
    )
