"""Who may connect to a server: --allow and --allow-from as a gate, which says whom it refuses."""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from ...auth import Decision, Gate
from ...certs import KeyFolder, load_certificate
from ...security import z85_decode
from ..command import USAGE, CommandError
from ..output import complain
from .formats import as_bytes

__all__ = ["Allowed", "public_key", "read_keys"]

_PAUSE = 60.0  # seconds between two words about the same client: it may try again and again
_KNOWN = 1000


def read_keys(name: str) -> tuple[bytes, bytes | None]:
    """Return the keys of a certificate, public and secret."""
    try:
        return load_certificate(name)
    except OSError as error:
        text = f"no key in {name}: {error.strerror}"
        raise CommandError(f"{text} (a key has 40 characters)", USAGE) from None
    except ValueError as error:
        raise CommandError(str(error), USAGE) from None


def public_key(text: str) -> bytes:
    """Return the public key that an option names: 40 characters of Z85, or a file."""
    key = as_bytes(text)
    if len(key) != 40 or Path(text).exists():
        key = read_keys(text)[0]
    try:
        if len(z85_decode(key)) == 32:
            return key
    except ValueError:
        pass
    raise CommandError(f"{text} is no CURVE key, which has 40 characters of Z85", USAGE)


class Talk:
    """What a gate logs, as lines on standard error."""

    def debug(self, text: str, *args: Any) -> None:
        """Nothing: what was decided is told by `Allowed`."""

    def error(self, text: str, *args: Any) -> None:
        complain(f"zmqlite: {text % args}")

    exception = error


@dataclass
class Allowed:
    """The clients that may come in: by their keys, and by where they come from."""

    keys: tuple[str, ...] = ()
    """Keys, files of keys, and folders of such files."""
    places: tuple[str, ...] = ()
    """IP addresses."""

    def __bool__(self) -> bool:
        return bool(self.keys or self.places)

    def serve(
        self, context: Any, say: Callable[[str], None]
    ) -> AbstractContextManager[Any, bool | None]:
        """Return what lets these in, and no others, to servers of the context, and says whom it
        has refused, and why. They are to be closed before it ends."""
        if not self:
            return nullcontext()
        service: Any = self._gate(say).serve(context)
        return cast("AbstractContextManager[Any, bool | None]", service)

    def options(self) -> dict[str, Any]:
        """Return what a server's socket needs so that libzmq asks about clients without keys."""
        return {"zap_domain": "zmqlite"} if self.places else {}

    def _gate(self, say: Callable[[str], None]) -> Gate:
        gate = Gate(log=Talk())
        if self.places:  # a rule of no addresses lets in nobody
            gate.allow(*map(_ip, self.places))
        gate.curve(self._rule(say) if self.keys else None)
        gate.report = Refusals(say)
        return gate

    def _rule(self, say: Callable[[str], None]) -> Any:
        folders = [name for name in self.keys if Path(name).is_dir()]
        keys = frozenset(public_key(name) for name in self.keys if name not in folders)
        for folder in folders:
            if not keys and not any(Path(folder).glob("*.key")):
                say(f"there is no NAME.key in {folder}: nobody may connect yet")
        if not folders:
            return keys
        if len(folders) == 1 and not keys:
            return folders[0]
        rules = [KeyFolder(folder, Talk()) for folder in folders]

        def known(domain: str, key: bytes) -> bool:
            return key in keys or any(rule(domain, key) for rule in rules)

        return known


def _ip(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        raise CommandError(f"--allow-from takes an IP address, not {text!r}", USAGE) from None


class Refusals:
    """Says who was refused, not more than once a minute of the same client."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._told: dict[tuple[str, str, str], float] = {}

    def __call__(self, decision: Decision) -> None:
        if decision.allowed:
            return
        who, now = (decision.address, decision.claim, decision.reason), time.monotonic()
        if now - self._told.get(who, -_PAUSE) < _PAUSE:
            return
        if len(self._told) >= _KNOWN:
            self._told.clear()
        self._told[who] = now
        self._say(f"refused a client at {decision.address or 'this host'}: {self._why(decision)}")

    def _why(self, decision: Decision) -> str:
        if decision.rule == "key":
            return f"no --allow has its key, {decision.claim}"
        if decision.rule == "address":
            return "no --allow-from has its address"
        return decision.reason
