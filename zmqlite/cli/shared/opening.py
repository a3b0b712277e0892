"""A socket as the command line asks for it: opened, waited for, closed."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from ...certs import load_certificate
from ...context import Context
from ...enums import SocketType
from ...error import Again
from ...security import curve_keypair
from ...socket import Socket
from ..command import INTERRUPTED, TIMEOUT, USAGE, CommandError
from ..output import complain

__all__ = ["Opening", "PlainSocket", "curve_options", "duration", "milliseconds"]

PlainSocket: TypeAlias = Socket[bytes]

_PUBLISHERS = (SocketType.PUB, SocketType.XPUB)
_SILENCE = 0.9
"""Seconds that the last messages may take to leave before a word is said about it.

A wait of a second or more has the library say a word of its own.
"""


def milliseconds(seconds: float | None) -> int:
    """Return a time as libzmq's options have it: -1 for ever."""
    return -1 if seconds is None else max(1, round(seconds * 1000))


def duration(seconds: float) -> str:
    """Return a time in words: 250 ms, 1.5 s."""
    return f"{seconds * 1000:g} ms" if seconds < 1 else f"{seconds:g} s"


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
    known = server_key.encode()
    if len(known) != 40 or Path(server_key).exists():
        known = _read_keys(server_key)[0]
    return {"curve_serverkey": known, "curve_publickey": public, "curve_secretkey": secret}


def _read_keys(name: str) -> tuple[bytes, bytes | None]:
    try:
        return load_certificate(name)
    except OSError as error:
        text = f"no key in {name}: {error.strerror}"
        raise CommandError(f"{text} (a key has 40 characters)", USAGE) from None
    except ValueError as error:
        raise CommandError(str(error), USAGE) from None


def _own_keys(name: str) -> tuple[bytes, bytes]:
    public, secret = _read_keys(name)
    if secret is None:
        better = f"; {name}_secret has it" if Path(f"{name}_secret").exists() else ""
        raise CommandError(f"{name} has no secret key{better}", USAGE)
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
        options.update(self.options)
        context = Context()
        try:
            socket = context.socket(self.type, **options)
            if before is not None:
                before(socket)
            self.attach(socket)
            self.wait(socket)
            yield socket
            linger = socket.linger
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
        if self.wait_peers and self.type in _PUBLISHERS:
            socket.wait_subscribers(self.wait_peers, timeout=self._limit)
        elif self.wait_peers:
            socket.wait_peers(self.wait_peers, timeout=self._limit)

    @property
    def _limit(self) -> float | None:
        return None if self.timeout is None else self.timeout * 1000

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
            context.term(_SILENCE)
            return
        self.say("waiting until the messages have left; Ctrl-C gives them up")
        while self.quiet:
            with suppress(Again):
                context.term(_SILENCE)
                return
        context.term()

    def say(self, text: str) -> None:
        """Say something on standard error, where that is wanted."""
        if not self.quiet:
            complain(f"zmqlite: {text}")
