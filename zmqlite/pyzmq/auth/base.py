"""`Authenticator`: pyzmq's shape for the rules and answers of `zmqlite.auth`."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from ...auth import ANONYMOUS, ZAP_ENDPOINT, AddressRules, Answer, Gate, Verdict, password_matches
from ...enums import SocketType
from ...error import ZMQError
from ...security import z85_encode
from ...security.zap import is_promise, no_verdict
from ..sugar import Context, Socket
from .certs import load_certificates

__all__ = ["CURVE_ALLOW_ANY", "Authenticator"]

CURVE_ALLOW_ANY = "*"
"""As the location of `configure_curve`: any key will do."""

VERSION = b"1.0"


class Authenticator:
    """Answers the questions that libzmq asks about new connections, by rules.

    Without rules it lets in who shows no credentials (NULL), and nobody with PLAIN or CURVE. This
    base class runs in no loop: its user passes what `zap_socket` receives to
    `handle_zap_message`.

    A rule is for one domain, the `zap_domain` of a server; "*" is the one of servers without.
    """

    context: Any
    zap_socket: Any
    """The REP socket that is asked; None unless it was started."""

    def __init__(self, context: Any = None, encoding: str = "utf-8", log: Any = None) -> None:
        self.context = context or Context.instance()
        self.encoding = encoding
        self.log = log or logging.getLogger("zmq.auth")
        self.zap_socket = None
        self.allow_any = False
        self.passwords: dict[str, dict[str, str]] = {}
        self.certs: dict[str, dict[bytes, Any]] = {}
        self.credentials_providers: dict[str, Any] = {}
        self._addresses = AddressRules(strict=False)

    # -- life ------------------------------------------------------------------------------------

    def start(self) -> None:
        """Open the socket that libzmq asks. One authenticator at a time in a context."""
        self.zap_socket = self.context.socket(SocketType.REP, socket_class=Socket)
        self.zap_socket.linger = 1
        try:
            self.zap_socket.bind(ZAP_ENDPOINT)
        except BaseException:
            self.zap_socket.close(0)
            self.zap_socket = None
            raise
        self.log.debug("started")

    def stop(self) -> None:
        """Close the socket. From now on libzmq asks nobody."""
        if self.zap_socket:
            with suppress(ZMQError):  # closing frees the address a little later
                self.zap_socket.unbind(ZAP_ENDPOINT)
            self.zap_socket.close()
        self.zap_socket = None

    # -- rules -----------------------------------------------------------------------------------

    @property
    def _allowed(self) -> set[str]:
        return self._addresses.allowed

    @property
    def _denied(self) -> set[str]:
        return self._addresses.denied

    def allow(self, *addresses: str) -> None:
        """Let in clients from these addresses only. ValueError after `deny`."""
        if addresses or self._addresses.denied:  # pyzmq takes an empty list for none
            self._addresses.allow(*addresses)
        self.log.debug("allowing %s", ", ".join(addresses))

    def deny(self, *addresses: str) -> None:
        """Keep out clients from these addresses. ValueError after `allow`."""
        self._addresses.deny(*addresses)
        self.log.debug("denying %s", ", ".join(addresses))

    def configure_plain(self, domain: str = "*", passwords: dict[str, str] | None = None) -> None:
        """Let in PLAIN clients that know the password of a user: name -> password."""
        if passwords:
            self.passwords[domain] = passwords
        self.log.debug("PLAIN is configured for %s", domain)

    def configure_curve(self, domain: str = "*", location: str | os.PathLike[str] = ".") -> None:
        """Let in CURVE clients whose certificates are in a folder, or any with CURVE_ALLOW_ANY.

        The folder is read now: call again when it has changed. If it cannot be read, that is
        logged and nobody new comes in.
        """
        self.allow_any = location == CURVE_ALLOW_ANY
        self.log.debug("CURVE is configured for %s: %s", domain, location)
        if self.allow_any:
            return
        try:
            self.certs[domain] = load_certificates(location)
        except Exception as error:
            self.log.error("no CURVE certificates from %s: %s", location, error)

    def configure_curve_callback(
        self, domain: str = "*", credentials_provider: Any = None
    ) -> None:
        """Let in CURVE clients for which `credentials_provider.callback(domain, key)` is true.

        The key is in Z85. The callback may be a coroutine function. What it returns counts by its
        truth, as in pyzmq; but a coroutine, a future or a generator is no answer, and lets nobody
        in.
        """
        self.allow_any = False
        if credentials_provider is None:
            self.log.error("no credentials_provider was given for %s", domain)
        else:
            self.credentials_providers[domain] = credentials_provider

    def configure_gssapi(self, domain: str = "*", location: str | None = None) -> None:
        """Do nothing: libzmq and Kerberos have made sure who it is."""

    def curve_user_id(self, client_public_key: bytes) -> str:
        """Return the user id of a client that may come in: its key (32 bytes) in Z85.

        To be overridden by who has better names.
        """
        return z85_encode(client_public_key).decode("ascii")

    # -- answers ---------------------------------------------------------------------------------

    async def handle_zap_message(self, msg: Sequence[bytes]) -> None:
        """Answer one question of `zap_socket`.

        Whatever goes wrong is answered too (status 500), so that the next client finds the
        authenticator alive.
        """
        reply = await _Gate(self).answer_async(msg)
        self._send_zap_reply(
            reply[1], reply[2], reply[3], reply[4].decode(self.encoding, "replace")
        )

    def _authenticate_plain(self, domain: str, username: str, password: str) -> tuple[bool, bytes]:
        """Return whether a PLAIN client may come in, and why not."""
        if not self.passwords:
            return False, b"No passwords defined"
        passwords = self.passwords.get(domain or "*")
        if passwords is None:
            return False, b"Invalid domain"
        if password_matches(passwords, username, password):
            return True, b""
        return False, b"Invalid password" if username in passwords else b"Invalid username"

    async def _authenticate_curve(self, domain: str, client_key: bytes) -> tuple[bool, bytes]:
        """Return whether a CURVE client may come in, and why not."""
        if self.allow_any:
            return True, b"OK"
        domain, key = domain or "*", z85_encode(client_key)
        welcome: Any
        if self.credentials_providers:
            if domain not in self.credentials_providers:
                return False, b"Unknown domain"
            welcome = self.credentials_providers[domain].callback(domain, key)
            if hasattr(welcome, "__await__"):
                welcome = await welcome
            if is_promise(welcome):
                refusal = no_verdict("credentials_provider.callback()", welcome)
                self.log.error("%s: it lets nobody in", refusal.reason)
                return False, refusal.reason.encode()
        elif domain in self.certs:
            welcome = self.certs[domain].get(key)
        else:
            return False, b"Unknown domain"
        return (True, b"OK") if welcome else (False, b"Unknown key")

    def _authenticate_gssapi(self, domain: str, principal: bytes) -> tuple[bool, bytes]:
        """Return that a client of GSSAPI may come in."""
        return True, b"OK"

    def _send_zap_reply(
        self,
        request_id: bytes,
        status_code: bytes,
        status_text: bytes,
        user_id: str = ANONYMOUS,
    ) -> None:
        """Send an answer. Its user id is empty unless the status is 200."""
        who = user_id.encode(self.encoding, "replace") if status_code == b"200" else b""
        self.zap_socket.send_multipart([VERSION, request_id, status_code, status_text, who, b""])


class _Gate(Gate):
    """Asks an authenticator, whose methods may be overridden."""

    def __init__(self, authenticator: Authenticator) -> None:
        super().__init__(authenticator.encoding, authenticator.log)
        self._authenticator = authenticator
        self.addresses = authenticator._addresses

    def check_plain(self, domain: str, username: str, password: str) -> Answer:
        found = self._authenticator._authenticate_plain(domain, username, password)
        return _verdict(found, username)

    def check_curve(self, domain: str, key: bytes) -> Answer:
        return self._curve(domain, key)

    async def _curve(self, domain: str, key: bytes) -> Verdict:
        found = await self._authenticator._authenticate_curve(domain, key)
        return _verdict(found, self._authenticator.curve_user_id(key) if found[0] else "")

    def check_gssapi(self, domain: str, principal: str) -> Answer:
        found = self._authenticator._authenticate_gssapi(domain, principal.encode(self.encoding))
        return _verdict(found, principal)


def _verdict(found: tuple[bool, bytes], user_id: str) -> Verdict:
    allowed, reason = found
    return Verdict(bool(allowed), "OK" if allowed else reason.decode("utf-8", "replace"), user_id)
