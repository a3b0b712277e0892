"""The rules of a Gate, as frames and with real servers and clients."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from support import FACTOR, in_thread, needs_curve, wait_until

import zmqlite as zmq
from zmqlite.auth import (
    ZAP_ENDPOINT,
    AddressRules,
    Gate,
    MalformedRequest,
    Request,
    Verdict,
    password_matches,
)

LIMIT = int(10_000 * FACTOR)
KEY = bytes(range(32))
Z85 = zmq.z85_encode(KEY)


def question(
    mechanism: bytes = b"NULL",
    *credentials: bytes,
    domain: bytes = b"",
    address: bytes = b"127.0.0.1",
) -> list[bytes]:
    return [b"1.0", b"id", domain, address, b"identity", mechanism, *credentials]


def code(frames: list[bytes]) -> int:
    assert frames[:2] == [b"1.0", b"id"]
    assert len(frames) == 6
    return int(frames[2])


# -- frames --------------------------------------------------------------------------------------


def test_a_request_is_read() -> None:
    request = Request.parse(question(b"PLAIN", b"name", b"hunter2", domain=b"shop"))
    assert request == Request(
        b"id", "shop", "127.0.0.1", b"identity", "PLAIN", (b"name", b"hunter2")
    )
    assert "hunter2" not in repr(request)
    assert request.reply(Verdict(True, user_id="é", metadata={"X-Role": "boss"})) == [
        b"1.0", b"id", b"200", b"OK", "é".encode(), b"\x06X-Role\0\0\0\4boss",
    ]  # fmt: skip
    assert request.reply(Verdict(False, user_id="x", metadata={"a": b"b"})) == [
        b"1.0", b"id", b"400", b"NO ACCESS", b"", b"",
    ]  # fmt: skip
    assert request.reply(Verdict(False, "later", status=300))[2:4] == [b"300", b"later"]
    with pytest.raises(ValueError, match="property"):
        request.reply(Verdict(True, metadata={"": b""}))


@pytest.mark.parametrize(
    ("frames", "reason"),
    [
        ([], "frames"),
        ([b"1.0"], "frames"),
        (question()[:5], "frames"),
        ([b"2.0", *question()[1:]], "version"),
        (question(b"PLAIN", b"name"), "credentials"),
        (question(b"PLAIN", b"name", b"secret", b"more"), "credentials"),
        (question(b"CURVE"), "credentials"),
        (question(b"GSSAPI", b"a", b"b"), "credentials"),
    ],
)
def test_what_is_no_request_is_answered(
    frames: list[bytes], reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(MalformedRequest, match=reason) as caught:
        Request.parse(frames)
    reply = Gate().answer(frames)
    assert reply == caught.value.reply
    assert reply[1] == (b"id" if len(frames) > 1 else b"")
    assert reply[2] == b"400"
    assert "secret" not in caplog.text


def test_addresses() -> None:
    rules = AddressRules()
    assert rules.check("10.0.0.1")
    rules.deny("10.0.0.1")
    assert not rules.check("10.0.0.1")
    assert rules.check("10.0.0.2")
    with pytest.raises(ValueError, match="exclude"):
        rules.allow("10.0.0.2")
    rules = AddressRules()
    rules.allow("10.0.0.1", "10.0.0.2")
    assert rules.check("10.0.0.2")
    assert not rules.check("10.0.0.3")
    with pytest.raises(ValueError, match="exclude"):
        rules.deny("10.0.0.2")


@pytest.mark.parametrize("written", ["127.0.0.1", "::ffff:127.0.0.1", "::ffff:7f00:1"])
@pytest.mark.parametrize("seen", ["127.0.0.1", "::ffff:127.0.0.1"])
def test_an_ipv4_address_is_the_same_over_ipv6(written: str, seen: str) -> None:
    denying, allowing = AddressRules(), AddressRules()
    denying.deny(written)
    allowing.allow(written)
    assert not denying.check(seen)
    assert allowing.check(seen)
    assert denying.check("::ffff:10.0.0.1")
    assert not allowing.check("::ffff:10.0.0.1")


def test_an_ipv6_address_may_be_written_in_any_way() -> None:
    rules = AddressRules()
    rules.deny("FE80:0::0001", ":0:0:123")
    assert not rules.check("fe80::1")
    assert not rules.check(":0:0:123")
    assert rules.check("fe80::2")


def test_a_check_does_not_read_a_long_list() -> None:
    class Long(set[str]):
        def copy(self) -> set[str]:
            raise AssertionError("each peer that comes would cost as much as the list is long")

    rules = AddressRules()
    rules.denied = Long()
    rules.deny(*(f"10.0.{one}.{two}" for one in range(10) for two in range(100)))
    assert rules.check("10.1.0.0")
    assert rules.check("::1")
    assert not rules.check("10.0.9.99")


def test_a_denied_address_is_refused_by_a_socket_for_both(context: Any) -> None:
    gate = Gate()
    gate.addresses.deny("127.0.0.1")
    with gate.serve(context):
        server = context.socket(zmq.PULL, zap_domain="d", ipv6=1)
        port = server.bind("tcp://*:*").rpartition(":")[2]
        client = context.socket(zmq.PUSH, linger=0)
        client.connect(f"tcp://127.0.0.1:{port}")
        wait_until(lambda: gate.refused)
        assert not server.peers


@pytest.mark.parametrize("odd", ["127.0.0.0/8", "::1 ", "localhost", "", b"127.0.0.1", None, 5])
def test_what_is_no_address_is_refused(odd: Any) -> None:
    for add in (AddressRules().allow, AddressRules().deny):
        with pytest.raises((TypeError, ValueError), match="address"):
            add(odd)


def test_a_refused_address_leaves_the_rules_as_they_were() -> None:
    rules = AddressRules()
    with pytest.raises(ValueError, match="no IP address"):
        rules.allow("127.0.0.1", "localhost")
    assert rules.check("10.0.0.1")


@pytest.mark.parametrize(
    "given",
    [
        {"user_id": "admin\0x"},
        {"user_id": "x" * 256},
        {"metadata": {"k": b"a\0b"}},
        {"metadata": {"k": 5}},
        {"metadata": {"k": [65, 66]}},
        {"metadata": {"Socket-Type": "PUB"}},
    ],
    ids=str,
)
def test_a_verdict_says_what_arrives(given: dict[str, Any]) -> None:
    with pytest.raises((TypeError, ValueError), match="of a Verdict"):
        Verdict(True, **given)


def test_passwords() -> None:
    known = {"alice": "pä55", "empty": ""}
    assert password_matches(known, "alice", "pä55")
    assert password_matches(known, "empty", "")
    for name, word in (("alice", "pass"), ("alice", ""), ("bob", "pä55"), ("bob", ""), ("", "")):
        assert not password_matches(known, name, word)


# -- rules ---------------------------------------------------------------------------------------


def test_a_new_gate() -> None:
    gate = Gate()
    assert gate.answer(question())[2:5] == [b"200", b"OK", b"anonymous"]
    assert code(gate.answer(question(b"PLAIN", b"a", b"b"))) == 400
    assert code(gate.answer(question(b"CURVE", KEY))) == 400
    assert gate.answer(question(b"GSSAPI", b"me@realm"))[4] == b"me@realm"
    assert code(gate.answer(question(b"OTHER", b"x"))) == 400


def test_an_address_comes_first() -> None:
    gate = Gate()
    gate.plain({"a": "b"})
    gate.deny("127.0.0.1")
    assert code(gate.answer(question())) == 400
    assert code(gate.answer(question(b"PLAIN", b"a", b"b"))) == 400
    assert code(gate.answer(question(b"PLAIN", b"a", b"b", address=b"10.0.0.1"))) == 200
    gate = Gate()
    gate.allow("127.0.0.1")
    gate.plain({"a": "b"})
    assert code(gate.answer(question(address=b"10.0.0.1"))) == 400
    assert code(gate.answer(question(b"PLAIN", b"a", b"wrong"))) == 400  # that alone is not enough


def test_domains() -> None:
    gate = Gate()
    gate.plain({"a": "everywhere"})
    gate.plain({"a": "there"}, domain="there")
    gate.curve([Z85], domain="there")
    for domain, word, wanted in (
        (b"", b"everywhere", 200), (b"elsewhere", b"everywhere", 200), (b"there", b"there", 200),
        (b"there", b"everywhere", 400), (b"", b"there", 400),
    ):  # fmt: skip
        reply = gate.answer(question(b"PLAIN", b"a", word, domain=domain))
        assert code(reply) == wanted
        assert reply[4] == (b"a" if wanted == 200 else b"")
    assert gate.answer(question(b"CURVE", KEY, domain=b"there"))[4] == Z85
    assert code(gate.answer(question(b"CURVE", KEY))) == 400


def test_keys() -> None:
    gate = Gate()
    gate.curve({Z85: True})
    assert code(gate.answer(question(b"CURVE", KEY))) == 200
    assert code(gate.answer(question(b"CURVE", bytes(32)))) == 400
    gate.curve(None)
    assert code(gate.answer(question(b"CURVE", bytes(32)))) == 200
    asked: list[Any] = []
    gate.curve(lambda *args: asked.append(args) or args[1] == Z85, domain="shop")
    assert code(gate.answer(question(b"CURVE", KEY, domain=b"shop"))) == 200
    assert code(gate.answer(question(b"CURVE", bytes(32), domain=b"shop"))) == 400
    assert asked[0] == ("shop", Z85)
    gate.curve(lambda *_: Verdict(True, user_id="alice", metadata={"A": "b"}))
    assert gate.answer(question(b"CURVE", KEY))[4:] == [b"alice", b"\1A\0\0\0\1b"]
    assert code(gate.answer(question(b"CURVE", b"short"))) == 500  # libzmq never asks that


def test_names_of_keys() -> None:
    class Named(Gate):
        def user_id(self, key: bytes) -> str:
            return f"user {key[1]}"

    gate = Named()
    gate.curve(None)
    assert gate.answer(question(b"CURVE", KEY))[4] == b"user 1"


def test_a_decision_names_the_rule() -> None:
    """For programs: its reason is for people."""
    gate = Gate()
    gate.deny("10.0.0.66")
    gate.plain({"alice": "wonderland"})
    gate.curve([])

    def rule(*asked: bytes, **where: bytes) -> str:
        decision = gate.decide(question(*asked, **where)).decision
        assert decision is not None
        return "in" if decision.allowed else decision.rule

    assert rule(address=b"10.0.0.66") == "address"
    assert rule(b"PLAIN", b"alice", b"guess") == "password"
    assert rule(b"CURVE", KEY) == "key"
    assert rule() == "in"
    gate.curve(lambda domain, key: Verdict(False, "Unknown key"))
    assert rule(b"CURVE", KEY) == "", "that is what a check says, not a rule"
    gate.curve(lambda domain, key: Verdict(False, "expired", rule="key"))
    assert rule(b"CURVE", KEY) == "key"


def test_checks_may_be_awaited() -> None:
    async def welcome(domain: str, key: bytes) -> bool:
        await asyncio.sleep(0)
        if domain == "fails":
            raise LookupError("on purpose")
        return key == Z85

    gate = Gate()
    gate.curve(welcome)
    ask = question(b"CURVE", KEY)
    assert code(asyncio.run(gate.answer_async(ask))) == 200
    assert code(asyncio.run(gate.answer_async(question(b"CURVE", bytes(32))))) == 400
    assert code(asyncio.run(gate.answer_async(question()))) == 200
    failed = question(b"CURVE", KEY, domain=b"fails")
    assert code(asyncio.run(gate.answer_async(failed))) == 500
    with pytest.raises(TypeError, match="answer_async"):
        gate.answer(ask)


def test_an_address_may_be_judged_by_a_coroutine() -> None:
    class Slow(Gate):
        async def check_address(self, address: str) -> Verdict:  # type: ignore[override]
            await asyncio.sleep(0)
            return Verdict(address == "10.0.0.1")

    gate = Slow()
    assert code(asyncio.run(gate.answer_async(question()))) == 400
    assert code(asyncio.run(gate.answer_async(question(address=b"10.0.0.1")))) == 200
    with pytest.raises(TypeError, match="answer_async"):
        gate.answer(question())


def test_a_check_that_fails_keeps_the_client_out(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(Gate):
        def check_plain(self, domain: str, username: str, password: str) -> Verdict:
            raise ConnectionError("the database is gone")

    reply = Broken().answer(question(b"PLAIN", b"a", b"hunter2"))
    assert reply[2:4] == [b"500", b"Internal error"]
    assert "the database is gone" in caplog.text
    assert "hunter2" not in caplog.text


def test_no_password_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """D10: pyzmq logs them."""
    gate = Gate()
    gate.plain({"alice": "hunter2"})
    with caplog.at_level(logging.DEBUG, "zmqlite.auth"):
        gate.answer(question(b"PLAIN", b"alice", b"hunter2"))
        gate.answer(question(b"PLAIN", b"alice", b"hunter3"))
        gate.answer(question(b"PLAIN", b"hunter2"))
        gate.answer([b"9", b"id", b"", b"", b"", b"PLAIN", b"alice", b"hunter2"])
    assert "ALLOWED PLAIN alice" in caplog.text
    assert "DENIED" in caplog.text
    assert "hunter" not in caplog.text


# -- with sockets --------------------------------------------------------------------------------


@pytest.fixture
def guarded(context: Any) -> Iterator[Callable[[Gate], None]]:
    """Have a thread answer for a gate."""
    ends: list[Any] = []
    doors: list[Any] = []

    def start(gate: Gate) -> None:
        door = context.socket(zmq.REP, linger=0)
        doors.append(door)
        door.bind(ZAP_ENDPOINT)

        def serve() -> None:
            try:
                while True:
                    door.send_multipart(gate.answer(door.recv_multipart()))
            except zmq.ContextTerminated:
                door.close()

        ends.append(in_thread(serve))

    yield start
    for socket in context.sockets():
        if socket not in doors:
            socket.close(0)
    context.shutdown()
    for join in ends:
        join()


def meet(context: Any, server: dict[str, Any], client: dict[str, Any]) -> Any:
    """Connect a client to a server over tcp; return the frame that came through, or None."""
    with context.socket(zmq.PULL, linger=0, **server) as pull:
        address = pull.bind("tcp://127.0.0.1:*")
        with context.socket(zmq.PUSH, linger=0, **client) as push:
            watch = push.get_monitor_socket()
            push.connect(address)
            push.send(b"hello")
            happened = set()
            ends = {
                zmq.Event.HANDSHAKE_SUCCEEDED,
                zmq.Event.HANDSHAKE_FAILED_AUTH,
                zmq.Event.HANDSHAKE_FAILED_NO_DETAIL,
            }
            while not happened & ends:
                assert watch.poll(LIMIT), f"only {happened}"
                happened.add(zmq.recv_monitor_message(watch)["event"])
            push.disable_monitor()
            watch.close(0)
            if zmq.Event.HANDSHAKE_SUCCEEDED not in happened:
                return None
            assert pull.poll(LIMIT)
            return pull.recv(copy=False)


def test_plain(context: Any, guarded: Any) -> None:
    gate = Gate()
    gate.plain({"alice": "secret"})
    guarded(gate)
    server = {"plain_server": 1}
    frame = meet(context, server, {"plain_username": b"alice", "plain_password": b"secret"})
    assert frame.bytes == b"hello"
    assert frame["User-Id"] == "alice"
    assert meet(context, server, {"plain_username": b"alice", "plain_password": b"no"}) is None
    assert meet(context, server, {"plain_username": b"eve", "plain_password": b"x"}) is None


@needs_curve
def test_curve(context: Any, guarded: Any) -> None:
    (server_public, server_secret), (public, secret) = zmq.curve_keypair(), zmq.curve_keypair()
    gate = Gate()
    gate.curve(
        lambda domain, key: Verdict(key == public, user_id="alice", metadata={"X-Role": "boss"})
    )
    guarded(gate)
    server = {"curve_server": 1, "curve_secretkey": server_secret, "zap_domain": b"shop"}
    client = {"curve_serverkey": server_public}
    keys = {"curve_publickey": public, "curve_secretkey": secret}
    frame = meet(context, server, {**client, **keys})
    assert frame["User-Id"] == "alice"
    assert frame["X-Role"] == "boss"
    public, secret = zmq.curve_keypair()
    other, other_secret = zmq.curve_keypair()
    strange = {"curve_publickey": other, "curve_secretkey": other_secret}
    assert meet(context, server, {**client, **strange}) is None


@needs_curve
def test_where_nobody_is_asked(context: Any) -> None:
    (server_public, server_secret), (public, secret) = zmq.curve_keypair(), zmq.curve_keypair()
    server = {"curve_server": 1, "curve_secretkey": server_secret, "zap_domain": b"shop"}
    client = {"curve_serverkey": server_public, "curve_publickey": public}
    assert meet(context, server, {**client, "curve_secretkey": secret}).bytes == b"hello"
    assert meet(context, {"zap_domain": b"shop"}, {}).bytes == b"hello"
    plain = {"plain_username": b"alice", "plain_password": b"secret"}
    assert meet(context, {"plain_server": 1}, plain) is None


def test_null(context: Any, guarded: Any) -> None:
    gate = Gate()
    guarded(gate)
    server = {"zap_domain": b"shop"}
    assert meet(context, server, {})["User-Id"] == "anonymous"
    gate.deny("127.0.0.1")
    assert meet(context, server, {}) is None
    assert meet(context, {}, {}).bytes == b"hello"  # without a domain nobody is asked
