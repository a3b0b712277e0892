"""A gate that is served: by a thread, tasks of asyncio and trio, greenlets."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support import FACTOR, needs_curve, needs_patch, wait_until

import zmqlite as zmq
from zmqlite.auth import Decision, Gate, Verdict
from zmqlite.certs import create_certificates, load_certificate
from zmqlite.security import service as gate_service

LIMIT = int(15_000 * FACTOR)
SHORT = 0.3 * FACTOR
"""For checks that never end."""
FAIR = max(1, 0.3 * FACTOR)
"""For those beside which another check must be in time."""

pytestmark = needs_patch("known-peers")


class Slow(Gate):
    """Lets in everybody; holds up who has a name that says so."""

    def __init__(self) -> None:
        super().__init__()
        self.released = threading.Event()

    def check_plain(self, domain: str, username: str, password: str) -> Verdict:
        if username == "dead":
            self.released.wait(LIMIT / 1000)
        if username == "raises":
            raise RuntimeError("the database is gone")
        return Verdict(True, user_id=username)


@pytest.fixture
def gate() -> Iterator[Slow]:
    gate = Slow()
    yield gate
    gate.released.set()


def server_of(context: Any, patience: int = int(2000 * FACTOR)) -> tuple[Any, str]:
    # a client that was told "not now" hears nothing until the handshake is over
    server = context.socket(
        zmq.PULL, plain_server=1, rcvtimeo=LIMIT, linger=0, handshake_ivl=patience
    )
    return server, str(server.bind("tcp://127.0.0.1:*"))


def client_of(context: Any, address: str, name: str, password: str = "-") -> Any:
    return context.socket(
        zmq.PUSH, plain_username=name, plain_password=password, connect=address, linger=0
    )


# -- a thread ------------------------------------------------------------------------------------


def test_a_thread_lets_in_and_refuses(context: Any) -> None:
    gate = Gate()
    gate.plain({"alice": "wonderland"})
    heard: list[Decision] = []
    gate.report = heard.append
    with gate.serve(context) as service:
        assert service.serving
        server, address = server_of(context)
        client_of(context, address, "alice", "wonderland").send(b"hello")
        frame = server.recv(copy=False)
        assert (frame["User-Id"], bytes(frame)) == ("alice", b"hello")
        stranger = client_of(context, address, "mallory", "guess")
        wait_until(lambda: gate.refused, what="the refusal")
        (refused,) = gate.refused
        assert refused.claim == "mallory"
        assert "guess" not in repr(refused)
        assert str(refused) == (
            "PLAIN mallory 127.0.0.1 refused (400): Invalid username or password"
        )
        wait_until(lambda: len(heard) == 2, what="both reports")
        assert [one.allowed for one in heard] == [True, False]
        wait_until(lambda: stranger.past_peers, what="the client to hear of it")
        server.close()
    assert not service.serving
    with gate.serve(context):  # once more
        pass


def test_a_check_that_is_slow_dead_or_raises_holds_up_nobody(context: Any, gate: Slow) -> None:
    with gate.serve(context, limit=FAIR):
        server, address = server_of(context)
        held = [client_of(context, address, "dead") for _ in range(5)]
        held.append(client_of(context, address, "raises"))
        client_of(context, address, "alice").send(b"hello")
        assert server.recv() == b"hello"
        wait_until(lambda: len({one.status for one in gate.refused}) == 2, what="both refusals")
        reasons = {one.claim: one.reason for one in gate.refused}
        assert reasons["dead"] == f"the check took longer than {FAIR:g} s"
        assert reasons["raises"] == "Internal error"
        assert len(server.peers) == 1
        gate.released.set()  # the clients try again, and come in
        assert server.wait_peers(1 + 5, timeout=LIMIT) == 1 + 5
        for one in held:
            one.close()
        server.close()


def test_a_late_check_is_told_once(context: Any, gate: Slow) -> None:
    told: list[tuple[str, int]] = []
    gate.report = lambda one: told.append((one.claim, one.status))
    service: Any = gate.serve(context, limit=SHORT)
    with service:
        server, address = server_of(context, patience=0)
        held = client_of(context, address, "dead")
        wait_until(lambda: told, what="the refusal")
        gate.released.set()
        wait_until(lambda: service._under_way == 0, what="the late answer to be dropped")
        assert told == [("dead", 300)]
        held.close()
        server.close()


def test_a_check_that_ends_its_thread_is_answered_and_counted_out(context: Any) -> None:
    class Leaves(Gate):
        def check_plain(self, domain: str, username: str, password: str) -> Verdict:
            if username != "alice":
                raise SystemExit(username)
            return Verdict(True)

    gate = Leaves()
    service: Any = gate.serve(context)
    with service:
        server, address = server_of(context)
        held = client_of(context, address, "mallory\n\x1b[2J")
        wait_until(lambda: gate.refused, what="the refusal")
        assert service._under_way == 0
        assert str(gate.refused[0]).startswith(r"PLAIN mallory\n\x1b[2J 127.0.0.1 refused (500)")
        friend = client_of(context, address, "alice")
        friend.send(b"hello")
        assert server.recv() == b"hello"
        for one in (held, friend, server):
            one.close()


@pytest.mark.parametrize("broken", ["socketpair", "thread"])
def test_a_start_that_fails_frees_the_name(
    context: Any, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    def fail(*args: Any, **kwargs: Any) -> Any:
        raise OSError(24, "on purpose")

    with monkeypatch.context() as patch:
        if broken == "socketpair":
            patch.setattr("socket.socketpair", fail)
        else:
            patch.setattr(threading.Thread, "start", fail)
        service = Gate().serve(context)
        with pytest.raises(OSError, match="on purpose"):
            service.__enter__()
        assert not service.serving
    with Gate().serve(context) as again:
        assert again.serving


def test_a_coroutine_for_addresses_lets_in_nobody_without_a_loop(context: Any) -> None:
    gate = AddressGate()
    with gate.serve(context):
        server, address = server_of(context)
        client = client_of(context, address, "alice")
        wait_until(lambda: gate.refused, what="the refusal")
        assert gate.refused[0].reason.startswith("the check is a coroutine")
        client.close()
        server.close()


class AddressGate(Gate):
    """Refuses each address, as a coroutine does."""

    async def check_address(self, address: str) -> Verdict:  # type: ignore[override]
        return Verdict(False, "not from there")


def test_many_at_once(context: Any, gate: Slow) -> None:
    count = 60
    with gate.serve(context, limit=60 * FACTOR):
        server, address = server_of(context, patience=0)
        held = [client_of(context, address, "dead") for _ in range(count)]
        client_of(context, address, "alice").send(b"hello")
        assert server.recv() == b"hello"
        gate.released.set()
        assert server.wait_peers(count + 1, timeout=LIMIT) == count + 1
        for one in held:
            one.close()
        server.close()


def test_one_gate_a_context(context: Any) -> None:
    with Gate().serve(context), pytest.raises(zmq.AddressInUse, match="has a gate already"):
        Gate().serve(context).__enter__()


def test_a_context_that_ends_first(make_context: Any) -> None:
    context = make_context()
    service = Gate().serve(context)
    with service:
        context.destroy()
        wait_until(lambda: not service.serving, what="the service to end")


def test_a_report_that_raises_is_logged(context: Any, caplog: pytest.LogCaptureFixture) -> None:
    gate = Gate()
    gate.plain({"alice": "w"})
    gate.report = lambda decision: 1 / 0
    with gate.serve(context):
        server, address = server_of(context)
        client_of(context, address, "alice", "w").send(b"hello")
        assert server.recv() == b"hello"
        server.close()
    assert "the report of a decision failed" in caplog.text


def test_a_lasting_error_of_the_thread_is_logged_once(
    context: Any, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And again after something has worked; the thread goes on all the while."""
    monkeypatch.setattr(gate_service, "_REST", 0.0001)
    errors: Iterator[Any] = iter([OSError, OSError, KeyError, OSError, KeyError, None, OSError])
    works = threading.Event()

    def turn(*_: object) -> None:
        error = next(errors, works)
        if error is works:
            works.set()
            service._stop.wait(LIMIT / 1000)
        elif error is not None:
            raise error

    service: Any = Gate().serve(context)
    monkeypatch.setattr(service, "_turn", turn)
    with service:
        assert works.wait(LIMIT / 1000)
    logged = [one.exc_info[0] for one in caplog.records if one.exc_info]
    assert logged == [OSError, KeyError, OSError]


def test_the_rest_after_errors_grows() -> None:
    setbacks = gate_service.Setbacks()
    rests = [setbacks.next_rest() for _ in range(9)]
    assert rests == [0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 3.2, 3.2]
    setbacks.clear()
    assert setbacks.next_rest() == 0.05


def test_wrong_uses(context: Any) -> None:
    with pytest.raises(ValueError, match="limit"):
        Gate().serve(context, limit=0)

    async def awaited() -> None:
        async with Gate().serve(context):
            pass

    with pytest.raises(TypeError, match="a context of the loop"):
        asyncio.run(awaited())


# -- key folders ---------------------------------------------------------------------------------


@needs_curve
def test_a_folder_of_keys_is_read_again(context: Any, tmp_path: Path) -> None:
    folder, elsewhere = tmp_path / "clients", tmp_path / "own"
    folder.mkdir()
    elsewhere.mkdir()
    create_certificates(elsewhere, "bob")
    public, secret = load_certificate(elsewhere / "bob.key_secret")
    server_public, server_secret = zmq.curve_keypair()
    gate = Gate()
    gate.curve(folder)
    with gate.serve(context):
        server = context.socket(zmq.PULL, curve_server=1, curve_secretkey=server_secret, linger=0)
        address = server.bind("tcp://127.0.0.1:*")

        def knock() -> Any:
            return context.socket(
                zmq.PUSH,
                curve_serverkey=server_public,
                curve_publickey=public,
                curve_secretkey=secret,
                connect=address,
                linger=0,
            )

        stranger = knock()
        wait_until(lambda: gate.refused, what="the refusal")
        assert gate.refused[-1].claim == public.decode()
        (folder / "broken.key").write_text("no key")
        (folder / "bob.key").write_bytes((elsewhere / "bob.key").read_bytes())
        wait_until(lambda: gate._keys["*"]("", public) or None, what="the new key to be read")
        friend = knock()
        assert server.wait_peers(1, timeout=LIMIT) == 1
        (folder / "bob.key").unlink()
        wait_until(lambda: not gate._keys["*"]("", public), what="the key to be forgotten")
        late = knock()
        wait_until(lambda: len(gate.refused) > 1, what="the second refusal")
        assert len(server.peers) == 1, "who is in stays in"
        for socket in (stranger, friend, late, server):
            socket.close()


def test_a_folder_that_is_missing_lets_in_nobody(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    gate = Gate()
    gate.curve(str(tmp_path / "missing"))
    assert "nobody comes in" in caplog.text
    assert not gate._keys["*"]("", zmq.curve_keypair()[0])


# -- loops ---------------------------------------------------------------------------------------


class Awaited(Gate):
    """The checks of `Slow` as coroutines."""

    def __init__(self, sleep: Any) -> None:
        super().__init__()
        self.sleep, self.cancelled = sleep, 0

    async def _judge(self, username: str) -> Verdict:
        if username == "dead":
            try:
                await self.sleep(LIMIT)
            except BaseException:
                self.cancelled += 1
                raise
        if username == "raises":
            raise RuntimeError("the database is gone")
        await self.sleep(0.001)
        return Verdict(True, user_id=username)

    def check_plain(self, domain: str, username: str, password: str) -> Any:
        return self._judge(username)


async def scene(module: Any, sleep: Any) -> None:
    gate = Awaited(sleep)
    async with module.Context() as context, gate.serve(context, limit=FAIR) as service:
        assert service.serving
        server, address = server_of(context)
        held = [client_of(context, address, name) for name in ("dead", "dead", "raises")]
        friend = client_of(context, address, "alice")
        await friend.send(b"hello")
        frame = await server.recv(copy=False)
        assert frame["User-Id"] == "alice"
        end = time.monotonic() + LIMIT / 1000
        while len(gate.refused) < 3 or not gate.cancelled:
            assert time.monotonic() < end
            await sleep(0.01)
        assert {one.claim: one.status for one in gate.refused} == {"dead": 300, "raises": 500}
        for socket in (*held, friend, server):
            socket.close()
    assert not service.serving


def test_asyncio() -> None:
    import zmqlite.asyncio as azmq

    asyncio.run(asyncio.wait_for(scene(azmq, asyncio.sleep), LIMIT / 1000))


def test_trio() -> None:
    trio = pytest.importorskip("trio")
    import zmqlite.trio as tzmq

    trio.run(scene, tzmq, trio.sleep)


async def refused_by_address(module: Any, sleep: Any) -> None:
    gate = AddressGate()
    gate.plain({"alice": "-"})
    async with module.Context() as context, gate.serve(context):
        server, address = server_of(context)
        client = client_of(context, address, "alice")
        end = time.monotonic() + LIMIT / 1000
        while not gate.refused:
            assert time.monotonic() < end
            await sleep(0.01)
        assert gate.refused[0].reason == "not from there"
        client.close()
        server.close()


def test_a_coroutine_judges_addresses_in_asyncio() -> None:
    import zmqlite.asyncio as azmq

    asyncio.run(refused_by_address(azmq, asyncio.sleep))


def test_a_coroutine_judges_addresses_in_trio() -> None:
    trio = pytest.importorskip("trio")
    import zmqlite.trio as tzmq

    trio.run(refused_by_address, tzmq, trio.sleep)


def test_a_task_that_is_cancelled_while_it_leaves_ends_as_cancelled() -> None:
    import zmqlite.asyncio as azmq

    async def main() -> None:
        async with azmq.Context() as context:
            leaving = asyncio.Event()

            async def serve() -> None:
                async with Gate().serve(context):
                    leaving.set()

            task = asyncio.create_task(serve())
            await leaving.wait()  # it has run on to where it waits for the gate's tasks
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert task.cancelled()

    asyncio.run(asyncio.wait_for(main(), LIMIT / 1000))


def test_gevent_has_a_limit_of_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    gevent = pytest.importorskip("gevent")
    import zmqlite.green as gzmq

    class Green(Gate):
        def check_plain(self, domain: str, username: str, password: str) -> Verdict:
            gevent.sleep(LIMIT)
            return Verdict(True)

    monkeypatch.setattr("zmqlite.security.service._AT_ONCE", 2)
    gate = Green()
    with gzmq.Context() as context, gate.serve(context, limit=LIMIT):
        server, address = server_of(context)
        held = [client_of(context, address, "dead") for _ in range(3)]
        with gevent.Timeout(LIMIT / 1000):
            while not gate.refused:
                gevent.sleep(0.01)
        assert gate.refused[0].reason == "2 checks are under way"
        for socket in (*held, server):
            socket.close()


def test_gevent_lets_in_nobody_by_a_coroutine() -> None:
    gevent = pytest.importorskip("gevent")
    import zmqlite.green as gzmq

    gate = AddressGate()
    with gzmq.Context() as context, gate.serve(context):
        server, address = server_of(context)
        client = client_of(context, address, "alice")
        with gevent.Timeout(LIMIT / 1000):
            while not gate.refused:
                gevent.sleep(0.01)
        assert gate.refused[0].reason.startswith("the check is a coroutine")
        client.close()
        server.close()


def test_gevent() -> None:
    gevent = pytest.importorskip("gevent")
    import zmqlite.green as gzmq

    class Green(Gate):
        def check_plain(self, domain: str, username: str, password: str) -> Verdict:
            if username == "dead":
                gevent.sleep(LIMIT)
            return Verdict(True, user_id=username)

    gate = Green()
    with gzmq.Context() as context, gate.serve(context, limit=FAIR) as service:
        server, address = server_of(context)
        held = client_of(context, address, "dead")
        friend = client_of(context, address, "alice")
        friend.send(b"hello")
        assert server.recv(copy=False)["User-Id"] == "alice"
        end = time.monotonic() + LIMIT / 1000
        while not gate.refused:
            assert time.monotonic() < end
            gevent.sleep(0.01)
        assert gate.refused[0].status == 300
        for socket in (held, friend, server):
            socket.close()
    assert not service.serving
