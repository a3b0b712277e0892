"""What a check of a gate returns: only True or a Verdict lets in, whatever else looks true."""

from __future__ import annotations

import asyncio
import concurrent.futures
import logging
import os
import time
from pathlib import Path
from typing import Any

import pytest
from support import FACTOR, needs_curve, needs_patch, wait_until

import zmqlite as zmq
from zmqlite.auth import Gate, Verdict
from zmqlite.certs import KeyFolder

LIMIT = int(15_000 * FACTOR)
KEY = bytes(range(32))


def question(mechanism: bytes = b"NULL", *credentials: bytes) -> list[bytes]:
    return [b"1.0", b"id", b"", b"127.0.0.1", b"identity", mechanism, *credentials]


async def nothing() -> bool:
    return True


def generates() -> Any:
    yield True


# each is true, and none of them is an answer; made anew for each test, since coroutines end
TRUE: dict[str, Any] = {
    "coroutine": nothing,
    "generator": generates,
    "future": concurrent.futures.Future,
    "one": lambda: 1,
    "text": lambda: "no",
    "record": lambda: {"name": "alice"},
    "function": lambda: nothing,
    "pair": lambda: (False, "no such user"),
}
each_truth = pytest.mark.parametrize("what", TRUE)


async def forgot(what: str) -> Any:
    """What a coroutine function returns that forgot an await itself."""
    return TRUE[what]()


def refused(gate: Gate, frames: list[bytes], code: int = 500) -> str:
    """Check that an answer keeps the peer out, and that there is an event; return its reason."""
    reply = gate.answer(frames)
    assert reply[2] == b"%d" % code
    assert reply[4:] == [b"", b""]
    return gate.refused[-1].reason


async def refused_later(gate: Gate, frames: list[bytes]) -> str:
    reply = await gate.answer_async(frames)
    assert (reply[2], reply[4:]) == (b"500", [b"", b""])
    return gate.refused[-1].reason


@each_truth
def test_keys(what: str) -> None:
    gate = Gate()
    if what == "coroutine":
        gate.curve(lambda *_: forgot(what))
    else:
        gate.curve(lambda *_: TRUE[what]())
        assert "the callable of curve() returned a" in refused(gate, question(b"CURVE", KEY))
        gate.curve(lambda *_: forgot(what))
    reason = asyncio.run(refused_later(gate, question(b"CURVE", KEY)))
    assert reason.startswith("the callable of curve() returned a")
    assert reason.endswith("an await is missing") == (what == "coroutine")


def test_what_keys_may_return() -> None:
    gate = Gate()
    for welcome, code in ((True, 200), (False, 400), (None, 400), (Verdict(True), 200)):
        gate.curve(lambda *_, welcome=welcome: welcome)
        assert int(gate.answer(question(b"CURVE", KEY))[2]) == code
    for nothing_true in (0, "", [], {}):
        gate.curve(lambda *_, found=nothing_true: found)
        refused(gate, question(b"CURVE", KEY))


CHECKS = {
    "check_address": question(),
    "check_null": question(),
    "check_plain": question(b"PLAIN", b"alice", b"secret"),
    "check_curve": question(b"CURVE", KEY),
    "check_gssapi": question(b"GSSAPI", b"alice"),
}


@each_truth
@pytest.mark.parametrize("check", CHECKS)
def test_checks(check: str, what: str, caplog: pytest.LogCaptureFixture) -> None:
    """An override that returns what is no Verdict: as a function, and as a coroutine."""
    gate: Any = Gate()
    if what != "coroutine":
        setattr(gate, check, lambda *_: TRUE[what]())
        assert refused(gate, CHECKS[check]).startswith(f"{check}() returned a")
    setattr(gate, check, lambda *_: forgot(what))
    reason = asyncio.run(refused_later(gate, CHECKS[check]))
    assert reason.startswith(f"{check}() returned a")
    assert f"{check}() returned a" in caplog.text
    assert "alice" not in caplog.text or check == "check_gssapi"
    setattr(gate, check, lambda *_: True)
    refused(gate, CHECKS[check])


def test_a_verdict_says_one_thing() -> None:
    coroutine = nothing()
    for allowed in (1, "no", None, coroutine):
        with pytest.raises(TypeError, match="allowed of a Verdict is a bool"):
            Verdict(allowed)  # type: ignore[arg-type]
    coroutine.close()
    with pytest.raises(TypeError, match="user_id of a Verdict is a str"):
        Verdict(True, user_id=b"alice")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="reason of a Verdict is a str"):
        Verdict(False, b"no")  # type: ignore[arg-type]
    for allowed, status in ((False, 200), (True, 400), (True, 300), (False, 404)):
        with pytest.raises(ValueError, match="status of a Verdict"):
            Verdict(allowed, status=status)
    assert Verdict(True, status=200).code == 200
    assert Verdict(False, status=300).code == 300


def test_a_verdict_that_cannot_be_made_keeps_the_peer_out() -> None:
    gate: Any = Gate()
    gate.check_null = lambda domain: Verdict(False, status=200)
    assert refused(gate, question()) == "Internal error"


def test_a_user_id_that_is_no_text_keeps_the_peer_out() -> None:
    class Named(Gate):
        def user_id(self, key: bytes) -> Any:
            return key

    gate = Named()
    gate.curve([zmq.z85_encode(KEY)])
    assert refused(gate, question(b"CURVE", KEY)) == "Internal error"


def test_rules_are_checked_when_they_are_set() -> None:
    gate: Any = Gate()
    with pytest.raises(TypeError, match=r"plain\(\) takes a mapping"):
        gate.plain(lambda name, password: True)
    with pytest.raises(TypeError, match="put a single one into a list"):
        gate.curve(zmq.z85_encode(KEY))


def test_an_empty_list_of_addresses_lets_in_nobody() -> None:
    gate = Gate()
    gate.allow()
    assert refused(gate, question(), 400) == "Address not allowed"
    with pytest.raises(ValueError, match="exclude"):
        gate.deny("10.0.0.1")
    gate.allow("127.0.0.1")
    assert gate.answer(question())[2] == b"200"


def test_rules_that_may_take_time_are_asked_in_a_thread_of_their_own() -> None:
    gate: Any = Gate()
    frames = question(b"PLAIN", b"a", b"b")
    gate.plain({"a": "b"})
    assert gate.answers_at_once(frames)
    gate.check_plain = lambda *_: Verdict(True)
    assert not gate.answers_at_once(frames)
    del gate.check_plain
    gate.plain(os.environ)  # a mapping that is no dict looks up where it likes
    assert not gate.answers_at_once(frames)


# -- served --------------------------------------------------------------------------------------


def knock(context: Any, kind: Any = zmq.PUSH) -> tuple[Any, Any]:
    server = context.socket(zmq.PULL, zap_domain="x", linger=0)
    client = context.socket(kind, connect=server.bind("tcp://127.0.0.1:*"), linger=0)
    return server, client


class Absent(Gate):
    """Forgets an await in its look at the address, so that every address looks welcome."""

    def check_address(self, address: str) -> Any:
        return self.forgets()

    async def forgets(self) -> Any:
        return nothing()


async def scene(module: Any, sleep: Any) -> None:
    gate = Absent()
    async with module.Context() as context, gate.serve(context):
        server, client = knock(context, module.PUSH)
        for _ in range(LIMIT):
            if gate.refused:
                break
            await sleep(0.001)
        assert "an await is missing" in gate.refused[0].reason
        assert not server.peers
        server.close()
        client.close()


knows_peers = needs_patch("known-peers")


@knows_peers
@pytest.mark.filterwarnings("ignore:coroutine 'nothing' was never awaited")
def test_a_forgotten_await_lets_in_nobody_in_asyncio() -> None:
    import zmqlite.asyncio as azmq

    asyncio.run(asyncio.wait_for(scene(azmq, asyncio.sleep), LIMIT / 1000))


@knows_peers
def test_a_forgotten_await_lets_in_nobody_in_trio() -> None:
    trio = pytest.importorskip("trio")
    import zmqlite.trio as tzmq

    trio.run(scene, tzmq, trio.sleep)


class Record(Gate):
    def check_address(self, address: str) -> Any:
        return {"name": "alice"}


@knows_peers
@pytest.mark.parametrize("world", ["blocking", "gevent"])
def test_a_record_lets_in_nobody(world: str) -> None:
    module: Any = zmq
    if world == "gevent":
        pytest.importorskip("gevent")
        import zmqlite.green as module
    gate = Record()
    with module.Context() as context, gate.serve(context):
        server, client = knock(context)
        pause = pytest.importorskip("gevent").sleep if world == "gevent" else time.sleep
        for _ in range(LIMIT):
            if gate.refused:
                break
            pause(0.001)
        assert gate.refused[0].reason == "check_address() returned a dict"
        assert not server.peers
        server.close()
        client.close()


def test_a_check_of_gevent_that_ends_by_a_timeout_of_its_own_is_answered() -> None:
    gevent = pytest.importorskip("gevent")
    import zmqlite.green as gzmq

    class Impatient(Gate):
        def check_null(self, domain: str) -> Verdict:
            with gevent.Timeout(0.01):
                gevent.sleep(LIMIT)
            return Verdict(True)

    gate = Impatient()
    with gzmq.Context() as context, gate.serve(context):
        server, client = knock(context)
        with gevent.Timeout(LIMIT / 1000):
            while not gate.refused:
                gevent.sleep(0.01)
        assert gate.refused[0].reason == "the check ended with Timeout"
        server.close()
        client.close()


def test_a_check_of_asyncio_that_cancels_itself_is_answered() -> None:
    import zmqlite.asyncio as azmq

    class Cancels(Gate):
        async def check_null(self, domain: str) -> Verdict:  # type: ignore[override]
            raise asyncio.CancelledError

    async def main() -> None:
        gate = Cancels()
        async with azmq.Context() as context, gate.serve(context):
            server, client = knock(context, azmq.PUSH)
            while not gate.refused:
                await asyncio.sleep(0.001)
            assert gate.refused[0].reason == "the check ended with CancelledError"
            server.close()
            client.close()

    asyncio.run(asyncio.wait_for(main(), LIMIT / 1000))


def test_a_report_that_ends_its_thread_ends_no_gate(context: Any) -> None:
    """Without the gate, libzmq would ask nobody and let in everybody."""
    gate = Gate()
    told = []

    def report(decision: Any) -> None:
        told.append(decision)
        raise SystemExit

    gate.report = report
    with gate.serve(context) as service:
        for count in (1, 2):
            server, client = knock(context)
            wait_until(lambda count=count: len(told) == count, what="the report")
            server.close()
            client.close()
        assert service.serving


def test_a_report_that_is_a_coroutine_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    gate = Gate()

    async def report(decision: Any) -> None:
        """Nobody awaits it."""

    gate.report = report
    assert gate.answer(question())[2] == b"200"
    assert "report is a plain function" in caplog.text


def test_a_report_that_is_a_task_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """And cancelled: nobody would hear what it raises."""
    gate, tasks = Gate(), []

    def report(decision: Any) -> Any:
        tasks.append(asyncio.get_running_loop().create_task(asyncio.sleep(LIMIT)))
        return tasks[-1]

    async def main() -> None:
        gate.report = report
        assert (await gate.answer_async(question()))[2] == b"200"
        await asyncio.wait(tasks)
        assert tasks[0].cancelled()

    asyncio.run(asyncio.wait_for(main(), LIMIT / 1000))
    assert "report is a plain function" in caplog.text


# -- folders of keys -----------------------------------------------------------------------------


def write_key(path: Path) -> bytes:
    public, _ = zmq.curve_keypair()
    path.write_text(f'curve\n    public-key = "{public.decode()}"\n')
    return public


@needs_curve
def test_a_key_that_is_replaced_within_a_tick_of_the_clock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All keys are of one length, so that only the time of a file tells them apart."""
    path = tmp_path / "bob.key"
    old = write_key(path)
    tick = path.stat().st_mtime_ns
    monkeypatch.setattr(KeyFolder, "PAUSE", 0)
    monkeypatch.setattr("zmqlite.certs._mark", lambda file: ((tick, tick), 1, 1))
    folder = KeyFolder(tmp_path, logging.getLogger("test"))
    assert folder("", old)
    new = write_key(path)
    assert folder("", new)
    assert not folder("", old), "a key that was taken away still comes in"


@needs_curve
def test_a_key_that_cannot_be_read_for_a_moment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(KeyFolder, "PAUSE", 0)
    public = write_key(tmp_path / "bob.key")
    os.utime(tmp_path / "bob.key", (1, 1))
    monkeypatch.setattr(KeyFolder, "FRESH", -1e9)

    def fail(path: Path) -> Any:
        raise OSError(24, "Too many open files")

    with monkeypatch.context() as patch:
        patch.setattr("zmqlite.certs.load_certificate", fail)
        folder = KeyFolder(tmp_path, logging.getLogger("test"))
        assert not folder("", public)
        assert caplog.text.count("Too many open files") == 1, "said once, not at each look"
    assert folder("", public)
