"""Rules about addresses and passwords, which a gate asks; see `zmqlite.auth`."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping

from .keys import keys_equal
from .zap import Verdict

__all__ = ["AddressRules", "password_matches"]


def folded(address: str) -> str:
    """Return an IP address as it is written shortest, one of IPv4 as such; other text as it is.

    A socket for IPv6 and IPv4 sees 127.0.0.1 as ::ffff:127.0.0.1.
    """
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    return str(getattr(found, "ipv4_mapped", None) or found)


class AddressRules:
    """Addresses that alone may come in, or that may not: one of the two.

    They are IP addresses, in any way to write them; an IPv4 address is the same for a socket that
    takes IPv6 as well. Over ipc a peer's is ``:user:group:process``, in numbers. Anything else
    raises ValueError, unless `strict` is False.
    """

    def __init__(self, strict: bool = True) -> None:
        self.allowed: set[str] = set()
        self.denied: set[str] = set()
        self._strict = strict
        self._only = False  # a list of those who may come in was given, if an empty one
        self._folded: dict[str, str] = {}  # by what was given
        self._short: set[str] = set()  # the same, to look into; threads may add to all of these

    def allow(self, *addresses: str) -> None:
        """Let in these, and nobody else; without any, nobody. ValueError after `deny`."""
        if self.denied:
            raise ValueError("allow and deny exclude each other, and deny was used")
        self._add(self.allowed, addresses)
        self._only = True

    def deny(self, *addresses: str) -> None:
        """Keep out these, and nobody else. ValueError after `allow`."""
        if self._only or self.allowed:
            raise ValueError("allow and deny exclude each other, and allow was used")
        self._add(self.denied, addresses)

    def _add(self, to: set[str], addresses: tuple[str, ...]) -> None:
        if self._strict:
            for address in addresses:
                _check(address)
        self._folded.update((address, folded(address)) for address in addresses)
        self._short.update(map(folded, addresses))
        to.update(addresses)

    def _among(self, address: str, given: set[str]) -> bool:
        if not given:  # as mostly: no need to read the address
            return False
        if address in given:
            return True
        short = folded(address)
        if short not in self._short:  # as mostly: what is given may be long
            return False
        return any(self._folded.get(one) == short for one in given.copy())

    def check(self, address: str) -> Verdict:
        """Say whether an address may go on to show its credentials."""
        if (self._only or self.allowed) and not self._among(address, self.allowed):
            return Verdict(False, "Address not allowed", rule="address")
        if self._among(address, self.denied):
            return Verdict(False, "Address denied", rule="address")
        return Verdict(True)


def _check(address: object) -> None:
    if not isinstance(address, str):
        raise TypeError(f"an address is text, such as '127.0.0.1', not {address!r}")
    if address.startswith(":") and not address.startswith("::"):  # ipc
        return
    try:
        ipaddress.ip_address(address)
    except ValueError:
        instead = "; names and networks are for a check_address of your own"
        raise ValueError(f"{address!r} is no IP address{instead}") from None


def password_matches(passwords: Mapping[str, str], username: str, password: str) -> bool:
    """Compare in a time that tells neither the password nor whether the user exists."""
    known = passwords.get(username)
    same = keys_equal("" if known is None else known, password)
    return same and known is not None
