"""The question that libzmq asks about a new connection, and the answer: ZAP, RFC 27.

Frames in, frames out; what an answer says is decided in `auth.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

__all__ = [
    "CREDENTIALS",
    "ZAP_ENDPOINT",
    "AwaitableCheck",
    "Decision",
    "MalformedRequest",
    "Outcome",
    "Request",
    "Verdict",
    "is_promise",
    "no_verdict",
]

ZAP_ENDPOINT = "inproc://zeromq.zap.01"
"""Where libzmq asks. A REP or ROUTER socket is bound here, one for each context."""

_VERSION = b"1.0"
CREDENTIALS = {"PLAIN": 2, "CURVE": 1, "GSSAPI": 1}
_LONGEST = 255  # bytes, as for every name in ZAP
_STATUSES = (0, 200, 300, 400, 500)


@dataclass(frozen=True)
class Verdict:
    """Whether a peer may come in; true if so.

    `user_id` and `metadata` arrive with every message of that peer: `frame["User-Id"]` and
    `frame[name]`. `reason` is for the logs of the server; the peer only hears `status`.

    `allowed` is True or False: anything else raises `TypeError`, a coroutine that was not
    awaited among it. So does a `user_id` that is no text, and metadata that is neither text nor
    bytes. `ValueError` is for a status that says the opposite of `allowed`, and for what would
    not arrive as it is: a `user_id` or metadata with a NUL, a `user_id` of more than 255 bytes,
    and metadata named Socket-Type.
    """

    allowed: bool
    reason: str = ""
    user_id: str = ""
    metadata: Mapping[str, str | bytes] = field(default_factory=dict[str, str | bytes])
    status: int = 0
    """The code of RFC 27: 200, 300 (try again later), 400 or 500. 0 says 200 or 400."""
    rule: str = ""
    """Which of a gate's own rules refuses: "address", "password" or "key"; "" for any other."""

    def __post_init__(self) -> None:
        kinds = (("allowed", bool), ("reason", str), ("user_id", str), ("rule", str))
        for name, kind in kinds:
            value = getattr(self, name)
            if not isinstance(value, kind):
                raise TypeError(f"{name} of a Verdict is a {kind.__name__}, not {_kind_of(value)}")
        if self.status not in _STATUSES or (self.status and self.allowed != (self.status == 200)):
            said = "lets in" if self.allowed else "refuses"
            raise ValueError(
                f"status of a Verdict that {said} is {'200' if self.allowed else '300, 400, 500'} "
                f"or 0, not {self.status!r}"
            )

        self._check_what_arrives()

    def _check_what_arrives(self) -> None:
        if "\0" in self.user_id or len(self.user_id.encode("utf-8", "surrogatepass")) > _LONGEST:
            raise ValueError(
                f"user_id of a Verdict is at most {_LONGEST} bytes without a NUL, "
                f"not {self.user_id[:_LONGEST]!r}"
            )
        for name, value in self.metadata.items():
            if not isinstance(value, (str, bytes)):
                raise TypeError(
                    f"metadata of a Verdict is text or bytes, not {_kind_of(value)}: {name!r}"
                )
            data = value.encode("utf-8", "surrogatepass") if isinstance(value, str) else value
            if b"\0" in data or name == "Socket-Type":
                raise ValueError(
                    f"metadata of a Verdict has no NUL and is not named Socket-Type: {name!r}"
                )

    def __bool__(self) -> bool:
        return self.allowed

    @property
    def code(self) -> int:
        """The status code that is sent."""
        return self.status or (200 if self.allowed else 400)


def no_verdict(check: str, found: Any) -> Verdict:
    """Return the refusal that a check means which returned what is no answer.

    What it returned is named by its type alone: it may be a secret.
    """
    if is_promise(found) and hasattr(found, "close"):
        found.close()  # a coroutine or generator, which nobody runs
    return Verdict(False, f"{check} returned {_kind_of(found)}", status=500)


def is_promise(found: object) -> bool:
    """Whether it may become an answer, and is none yet: a coroutine, a generator, a future."""
    kinds = (("__await__",), ("__anext__",), ("add_done_callback",), ("send", "throw"))
    return any(all(hasattr(found, name) for name in kind) for kind in kinds)


def _kind_of(value: object) -> str:
    name = type(value).__name__
    article = "an" if name[:1].lower() in "aeiou" else "a"
    missing = ": an await is missing" if hasattr(value, "__await__") else ""
    return f"{article} {name}{missing}"


class Decision(NamedTuple):
    """What a gate has decided about a peer, and why; a password is not among it."""

    allowed: bool
    domain: str
    address: str
    mechanism: str
    claim: str
    """Who it says it is: the public key in Z85 (CURVE), the user's name (PLAIN), the principal."""
    user_id: str
    reason: str
    status: int
    when: float
    rule: str = ""
    """Which of the gate's own rules has refused it: "address", "password" or "key"; "" for what
    a check of yours says, and for who was let in."""

    def __str__(self) -> str:
        who = " ".join(filter(None, [self.user_id or self.claim, self.address]))
        what = "let in" if self.allowed else "refused"
        # a peer chose its name: no line of a log, and nothing for a terminal, is made of that
        told = f"{self.mechanism} {who} {what} ({self.status}): {self.reason or 'OK'}"
        return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in told)


class Outcome(NamedTuple):
    """An answer, and the decision in it; None where the question was no request."""

    reply: list[bytes]
    decision: Decision | None


class AwaitableCheck(TypeError):
    """A check is awaitable, and here is no loop that could await it."""


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
        if len(credentials) != CREDENTIALS.get(name, len(credentials)):
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
