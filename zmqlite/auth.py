"""Who may come in: answers to the question that libzmq asks about each new connection (ZAP).

A server socket with a `zap_domain`, or with PLAIN or CURVE, has libzmq ask before it lets a peer
in. The question goes to the socket that is bound to `ZAP_ENDPOINT` in the same context, and is a
message:

    version, request id, domain, address, identity, mechanism, credentials ...

and so is the answer: version, request id, status code, status text, user id, metadata. Both are
laid down in RFC 27. Here is what lies between them, without sockets and loops: frames in, frames
out. A `Gate` holds the rules:

    gate = Gate()
    gate.curve(load_certificates("clients"))
    with context.socket(zmq.REP, bind=ZAP_ENDPOINT) as door:
        while True:
            door.send_multipart(gate.answer(door.recv_multipart()))

No password reaches a log or an exception, and passwords are compared in constant time.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Collection, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, cast

from .security import keys_equal, z85_encode

__all__ = [
    "ANONYMOUS",
    "ZAP_ENDPOINT",
    "AddressRules",
    "Answer",
    "Gate",
    "MalformedRequest",
    "Request",
    "Verdict",
    "password_matches",
]

ZAP_ENDPOINT = "inproc://zeromq.zap.01"
"""Where libzmq asks. A REP or ROUTER socket is bound here, one for each context."""

ANONYMOUS = "anonymous"
"""The user id of a client that has not said who it is."""

_VERSION = b"1.0"
_CREDENTIALS = {"PLAIN": 2, "CURVE": 1, "GSSAPI": 1}

log = logging.getLogger("zmqlite.auth")


@dataclass(frozen=True)
class Verdict:
    """Whether a peer may come in; true if so.

    `user_id` and `metadata` arrive with every message of that peer: `frame["User-Id"]` and
    `frame[name]`. `reason` is for the logs of the server; the peer only hears `status`.
    """

    allowed: bool
    reason: str = ""
    user_id: str = ""
    metadata: Mapping[str, str | bytes] = field(default_factory=dict[str, str | bytes])
    status: int = 0
    """The code of RFC 27: 200, 300 (try again later), 400 or 500. 0 says 200 or 400."""

    def __bool__(self) -> bool:
        return self.allowed

    @property
    def code(self) -> int:
        """The status code that is sent."""
        return self.status or (200 if self.allowed else 400)


class MalformedRequest(ValueError):
    """A message that is no request, with the frames that answer it nevertheless in `reply`."""

    def __init__(self, request_id: bytes, reason: str) -> None:
        super().__init__(reason)
        self.reply = _reply(request_id, Verdict(False, reason), "utf-8")


@dataclass(frozen=True)
class Request:
    """One question: who wants to come in, from where, and what it shows."""

    request_id: bytes
    domain: str
    address: str
    identity: bytes
    mechanism: str
    credentials: tuple[bytes, ...] = field(repr=False)  # a password may be among them

    @classmethod
    def parse(cls, frames: Sequence[bytes], encoding: str = "utf-8") -> Request:
        """Read the frames of a question. Raises `MalformedRequest`."""
        parts = [bytes(frame) for frame in frames]
        request_id = parts[1] if len(parts) > 1 else b""
        if len(parts) < 6:
            raise MalformedRequest(request_id, "Not enough frames")
        if parts[0] != _VERSION:
            raise MalformedRequest(request_id, "Invalid version")
        _, _, domain, address, identity, mechanism, *credentials = parts
        name = mechanism.decode("ascii", "replace")
        if len(credentials) != _CREDENTIALS.get(name, len(credentials)):
            raise MalformedRequest(request_id, "Invalid credentials")
        return cls(
            request_id,
            domain.decode(encoding, "replace"),
            address.decode(encoding, "replace"),
            identity,
            name,
            tuple(credentials),
        )

    def reply(self, verdict: Verdict, encoding: str = "utf-8") -> list[bytes]:
        """Return the frames of the answer."""
        return _reply(self.request_id, verdict, encoding)


def _reply(request_id: bytes, verdict: Verdict, encoding: str) -> list[bytes]:
    user_id = verdict.user_id.encode(encoding, "replace") if verdict else b""
    return [
        _VERSION,
        request_id,
        b"%d" % verdict.code,
        (verdict.reason or ("OK" if verdict else "NO ACCESS")).encode(encoding, "replace")[:255],
        user_id[:255],
        b"".join(_property(*item) for item in verdict.metadata.items()) if verdict else b"",
    ]


def _property(name: str, value: str | bytes) -> bytes:
    """Return one property as ZMTP writes it: both with their lengths."""
    key = name.encode("ascii")
    if not 0 < len(key) < 256:
        raise ValueError(f"the name of a property has 1 to 255 characters, not {len(key)}")
    content = value.encode() if isinstance(value, str) else bytes(value)
    return bytes([len(key)]) + key + len(content).to_bytes(4, "big") + content


class AddressRules:
    """Addresses that alone may come in, or that may not: one of the two."""

    def __init__(self) -> None:
        self.allowed: set[str] = set()
        self.denied: set[str] = set()

    def allow(self, *addresses: str) -> None:
        """Let in these, and nobody else. ValueError after `deny`."""
        if self.denied:
            raise ValueError("allow and deny exclude each other, and deny was used")
        self.allowed.update(addresses)

    def deny(self, *addresses: str) -> None:
        """Keep out these, and nobody else. ValueError after `allow`."""
        if self.allowed:
            raise ValueError("allow and deny exclude each other, and allow was used")
        self.denied.update(addresses)

    def check(self, address: str) -> Verdict:
        """Say whether an address may go on to show its credentials."""
        if self.allowed and address not in self.allowed:
            return Verdict(False, "Address not allowed")
        if address in self.denied:
            return Verdict(False, "Address denied")
        return Verdict(True)


def password_matches(passwords: Mapping[str, str], username: str, password: str) -> bool:
    """Compare in a time that tells neither the password nor whether the user exists."""
    known = passwords.get(username)
    same = keys_equal("" if known is None else known, password)
    return same and known is not None


Answer = Verdict | Awaitable[Verdict]
"""What a check returns: its verdict, or something that `Gate.answer_async` awaits."""

_Steps = Generator[Awaitable[Any], Any, list[bytes]]


class Gate:
    """The rules, and the answers that follow from them.

    A new gate lets in every client without credentials (NULL), and nobody with PLAIN or CURVE. A
    rule is for one domain (`zap_domain` of the server's socket), or with "*" for those that have
    none of their own. Subclasses may override the `check_` methods and `user_id`; what they
    return may be awaitable, and what they raise keeps the client out (status 500).

    Not for use by two threads at once, except that rules may be replaced meanwhile.
    """

    def __init__(self, encoding: str = "utf-8", log: Any = log) -> None:
        self.encoding = encoding
        self.log = log
        self.addresses = AddressRules()
        self._passwords: dict[str, Mapping[str, str]] = {}
        self._keys: dict[str, Callable[[str, bytes], Any]] = {}

    # -- rules -----------------------------------------------------------------------------------

    def allow(self, *addresses: str) -> None:
        """Let in clients from these addresses only; they still have to show their credentials."""
        self.addresses.allow(*addresses)

    def deny(self, *addresses: str) -> None:
        """Keep out clients from these addresses."""
        self.addresses.deny(*addresses)

    def plain(self, passwords: Mapping[str, str], domain: str = "*") -> None:
        """Let in PLAIN clients that know the password of a user: name -> password."""
        self._passwords[domain] = passwords

    def curve(
        self,
        keys: Collection[bytes] | Callable[[str, bytes], Any] | None,
        domain: str = "*",
    ) -> None:
        """Let in CURVE clients by their public key.

        `keys` are the public keys in Z85, or a callable that is given the domain and such a key,
        and returns whether it is welcome (or something awaitable that does). None lets in
        everybody: the connection is encrypted all the same.
        """
        if keys is None:
            self._keys[domain] = _anybody
        elif callable(keys):
            self._keys[domain] = keys
        else:
            known = frozenset(bytes(key) for key in keys)
            self._keys[domain] = lambda _, key: key in known

    # -- checks ----------------------------------------------------------------------------------

    def check_address(self, address: str) -> Verdict:
        """Say whether anybody may come in from an address."""
        return self.addresses.check(address)

    def check_null(self, domain: str) -> Answer:
        """Say whether a client without credentials may come in."""
        return Verdict(True, user_id=ANONYMOUS)

    def check_plain(self, domain: str, username: str, password: str) -> Answer:
        """Say whether a client with a password may come in."""
        passwords = self._passwords.get(domain, self._passwords.get("*"))
        if passwords is None:
            return Verdict(False, "No passwords for this domain")
        if not password_matches(passwords, username, password):
            return Verdict(False, "Invalid username or password")
        return Verdict(True, user_id=username)

    def check_curve(self, domain: str, key: bytes) -> Answer:
        """Say whether the client with this public key (32 bytes) may come in."""
        welcome = self._keys.get(domain, self._keys.get("*"))
        if welcome is None:
            return Verdict(False, "No keys for this domain")
        found = welcome(domain, z85_encode(key))
        judge = partial(self._by_key, key)
        return _Later(found, judge) if hasattr(found, "__await__") else judge(found)

    def _by_key(self, key: bytes, welcome: Any) -> Verdict:
        if isinstance(welcome, Verdict):
            return welcome
        if not welcome:
            return Verdict(False, "Unknown key")
        return Verdict(True, user_id=self.user_id(key))

    def check_gssapi(self, domain: str, principal: str) -> Answer:
        """Say whether a principal may come in; GSSAPI has made sure already who it is."""
        return Verdict(True, user_id=principal)

    def user_id(self, key: bytes) -> str:
        """Return the name of the client with this public key (32 bytes): the key in Z85."""
        return z85_encode(key).decode("ascii")

    # -- answers ---------------------------------------------------------------------------------

    def answer(self, frames: Sequence[bytes]) -> list[bytes]:
        """Return the answer to a question, whatever the question.

        Raises TypeError when a check is awaitable: `answer_async` is for those.
        """
        steps = self._steps(frames)
        try:
            pending: Any = next(steps)
        except StopIteration as end:
            return cast("list[bytes]", end.value)
        steps.close()
        if hasattr(pending, "close"):  # a coroutine that nobody will await
            pending.close()
        raise TypeError("a check of this gate is awaitable: use answer_async()")

    async def answer_async(self, frames: Sequence[bytes]) -> list[bytes]:
        """Return the answer to a question, awaiting what the checks return."""
        steps = self._steps(frames)
        try:
            pending = next(steps)
            while True:
                try:
                    value = await pending
                except Exception as error:
                    pending = steps.throw(error)
                else:
                    pending = steps.send(value)
        except StopIteration as end:
            return cast("list[bytes]", end.value)

    def _steps(self, frames: Sequence[bytes]) -> _Steps:
        """Yield what is to be awaited; return the answer."""
        try:
            request = Request.parse(frames, self.encoding)
        except MalformedRequest as error:
            self.log.error("refused a malformed request: %s", error)
            return error.reply
        self.log.debug("asked about %r", request)
        try:
            verdict: Any = self.check_address(request.address)
            if verdict:
                verdict = self._check(request)
                if not isinstance(verdict, Verdict):
                    verdict = yield verdict
            reply = request.reply(verdict, self.encoding)
        except Exception:
            self.log.exception("a check failed, %r stays out", request)
            verdict = Verdict(False, "Internal error", status=500)
            reply = request.reply(verdict)
        self.log.debug(
            "%s %s %s from %s: %s",
            "ALLOWED" if verdict else "DENIED",
            request.mechanism,
            verdict.user_id,
            request.address,
            verdict.reason or "OK",
        )
        return reply

    def _check(self, request: Request) -> Answer:
        """Ask the check of the request's mechanism."""
        domain, shown = request.domain, request.credentials
        if request.mechanism == "NULL":
            return self.check_null(domain)
        if request.mechanism == "PLAIN":
            name, password = (text.decode(self.encoding, "replace") for text in shown)
            return self.check_plain(domain, name, password)
        if request.mechanism == "CURVE":
            return self.check_curve(domain, shown[0])
        if request.mechanism == "GSSAPI":
            return self.check_gssapi(domain, shown[0].decode(self.encoding, "replace"))
        return Verdict(False, f"Unknown mechanism {request.mechanism}")


class _Later:
    """Something awaitable whose result is judged."""

    def __init__(self, found: Any, judge: Callable[[Any], Verdict]) -> None:
        self._found = found
        self._judge = judge

    def __await__(self) -> Generator[Any, None, Verdict]:
        return self._judge((yield from self._found.__await__()))

    def close(self) -> None:
        """Nobody will await it."""
        if hasattr(self._found, "close"):
            self._found.close()


def _anybody(domain: str, key: bytes) -> bool:
    return True
