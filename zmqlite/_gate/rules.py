"""Rules about addresses and passwords, which a gate asks; see `zmqlite.auth`."""

from __future__ import annotations

from collections.abc import Mapping

from ..security import keys_equal
from .zap import Verdict

__all__ = ["ADDRESS_NOT_ALLOWED", "UNKNOWN_KEY", "AddressRules", "password_matches"]

ADDRESS_NOT_ALLOWED = "Address not allowed"
UNKNOWN_KEY = "Unknown key"


class AddressRules:
    """Addresses that alone may come in, or that may not: one of the two."""

    def __init__(self) -> None:
        self.allowed: set[str] = set()
        self.denied: set[str] = set()
        self._only = False  # a list of those who may come in was given, if an empty one

    def allow(self, *addresses: str) -> None:
        """Let in these, and nobody else; without any, nobody. ValueError after `deny`."""
        if self.denied:
            raise ValueError("allow and deny exclude each other, and deny was used")
        self._only = True
        self.allowed.update(addresses)

    def deny(self, *addresses: str) -> None:
        """Keep out these, and nobody else. ValueError after `allow`."""
        if self._only or self.allowed:
            raise ValueError("allow and deny exclude each other, and allow was used")
        self.denied.update(addresses)

    def check(self, address: str) -> Verdict:
        """Say whether an address may go on to show its credentials."""
        if (self._only or self.allowed) and address not in self.allowed:
            return Verdict(False, ADDRESS_NOT_ALLOWED)
        if address in self.denied:
            return Verdict(False, "Address denied")
        return Verdict(True)


def password_matches(passwords: Mapping[str, str], username: str, password: str) -> bool:
    """Compare in a time that tells neither the password nor whether the user exists."""
    known = passwords.get(username)
    same = keys_equal("" if known is None else known, password)
    return same and known is not None
