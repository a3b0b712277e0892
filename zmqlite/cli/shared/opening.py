"""A socket as the command line asks for it: opened, waited for, closed."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from ...context import Context
from ...enums import Event, Flag, PollEvent, SocketType
from ...error import Again, NotSupported, ZMQError
from ...security import curve_keypair, curve_public
from ...socket import Socket
from ...socket.peers import PastPeer, Wait, end_in_words, last_past
from ..command import FAILURE, INTERRUPTED, TIMEOUT, USAGE, CommandError
from ..output import complain
from .abilities import check_parts
from .allowing import Allowed, public_key, read_keys
from .values import duration, end_of, milliseconds_left

__all__ = ["Opening", "PlainSocket", "curve_options", "milliseconds"]

PlainSocket: TypeAlias = Socket[bytes]

_PUBLISHERS = (SocketType.PUB, SocketType.XPUB)
_TELLING = {SocketType[name] for name in ("REQ", "ROUTER", "STREAM", "SERVER", "PEER")}
"""Types whose `send` raises instead of waiting: out of turn, or to a peer that is unknown."""
_SILENCE = 900
"""Milliseconds that a wait may take before a word is said about it.

A wait of a second or more for a context's end has the library say a word of its own.
"""
_SHOWN, _NEWS = 3, 100


def milliseconds(seconds: float | None) -> int:
    """Return a time as libzmq's options have it: -1 for ever."""
    return -1 if seconds is None else max(1, round(seconds * 1000))


def curve_options(server_key: str | None, key_file: str | None) -> dict[str, bytes | int]:
    """Return the options for CURVE: a client's with the key of a server, else a server's.

    `server_key` is 40 characters of Z85 or the name of a file that `zmqlite.certs` can read,
    `key_file` such a file with a secret key. A client without a file gets keys of the moment.
    """
    if server_key is None and key_file is None:
        return {}
    public = secret = b""
    if key_file is not None:
        public, secret = _own_keys(key_file)
    if server_key is None:
        return {"curve_server": 1, "curve_secretkey": secret, "curve_publickey": public}
    if not secret:
        public, secret = curve_keypair()
    keys = {"curve_publickey": public, "curve_secretkey": secret}
    return {"curve_serverkey": public_key(server_key), **keys}


def _own_keys(name: str) -> tuple[bytes, bytes]:
    public, secret = read_keys(name)
    if secret is None:
        better = f"; {name}_secret has it" if Path(f"{name}_secret").exists() else ""
        raise CommandError(f"{name} has no secret key{better}", USAGE)
    try:
        together = curve_public(secret) == public
    except (ZMQError, ValueError) as error:
        raise CommandError(f"the secret key in {name} is none: {error}", USAGE) from None
    if not together:
        raise CommandError(f"the two keys in {name} do not belong together", USAGE)
    return public, secret


@dataclass
class Opening:
    """What a socket is to be: its type, addresses and options, and how long it may wait."""

    type: SocketType
    bind: tuple[str, ...] = ()
    connect: tuple[str, ...] = ()
    options: dict[str, Any] = field(default_factory=dict[str, Any])
    timeout: float | None = None
    """Seconds that a receive, a send, or the wait for peers may take; None is for ever."""
    wait_peers: int = 0
    quiet: bool = False
    delivers: bool = False
    """Whether what was sent is to have left at the end."""
    allowed: Allowed = field(default_factory=Allowed)
    told: set[str] = field(default_factory=set[str])
    """What was said already."""
    begins: bool = True
    """Whether nothing was sent yet."""

    @contextmanager
    def open(
        self, before: Callable[[PlainSocket], None] | None = None
    ) -> Generator[PlainSocket, None, None]:
        """Yield the socket, connected; at the end wait until what was sent has left.

        `before` is called with the socket before it is bound or connected.
        """
        limit = milliseconds(self.timeout)
        linger = limit if self.delivers else 0
        options: dict[str, Any] = {"rcvtimeo": limit, "sndtimeo": limit, "linger": linger}
        options.update({**self.allowed.options(), **self.options})
        context = Context()
        try:
            with self.allowed.serve(context, self.say):
                socket = context.socket(self.type, **options)
                try:
                    if before is not None:
                        before(socket)
                    self.attach(socket)
                    self.wait(socket)
                    yield socket
                    linger = socket.linger
                    if self.delivers and linger and self._see_off(socket, linger):
                        linger = 0  # nothing waits, however long the end takes
                    self._tell_refusal(socket)
                except BaseException:
                    socket.close(0)  # before its gate, which lets in less than none does
                    raise
                socket.close()
            self._end(context, linger)
        except BaseException:
            context.destroy(linger=0)
            raise

    def attach(self, socket: PlainSocket) -> None:
        """Bind and connect, and say to which ports."""
        for address in self.bind:
            endpoint = socket.bind(address)
            self.say(f"{self.type.name} is bound to {endpoint}")
        for address in self.connect:
            socket.connect(address)

    def wait(self, socket: PlainSocket) -> None:
        """Wait for the peers that the first message is for."""
        if not self.wait_peers:
            return
        publishes = self.type in _PUBLISHERS
        operation = "wait_subscribers" if publishes else "wait_peers"
        limit = None if self.timeout is None else self.timeout * 1000
        waited, told = 0.0, self.quiet
        while True:
            pause = _SILENCE if limit is None else min(_SILENCE, limit - waited)
            wait = Wait(socket, operation, self.wait_peers, pause)
            with suppress(Again):
                socket._wait(wait)
                return
            self.refuse_vain(socket)
            waited += pause
            if limit is not None and waited >= limit:
                text = f"after {duration(limit / 1000)}: {wait.state()}"
                raise CommandError(text, TIMEOUT)
            if not told:
                told = True
                whom = counted(self.wait_peers, "subscriber" if publishes else "peer")
                self.say(f"waiting for {whom}{state_of(socket)}")

    def await_room(self, socket: PlainSocket, end: float | None) -> None:
        """Wait until a message can be sent, `end` at the latest, and say so when nobody takes it.

        Raises `CommandError` when the time is over.
        """
        told = False
        while not socket.poll(milliseconds_left(end, _SILENCE), PollEvent.POLLOUT):
            self.refuse_vain(socket)
            if end is not None and end <= time.monotonic():
                raise self.too_late("a message could not be sent", socket)
            if not told:
                told = True
                self.say(f"waiting for a peer to send to{state_of(socket)}")
            if self.type in _TELLING:
                return

    def send(self, socket: PlainSocket, parts: list[bytes], group: str | None = None) -> None:
        """Send a message of one part or several."""
        check_parts(self.type, parts)
        end = end_of(socket.sndtimeo)
        if self.begins:  # for its peer to be there, if it is addressed
            self.await_room(socket, end)
            self.begins = False
        try:
            hand_over(socket, parts, group, Flag.DONTWAIT)
            return
        except Again:
            self.await_room(socket, end)
        limit: int = socket.sndtimeo
        try:
            socket.sndtimeo = milliseconds_left(end, limit)
            hand_over(socket, parts, group)
        except Again:
            raise self.too_late("a message could not be sent", socket) from None
        finally:
            socket.sndtimeo = limit

    def await_peer(self, socket: PlainSocket) -> None:
        """Wait for one, and say so when nobody answers at the addresses, or raise `CommandError`
        if nobody ever can; where there is a time limit, what is said at its end tells more."""
        told = self.quiet
        while self.connect and self.timeout is None:
            try:
                socket.wait_peers(1, timeout=_SILENCE)
                return
            except NotSupported:  # no connections, or a libzmq that does not know
                return
            except Again:
                self.refuse_vain(socket)
            if not told:
                told = True
                self.say(f"waiting for a peer{state_of(socket)}")

    def await_message(self, socket: PlainSocket, what: str = "message") -> None:
        """Wait until a message is there, and tell meanwhile what goes wrong.

        Raises `CommandError` when the time is over.
        """
        end = None if self.timeout is None else time.monotonic() + self.timeout
        while True:
            left = _SILENCE if end is None else (end - time.monotonic()) * 1000
            if socket.poll(max(1, min(left, _SILENCE))):
                return
            if left <= _SILENCE and end is not None and end <= time.monotonic():
                raise self.too_late(f"no {what}", socket)
            self.tell_news(socket)

    def too_late(self, what: str, socket: PlainSocket | None = None) -> CommandError:
        """Return what to raise when the time is over: what there was by then, and why; raise
        it where nobody could ever be there."""
        why = ""
        if socket is not None:
            self.refuse_vain(socket)
            why = state_of(socket)
        return CommandError(f"{what} within {duration(self.timeout or 0)}{why}", TIMEOUT)

    def tell_news(self, socket: PlainSocket) -> None:
        """Say, once, that nobody is where this socket connects to, or that a handshake failed.

        Raises `CommandError` when nobody can ever be there.
        """
        self.refuse_vain(socket)
        if self.quiet:
            return
        known = known_of(socket)
        news = [known.who] if self.connect and known.connected == 0 else []
        if known.failed and not (self.allowed and known.refused):
            news.append(known.end)
        said = re.sub(r" [\d.]+ s ago|:\d+\)", "", "; ".join(news))
        if said and said not in self.told and len(self.told) < _NEWS:
            self.told.add(said)
            self.say(f"waiting: {'; '.join(news)}")

    def refuse_vain(self, socket: PlainSocket) -> None:
        """Wait no longer where every server has refused us: libzmq asks none of them again."""
        refused = refusals(socket)
        if refused and not self.bind and refused.keys() >= set(socket.endpoints):
            raise CommandError("; ".join(refused.values()), FAILURE)

    def _tell_refusal(self, socket: PlainSocket) -> None:
        """Raise `CommandError` if what was sent is lost, as a server has refused us."""
        refused = refusals(socket) if self.delivers else {}
        if refused:
            lost = f"{'; '.join(refused.values())}; what was sent there is lost"
            raise CommandError(lost, FAILURE)

    def _see_off(self, socket: PlainSocket, linger: int) -> bool:
        """Wait until all has left, and say what waits if that takes long, or does not happen.

        Returns False where that is not known.
        """
        try:
            with suppress(Again):
                socket.wait_drained(_SILENCE if linger < 0 else min(linger, _SILENCE))
                return True
            if linger < 0 or linger > _SILENCE:
                waiting = f"waiting until the messages have left: {unsent(socket)}"
                self.say(f"{waiting}; Ctrl-C gives them up")
                socket.wait_drained(None if linger < 0 else linger - _SILENCE)
                return True
        except NotSupported:  # someone else's libzmq: the end of the context tells
            return False
        except Again:
            pass
        text = f"not all messages have left within {duration(linger / 1000)}: {unsent(socket)}"
        raise CommandError(text, TIMEOUT)

    def _end(self, context: Context[Any], linger: int) -> None:
        """End the context when all has left; tell when that takes long, or does not happen."""
        start = time.monotonic()
        try:
            self._wait_left(context)
        except KeyboardInterrupt:
            # no socket is left whose linger could be set to 0, and an exit honours a linger that
            # was set: it would wait as term does
            complain("zmqlite: interrupted")
            os._exit(INTERRUPTED)
        if 0 < linger / 1000 <= time.monotonic() - start:
            text = f"not all messages have left within {duration(linger / 1000)}"
            raise CommandError(text, TIMEOUT)

    def _wait_left(self, context: Context[Any]) -> None:
        with suppress(Again):
            context.term(_SILENCE / 1000)
            return
        self.say("waiting until the messages have left; Ctrl-C gives them up")
        while self.quiet:
            with suppress(Again):
                context.term(_SILENCE / 1000)
                return
        context.term()

    def say(self, text: str) -> None:
        """Say something on standard error, where that is wanted."""
        if not self.quiet:
            complain(f"zmqlite: {text}")


def hand_over(socket: PlainSocket, parts: list[bytes], group: str | None, flags: int = 0) -> None:
    if len(parts) == 1:
        socket.send(parts[0], flags, group=group)
    else:
        socket.send_multipart(parts, flags)


def counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'s' * (number != 1)}"


class Known(NamedTuple):
    """Who is connected, and how the last connection ended; "" and None where that is unknown."""

    connected: int | None = None
    who: str = ""
    past: PastPeer | None = None
    end: str = ""

    @property
    def failed(self) -> bool:
        """Whether the last connection ended in its handshake."""
        return self.past is not None and self.past.event != Event.DISCONNECTED

    @property
    def refused(self) -> bool:
        """Whether that was since a gate of ours refused it."""
        past = self.past
        return (
            past is not None
            and past.event == Event.HANDSHAKE_FAILED_AUTH
            and past.peer.direction == "bound"
        )


def known_of(socket: PlainSocket) -> Known:
    """Return what is known of those who are, or were, connected."""
    try:
        connected, past = len(socket.peers), last_past(socket)
    except ZMQError:  # a libzmq that does not tell
        return Known()
    where = ", ".join(socket.endpoints[:_SHOWN])
    who = f"{connected:,} connected" if connected else f"nobody is connected at {where}"
    return Known(connected, who, past, end_in_words(socket, past))


def refusals(socket: PlainSocket) -> dict[str, str]:
    """Return where servers have refused this socket for good, and in which words.

    What waited for such a server is lost, and nothing connects to it again.
    """
    try:
        return {
            past.peer.endpoint: f"{past.peer.endpoint} refused us ({past.reason})"
            for past in socket.past_peers
            if past.event == Event.HANDSHAKE_FAILED_AUTH and past.peer.direction == "connected"
        }
    except ZMQError:  # a libzmq that does not tell
        return {}


def state_of(socket: PlainSocket) -> str:
    """Return the same as the end of a sentence."""
    known = known_of(socket)
    return "".join(f"; {text}" for text in (known.who, known.end) if text)


def unsent(socket: PlainSocket) -> str:
    """Return how many messages have not left, and for whom they are."""
    stats = socket.stats()
    whom = [one.address or one.endpoint for one in stats.peers if one.unsent]
    where = f" for {', '.join(whom[:_SHOWN])}" if whom else ""
    return counted(stats.unsent, "message") + where + state_of(socket)
