"""Who may come in: answers to the question that libzmq asks about each new connection (ZAP).

A server socket with a `zap_domain`, or with PLAIN or CURVE, has libzmq ask before it lets a peer
in. The question goes to the socket that is bound to `ZAP_ENDPOINT` in the same context, and is a
message:

    version, request id, domain, address, identity, mechanism, credentials ...

and so is the answer: version, request id, status code, status text, user id, metadata. Both are
laid down in RFC 27. Here is what lies between them, without sockets and loops: frames in, frames
out. A `Gate` holds the rules:

    gate = Gate()
    gate.curve("clients")  # a folder of certificates
    with gate.serve(context):
        ...

No password reaches a log or an exception, and passwords are compared in constant time.
"""

from __future__ import annotations

import logging
import os
import time
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Generator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, cast

from .certs import KeyFolder
from .security import z85_encode
from .security.rules import AddressRules, password_matches
from .security.service import Service, ThreadService
from .security.zap import (
    CREDENTIALS,
    ZAP_ENDPOINT,
    AwaitableCheck,
    Decision,
    MalformedRequest,
    Outcome,
    Request,
    Verdict,
    no_verdict,
)

__all__ = [
    "ANONYMOUS",
    "ZAP_ENDPOINT",
    "AddressRules",
    "Answer",
    "Decision",
    "Gate",
    "MalformedRequest",
    "Request",
    "Verdict",
    "password_matches",
]

ANONYMOUS = "anonymous"
"""The user id of a client that has not said who it is."""

log = logging.getLogger("zmqlite.auth")


Answer = Verdict | Awaitable[Verdict]
"""What a check returns: its verdict, or something that `Gate.answer_async` awaits."""

_Steps = Generator[Awaitable[Any], Any, Outcome]
_CHECKS = ("check_address", "check_null", "check_plain", "check_curve", "check_gssapi", "user_id")


class Gate:
    """The rules, and the answers that follow from them.

    A new gate lets in every client without credentials (NULL), and nobody with PLAIN or CURVE. A
    rule is for one domain (`zap_domain` of the server's socket), or with "*" for those that have
    none of their own. Subclasses may override the `check_` methods and `user_id`. A check returns
    a `Verdict`, or something awaitable whose result is one; `user_id` must return text. Whatever
    else they return, and what they raise, keeps the client out (status 500).

    Threads may ask it at the same time, if its checks can stand that, and rules may be replaced
    meanwhile.
    """

    report: Callable[[Decision], object] | None = None
    """Is called with each decision once it is sent, in the thread or task that serves the gate."""

    def __init__(self, encoding: str = "utf-8", log: Any = log) -> None:
        self._refused: deque[Decision] = deque(maxlen=16)
        self._slow: set[str] = set()  # the domains whose keys a callable judges
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
        if not isinstance(passwords, Mapping):
            raise TypeError(
                f"plain() takes a mapping of names to passwords, not {type(passwords).__name__}: "
                "override check_plain() for anything else"
            )
        self._passwords[domain] = passwords

    def curve(
        self,
        keys: Collection[bytes] | Callable[[str, bytes], Any] | str | os.PathLike[str] | None,
        domain: str = "*",
    ) -> None:
        """Let in CURVE clients by their public key.

        `keys` are the public keys in Z85, or the path of a folder of certificates (`*.key`), which
        is read again when it has changed (a fifth of a second later at most; a file that is no
        certificate is logged and left out), or a callable that is given the domain and such a key,
        and returns True, False or None, or a `Verdict` (or something awaitable whose result is
        that). Whatever else it returns, however true, lets nobody in (status 500). None lets in
        everybody: the connection is encrypted all the same.
        """
        if isinstance(keys, (bytes, bytearray)):
            raise TypeError("curve() takes a collection of keys: put a single one into a list")
        if callable(keys):
            self._slow.add(domain)  # first: who comes meanwhile may have to wait for it
            self._keys[domain] = keys
            return
        if isinstance(keys, (str, os.PathLike)):
            self._keys[domain] = KeyFolder(cast("str", keys), self.log)
        elif keys is None:
            self._keys[domain] = _anybody
        else:
            known = frozenset(bytes(key) for key in keys)
            self._keys[domain] = lambda _, key: key in known
        self._slow.discard(domain)

    # -- checks ----------------------------------------------------------------------------------

    def check_address(self, address: str) -> Answer:
        """Say whether anybody may come in from an address."""
        return self.addresses.check(address)

    def check_null(self, domain: str) -> Answer:
        """Say whether a client without credentials may come in."""
        return Verdict(True, user_id=ANONYMOUS)

    def check_plain(self, domain: str, username: str, password: str) -> Answer:
        """Say whether a client with a password may come in."""
        passwords = self._passwords.get(domain, self._passwords.get("*"))
        if passwords is None:
            return Verdict(False, "No passwords for this domain", rule="password")
        if not password_matches(passwords, username, password):
            return Verdict(False, "Invalid username or password", rule="password")
        return Verdict(True, user_id=username)

    def check_curve(self, domain: str, key: bytes) -> Answer:
        """Say whether the client with this public key (32 bytes) may come in."""
        welcome = self._keys.get(domain, self._keys.get("*"))
        if welcome is None:
            return Verdict(False, "No keys for this domain", rule="key")
        found = welcome(domain, z85_encode(key))
        judge = partial(self._by_key, key)
        return _Later(found, judge) if hasattr(found, "__await__") else judge(found)

    def _by_key(self, key: bytes, welcome: Any) -> Verdict:
        if isinstance(welcome, Verdict):
            return welcome
        if welcome is True:
            return Verdict(True, user_id=self.user_id(key))
        if welcome is None or welcome is False:
            return Verdict(False, "Unknown key", rule="key")
        return self._no_verdict("the callable of curve()", welcome)

    def check_gssapi(self, domain: str, principal: str) -> Answer:
        """Say whether a principal may come in; GSSAPI has made sure already who it is."""
        return Verdict(True, user_id=principal)

    def user_id(self, key: bytes) -> str:
        """Return the name of the client with this public key (32 bytes): the key in Z85."""
        return z85_encode(key).decode("ascii")

    # -- answers ---------------------------------------------------------------------------------

    def serve(self, context: Any, *, limit: float = 5.0) -> Service:
        """Return a context manager within which the sockets of a context are served by this gate.

        `with gate.serve(context):` has a thread do it, in gevent a greenlet; `async with`, for a
        context of asyncio or trio, tasks. A check that takes longer than `limit` seconds, or
        raises, lets nobody in, and holds up no other; a client whose check was late may try again.
        Enter it before the servers bind, and close them before it ends: without a gate, libzmq
        lets in more than you want. Raises `AddressInUse` where the context has a gate already.
        """
        make = getattr(context, "_gate_service", ThreadService)
        return make(self, context, limit)

    @property
    def refused(self) -> tuple[Decision, ...]:
        """The last 16 peers that were refused, the oldest first."""
        return tuple(self._refused)

    def answers_at_once(self, frames: Sequence[bytes]) -> bool:
        """Whether a question is answered by rules alone, which never take time."""
        kind, own = type(self), vars(self)
        if any(name in own or getattr(kind, name) is not getattr(Gate, name) for name in _CHECKS):
            return False
        if type(self.addresses) is not AddressRules:
            return False
        domain = bytes(frames[2]).decode(self.encoding, "replace") if len(frames) > 2 else ""
        passwords = self._passwords.get(domain, self._passwords.get("*"))
        if passwords is not None and not isinstance(passwords, dict):
            return False  # what it looks up in may take time
        return (domain if domain in self._keys else "*") not in self._slow

    def answer(self, frames: Sequence[bytes]) -> list[bytes]:
        """Return the answer to a question, whatever the question.

        Raises TypeError when a check is awaitable: `answer_async` is for those.
        """
        reply, decision = self.decide(frames)
        self.tell(decision)
        return reply

    async def answer_async(self, frames: Sequence[bytes]) -> list[bytes]:
        """Return the answer to a question, awaiting what the checks return."""
        reply, decision = await self.decide_async(frames)
        self.tell(decision)
        return reply

    def decide(self, frames: Sequence[bytes]) -> Outcome:
        """Do as `answer`, but tell nobody: that is for who sends the answer."""
        steps = self._steps(frames)
        try:
            pending: Any = next(steps)
        except StopIteration as end:
            return cast("Outcome", end.value)
        steps.close()
        if hasattr(pending, "close"):  # a coroutine that nobody will await
            pending.close()
        raise AwaitableCheck("a check of this gate is awaitable: use answer_async()")

    async def decide_async(self, frames: Sequence[bytes]) -> Outcome:
        """Do as `answer_async`, but tell nobody."""
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
            return cast("Outcome", end.value)

    def decide_late(self, frames: Sequence[bytes], reason: str, status: int = 300) -> Outcome:
        """Return the answer to a question whose check has not ended: not now."""
        try:
            request = Request.parse(frames, self.encoding)
        except MalformedRequest as error:
            return Outcome(error.reply, None)
        verdict = Verdict(False, reason, status=status)
        self.log.error("%s, %r stays out for now", reason, request)
        return Outcome(request.reply(verdict), self._decision(request, verdict))

    def tell(self, decision: Decision | None) -> None:
        """Log, keep and report a decision that is sent."""
        if decision is None:
            return
        self.log.debug(
            "%s %s %s from %s: %s",
            "ALLOWED" if decision.allowed else "DENIED",
            decision.mechanism,
            decision.user_id,
            decision.address,
            decision.reason or "OK",
        )
        if not decision.allowed:
            self._refused.append(decision)
        if self.report is not None:
            try:
                found: Any = self.report(decision)
                if hasattr(found, "__await__"):
                    end = getattr(found, "close", None) or getattr(found, "cancel", None)
                    if end is not None:  # a coroutine; or a task or future
                        with suppress(Exception):
                            end()
                    raise TypeError("report is a plain function: nobody awaits what it returns")
            except Exception:
                self.log.exception("the report of a decision failed")

    def _decision(self, request: Request, verdict: Verdict) -> Decision:
        claim = request.credentials[0] if request.credentials else b""
        if request.mechanism == "CURVE" and len(claim) == 32:
            claim = z85_encode(claim)
        return Decision(
            bool(verdict),
            request.domain,
            request.address,
            request.mechanism,
            claim.decode(self.encoding, "replace") if request.mechanism in CREDENTIALS else "",
            verdict.user_id,
            verdict.reason,
            verdict.code,
            time.time(),
            verdict.rule,
        )

    def _steps(self, frames: Sequence[bytes]) -> _Steps:
        """Yield what is to be awaited; return the answer."""
        try:
            request = Request.parse(frames, self.encoding)
        except MalformedRequest as error:
            self.log.error("refused a malformed request: %s", error)
            return Outcome(error.reply, None)
        self.log.debug("asked about %r", request)
        try:
            found: Any = self.check_address(request.address)
            verdict = yield from self._judged("check_address()", found)
            if verdict:
                name = f"check_{request.mechanism.lower()}()"
                verdict = yield from self._judged(name, self._check(request))
            return Outcome(request.reply(verdict, self.encoding), self._decision(request, verdict))
        except Exception:
            self.log.exception("a check failed, %r stays out", request)
            verdict = Verdict(False, "Internal error", status=500)
        return Outcome(request.reply(verdict), self._decision(request, verdict))

    def _judged(self, check: str, found: Any) -> Generator[Awaitable[Any], Any, Verdict]:
        """Yield what is to be awaited; return what a check has decided."""
        if not isinstance(found, Verdict) and hasattr(found, "__await__"):
            found = yield found
        return found if isinstance(found, Verdict) else self._no_verdict(check, found)

    def _no_verdict(self, check: str, found: object) -> Verdict:
        verdict = no_verdict(check, found)
        self.log.error("%s: it lets nobody in", verdict.reason)
        return verdict

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
