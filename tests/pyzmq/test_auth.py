"""zmq.auth: real servers, clients and authenticators, ours and pyzmq's, also mixed."""

from __future__ import annotations

import asyncio
import importlib
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pyzmq.auth_stage import (
    LIBRARIES,
    LIMIT,
    REFUSED,
    WELCOME,
    Keys,
    Scene,
    guarding,
    meet,
    plain,
)
from pyzmq.conftest import OURS, ending
from support import needs_curve, wait_until

import zmqlite.pyzmq as guest
import zmqlite.pyzmq.auth as guest_auth

Tree = Callable[[str], Any]


@pytest.fixture
def contexts() -> Iterator[dict[str, Any]]:
    """A context of each library."""
    each = {name: ending(importlib.import_module(name)) for name in LIBRARIES}
    yield {name: next(made) for name, made in each.items()}
    for made in each.values():
        list(made)


@pytest.fixture(
    params=[(server, client) for server in LIBRARIES for client in LIBRARIES],
    ids=lambda pair: f"{pair[0]}<{pair[1]}",
)
def pairing(request: pytest.FixtureRequest) -> Any:
    """Whose authenticator and server, and whose client."""
    return request.param


@pytest.fixture(params=["thread", "asyncio"])
def scene(
    request: pytest.FixtureRequest, pairing: Any, contexts: dict[str, Any]
) -> Iterator[Scene]:
    server, client = pairing
    with guarding(server, request.param, contexts[server]) as auth:
        yield Scene(auth, contexts[server], contexts[client])


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    if not guest.has("curve"):
        pytest.skip("built without CURVE")
    return Keys(tmp_path)


# -- mechanisms, each pairing of libraries --------------------------------------------------------


def test_null(scene: Scene) -> None:
    server = {"zap_domain": b"shop"}
    assert scene.meet({}, {}) == (WELCOME, None)  # without a domain nobody is asked
    assert scene.meet(server, {}) == (WELCOME, "anonymous")
    scene.auth.deny("127.0.0.1")
    assert scene.meet(server, {}) == (REFUSED, None)
    with pytest.raises(ValueError, match=r"allow|deny"):
        scene.auth.allow("127.0.0.1")


def test_null_from_known_addresses(scene: Scene) -> None:
    server = {"zap_domain": b"shop"}
    scene.auth.allow("127.0.0.9")
    assert scene.meet(server, {}) == (REFUSED, None)
    scene.auth.allow("127.0.0.1", "127.0.0.2")
    assert scene.meet(server, {}) == (WELCOME, "anonymous")
    with pytest.raises(ValueError, match=r"allow|deny"):
        scene.auth.deny("127.0.0.1")


def test_plain(scene: Scene) -> None:
    server = {"plain_server": 1}
    assert scene.meet(server, plain(b"admin", b"secret")) == (REFUSED, None)
    scene.auth.configure_plain(domain="*", passwords={"admin": "secret", "bob": "pä55"})
    assert scene.meet(server, plain(b"admin", b"secret")) == (WELCOME, "admin")
    assert scene.meet(server, plain(b"bob", "pä55".encode())) == (WELCOME, "bob")
    assert scene.meet(server, plain(b"admin", b"wrong")) == (REFUSED, None)
    assert scene.meet(server, plain(b"nobody", b"secret")) == (REFUSED, None)
    # an unsafe client is no client of a safe server, nor the other way round
    elsewhere = {"plain_server": 1, "zap_domain": b"elsewhere"}
    assert scene.meet(elsewhere, plain(b"admin", b"secret")) == (REFUSED, None)
    scene.auth.configure_plain("elsewhere", {"admin": "other"})
    assert scene.meet(elsewhere, plain(b"admin", b"other")) == (WELCOME, "admin")


def test_curve(scene: Scene, keys: Keys) -> None:
    assert scene.meet(keys.server, keys.known) == (REFUSED, None)
    scene.auth.configure_curve(domain="*", location=keys.folder)
    known = keys.public.decode()
    assert scene.meet(keys.server, keys.known) == (WELCOME, known)
    assert scene.meet(keys.server, keys.stranger) == (REFUSED, None)
    scene.auth.configure_curve(domain="*", location=guest_auth.CURVE_ALLOW_ANY)
    stranger = keys.stranger["curve_publickey"].decode()
    assert scene.meet(keys.server, keys.stranger) == (WELCOME, stranger)
    scene.auth.configure_curve("*", str(keys.folder))
    assert scene.meet(keys.server, keys.stranger) == (REFUSED, None)


@pytest.mark.parametrize("asynchronous", [False, True])
def test_curve_callback(scene: Scene, keys: Keys, asynchronous: bool) -> None:
    asked: list[Any] = []

    class Provider:
        def callback(self, domain: str, key: bytes) -> Any:
            asked.append((domain, key))
            return self.later(key) if asynchronous else key == keys.public

        async def later(self, key: bytes) -> bool:
            await asyncio.sleep(0)
            return key == keys.public

    scene.auth.configure_curve_callback(domain="shop", credentials_provider=Provider())
    server = {**keys.server, "zap_domain": b"shop"}
    assert scene.meet(server, keys.known) == (WELCOME, keys.public.decode())
    assert scene.meet(server, keys.stranger) == (REFUSED, None)
    assert asked[0] == ("shop", keys.public)
    assert len(asked) >= 2


def test_names_of_clients(scene: Scene, keys: Keys) -> None:
    scene.auth.curve_user_id = lambda key: f"user with {len(key)} bytes"
    scene.auth.configure_curve(location=keys.folder)
    assert scene.meet(keys.server, keys.known) == (WELCOME, "user with 32 bytes")


# -- the protocol, frame by frame ----------------------------------------------------------------


def question(*credentials: bytes, mechanism: bytes = b"NULL", **other: bytes) -> list[bytes]:
    parts = {"version": b"1.0", "id": b"7", "domain": b"", "address": b"10.0.0.1", "who": b""}
    return [*{**parts, **other}.values(), mechanism, *credentials]


QUESTIONS: list[tuple[list[bytes], bytes, bytes, bytes]] = [
    (question(), b"200", b"OK", b"anonymous"),
    (question(version=b"2.0"), b"400", b"Invalid version", b""),
    (question()[:5], b"400", b"Not enough frames", b""),
    (question(b"a", b"right", mechanism=b"PLAIN"), b"200", b"OK", b"a"),
    (question(b"a", b"wrong", mechanism=b"PLAIN"), b"400", b"Invalid password", b""),
    (question(b"b", b"right", mechanism=b"PLAIN"), b"400", b"Invalid username", b""),
    (question(b"a", b"b", mechanism=b"PLAIN", domain=b"x"), b"400", b"Invalid domain", b""),
    (question(b"a", mechanism=b"PLAIN"), b"400", b"Invalid credentials", b""),
    (question(bytes(32), mechanism=b"CURVE"), b"400", b"Unknown domain", b""),
    (question(mechanism=b"CURVE"), b"400", b"Invalid credentials", b""),
    (question(b"me@realm", mechanism=b"GSSAPI"), b"200", b"OK", b"me@realm"),
    (question(address=b"10.0.0.2"), b"400", b"Address denied", b""),
]


@pytest.mark.parametrize("library", LIBRARIES)
def test_answers(library: str, contexts: dict[str, Any]) -> None:
    ctx = contexts[library]
    auth = importlib.import_module(f"{library}.auth").Authenticator(ctx)
    assert auth.zap_socket is None
    auth.deny("10.0.0.2")
    auth.configure_plain(passwords={"a": "right"})
    auth.configure_gssapi()
    auth.start()
    assert auth.zap_socket.type == guest.REP
    asker = ctx.socket(guest.REQ)
    asker.connect("inproc://zeromq.zap.01")
    try:
        for asked, status, text, user_id in QUESTIONS:
            asker.send_multipart(asked)
            asyncio.run(auth.handle_zap_message(auth.zap_socket.recv_multipart()))
            assert asker.recv_multipart() == [b"1.0", b"7", status, text, user_id, b""], asked
    finally:
        asker.close(0)
        auth.stop()
    assert auth.zap_socket is None


@pytest.mark.parametrize("library", LIBRARIES)
def test_methods_may_be_overridden(library: str, contexts: dict[str, Any]) -> None:
    base = importlib.import_module(f"{library}.auth").Authenticator

    class Own(base):  # type: ignore[misc]
        sent: tuple[Any, ...]

        def _authenticate_plain(self, domain: str, username: str, password: str) -> Any:
            return username == password[::-1], b"not backwards"

        async def _authenticate_curve(self, domain: str, client_key: bytes) -> Any:
            return client_key == bytes(32), b"not empty"

        def _send_zap_reply(self, *args: Any, **kwargs: Any) -> None:
            self.sent = args

    auth = Own(contexts[library])
    for asked, sent in (
        (question(b"ab", b"ba", mechanism=b"PLAIN"), (b"7", b"200", b"OK", "ab")),
        (question(b"ab", b"ab", mechanism=b"PLAIN"), (b"7", b"400", b"not backwards")),
        (question(bytes(32), mechanism=b"CURVE"), (b"7", b"200", b"OK", "0" * 40)),
        (question(b"x" * 32, mechanism=b"CURVE"), (b"7", b"400", b"not empty")),
    ):
        asyncio.run(auth.handle_zap_message(asked))
        assert auth.sent[: len(sent)] == sent


def test_one_authenticator_at_a_time(tree: Tree, tree_ctx: Any) -> None:
    module = tree("auth")
    first, second = module.Authenticator(tree_ctx), module.Authenticator(tree_ctx)
    first.start()
    with pytest.raises(tree("").ZMQError):
        second.start()
    second.stop()
    first.stop()
    first.stop()
    assert module.Authenticator().context is tree("").Context.instance()
    tree("").Context.instance().destroy(0)


# -- what pyzmq does not do right ----------------------------------------------------------------


def test_a_forgotten_await_lets_in_nobody() -> None:
    """In pyzmq what a callback returns is only asked for its truth, and a coroutine is true."""

    async def look_up() -> bool:
        return False

    class Provider:
        found: Any = None

        async def callback(self, domain: str, key: bytes) -> Any:
            return self.found

    with guest.Context() as ctx:
        auth, provider, sent = guest_auth.Authenticator(ctx), Provider(), []
        auth._send_zap_reply = lambda *reply: sent.append(reply)  # type: ignore[method-assign]
        auth.configure_curve_callback(credentials_provider=provider)
        for found, code in ((look_up(), b"400"), ({"name": "x"}, b"200"), ({}, b"400")):
            provider.found = found
            asyncio.run(auth.handle_zap_message(question(bytes(32), mechanism=b"CURVE")))
            assert sent.pop()[1] == code


def test_no_password_reaches_a_log(caplog: pytest.LogCaptureFixture) -> None:
    """D10. pyzmq logs passwords at level DEBUG, and in its complaints about malformed requests."""
    with guest.Context() as ctx, caplog.at_level(logging.DEBUG):
        auth = guest_auth.Authenticator(ctx)
        auth._send_zap_reply = lambda *_: None  # type: ignore[method-assign]
        auth.configure_plain(passwords={"alice": "hunter2"})
        for asked in (
            question(b"alice", b"hunter2", mechanism=b"PLAIN"),
            question(b"alice", b"hunter3", mechanism=b"PLAIN"),
            question(b"hunter2", mechanism=b"PLAIN"),
            question(b"alice", b"hunter2", mechanism=b"PLAIN", version=b"9"),
            [b"1.0", b"7", b"hunter2"],
        ):
            asyncio.run(auth.handle_zap_message(asked))
    assert "alice" in caplog.text
    assert "hunter" not in caplog.text


def test_passwords_are_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """D10: by hmac.compare_digest, also for users that do not exist."""
    compared: list[Any] = []
    import hmac

    real = hmac.compare_digest

    def counting(one: Any, other: Any) -> bool:
        compared.append((one, other))
        return real(one, other)

    monkeypatch.setattr(hmac, "compare_digest", counting)
    with guest.Context() as ctx:
        auth = guest_auth.Authenticator(ctx)
        auth.configure_plain(passwords={"alice": "secret"})
        assert auth._authenticate_plain("", "alice", "secret") == (True, b"")
        assert not auth._authenticate_plain("", "bob", "secret")[0]
    assert compared == [(b"secret", b"secret"), (b"", b"secret")]


@pytest.mark.parametrize("kind", ["thread", "asyncio"])
def test_an_authenticator_survives_its_callbacks(
    kind: str, contexts: dict[str, Any], keys: Keys, caplog: pytest.LogCaptureFixture
) -> None:
    """In pyzmq a callback that fails ends the thread, and then every handshake waits for ever."""

    class Provider:
        broken = True

        def callback(self, domain: str, key: bytes) -> bool:
            if self.broken:
                raise ConnectionError("the database is gone")
            return True

    ctx, provider = contexts[OURS[0]], Provider()
    with guarding(OURS[0], kind, ctx) as auth:
        auth.configure_curve_callback(credentials_provider=provider)
        assert meet(ctx, ctx, keys.server, keys.known)[0] is REFUSED
        provider.broken = False
        assert meet(ctx, ctx, keys.server, keys.known)[0] is WELCOME
    assert "the database is gone" in caplog.text


def test_nonsense_does_not_end_it(contexts: dict[str, Any]) -> None:
    """In pyzmq a message without a request id ends the thread: nothing is replied to it."""
    ctx = contexts[OURS[0]]
    with guarding(OURS[0], "thread", ctx) as auth:
        asker = ctx.socket(guest.REQ, connect="inproc://zeromq.zap.01")
        for nonsense in ([b"x"], [b""], question(b"\xff\xfe", mechanism=b"GSSAPI")):
            asker.send_multipart(nonsense)
            assert asker.poll(LIMIT)
            assert len(asker.recv_multipart()) == 6
        assert auth.is_alive()
        asker.close(0)


def test_certificates_that_cannot_be_read(
    tmp_path: Path, keys: Keys, caplog: pytest.LogCaptureFixture
) -> None:
    with guest.Context() as ctx:
        auth = guest_auth.Authenticator(ctx)
        auth.configure_curve(location=tmp_path / "absent")
        assert "absent" in caplog.text
        auth.configure_curve_callback("shop", None)
        assert "shop" in caplog.text
        assert auth.certs == {}
        assert auth.credentials_providers == {}


# -- in a thread, in a loop ----------------------------------------------------------------------


def test_the_life_of_a_thread(tree: Tree, tree_ctx: Any) -> None:
    auth = tree("auth.thread").ThreadAuthenticator(tree_ctx)
    assert not auth.is_alive()
    auth.start()
    assert auth.is_alive()
    assert auth.thread.authenticator is auth
    assert auth.thread.daemon
    thread = auth.thread
    auth.stop()
    assert not thread.is_alive()
    assert not auth.is_alive()
    assert (auth.thread, auth.pipe, auth.zap_socket) == (None, None, None)
    auth.stop()


@pytest.mark.parametrize("kind", ["thread", "asyncio"])
def test_stopping_and_starting_at_once(kind: str, contexts: dict[str, Any]) -> None:
    """In pyzmq the address may still be taken."""
    ctx = contexts[OURS[0]]
    for _ in range(5):
        with guarding(OURS[0], kind, ctx) as auth:
            auth.deny("127.0.0.1")
            assert meet(ctx, ctx, {"zap_domain": b"x"}, {}) == (REFUSED, None)


def test_dropping_it_ends_the_thread(tree: Tree, tree_ctx: Any) -> None:
    auth = tree("auth.thread").ThreadAuthenticator(tree_ctx)
    auth.start()
    before = threading.active_count()
    auth.thread.authenticator = None  # else the thread keeps it
    thread = auth.thread
    del auth
    wait_until(lambda: not thread.is_alive())
    assert threading.active_count() < before


def test_destroying_the_context_ends_the_thread() -> None:
    module = importlib.import_module("zmqlite.pyzmq.auth.thread")
    ctx = guest.Context()
    auth = module.ThreadAuthenticator(ctx)
    auth.start()
    thread = auth.thread
    ctx.destroy(0)
    wait_until(lambda: not thread.is_alive())
    assert not auth.is_alive()
    auth.stop()


def test_asynchronous_servers_and_clients(tree: Tree, keys: Keys) -> None:
    zmq, azmq = tree(""), tree("asyncio")

    async def main() -> None:
        ctx = azmq.Context()
        auth = tree("auth.asyncio").AsyncioAuthenticator(ctx)
        auth.start()
        auth.configure_curve(location=keys.folder)
        rep, req = ctx.socket(zmq.REP), ctx.socket(zmq.REQ)
        rep.linger = req.linger = 0
        for socket, options in ((rep, keys.server), (req, keys.known)):
            for name, value in options.items():
                setattr(socket, name, value)
        port = rep.bind_to_random_port("tcp://127.0.0.1")
        req.connect(f"tcp://127.0.0.1:{port}")
        await req.send(b"hello")
        frame = (await rep.recv_multipart(copy=False))[0]
        assert (frame.bytes, frame["User-Id"]) == (b"hello", keys.public.decode())
        await rep.send(b"welcome")
        assert await req.recv() == b"welcome"
        auth.stop()
        await asyncio.sleep(0)
        rep.close()
        req.close()
        ctx.term()

    asyncio.run(asyncio.wait_for(main(), LIMIT / 1000))


def test_loop_arguments_are_deprecated(tree: Tree, tree_ctx: Any) -> None:
    with pytest.deprecated_call(match="loop"):
        tree("auth.asyncio").AsyncioAuthenticator(tree_ctx, loop=object())


@pytest.mark.parametrize("library", LIBRARIES)
def test_ioloop_is_deprecated(library: str) -> None:
    code = f"""
import warnings
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    from {library}.auth.ioloop import IOLoopAuthenticator
    from {library}.auth.asyncio import AsyncioAuthenticator
assert issubclass(IOLoopAuthenticator, AsyncioAuthenticator)
print([entry.category.__name__ for entry in caught])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['DeprecationWarning']"


# -- certificates --------------------------------------------------------------------------------


@needs_curve
def test_certificates(tree: Tree, tmp_path: Path) -> None:
    auth = tree("auth")
    public_file, secret_file = auth.create_certificates(tmp_path, "name", {"a": "b"})
    assert public_file == os.path.join(tmp_path, "name.key")  # noqa: PTH118 - text, as there
    assert secret_file == public_file + "_secret"
    public, secret = auth.load_certificate(secret_file)
    assert auth.load_certificate(public_file) == (public, None)
    assert tree("").curve_public(secret) == public
    assert auth.load_certificates(tmp_path) == {public: True}
    assert auth.certs.load_certificates is auth.load_certificates
    with pytest.raises(OSError, match="absent"):
        auth.load_certificate(tmp_path / "absent")
    with pytest.raises(OSError, match="absent"):
        auth.load_certificates(tmp_path / "absent")
    (tmp_path / "empty.key").write_text("curve\n")
    with pytest.raises(ValueError, match=r"empty\.key"):
        auth.load_certificates(tmp_path)
