"""Finding an option by number or by name, and the name that was meant."""

from __future__ import annotations

from ..constants import _REMOVED
from .rows import CONTEXT_ROWS, MESSAGE_ROWS, SOCKET_ALIASES, SOCKET_ROWS, Option

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

__all__ = [
    "CONTEXT_OPTIONS",
    "MESSAGE_OPTIONS",
    "SOCKET_OPTIONS",
    "OptionTable",
    "find",
]


class OptionTable:
    """The options of one kind of thing, to look up by number or by name in any case.

    Iterates over the rows; older names lead to the same row.
    """

    def __init__(self, rows: Iterable[Option], aliases: Mapping[str, str] | None = None) -> None:
        self.rows = tuple(rows)
        self.aliases = dict(aliases or {})
        self.by_name = {row.name: row for row in self.rows}
        self.by_number: dict[int, Option] = {}
        for row in self.rows:  # of two that share a number, the readable one stands for it
            self.by_number.setdefault(row.number, row)
        for alias, name in self.aliases.items():
            self.by_name[alias] = self.by_name[name]

    def __iter__(self) -> Iterator[Option]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def find(self, key: str | int) -> Option | None:
        """Return the option of that number or name, None when there is none."""
        if isinstance(key, str):
            return self.by_name.get(key) or self.by_name.get(key.upper())
        return self.by_number.get(key)

    def nearest(self, name: str, more: Iterable[str] = ()) -> str | None:
        """Return the name that was meant, in lower case: one that is called otherwise elsewhere,
        or most like a misspelt one. None when nothing is like it.

        `more` are names beside those of the table.
        """
        import difflib  # only the failure branch pays for it

        meant = _MEANT.get(name.lower())
        if meant is not None and self is SOCKET_OPTIONS:
            return meant
        names = [*(other.upper() for other in more), *self.by_name]
        found = difflib.get_close_matches(name.upper(), names, n=1, cutoff=0.6)
        return found[0].lower() if found else None

    def unknown(
        self, name: str, owner: str = "Socket", more: Iterable[str] = ()
    ) -> AttributeError:
        """Return (not raise) the error for a name that is no option, with what to use instead."""
        text = f"{owner} has no such option: {name.upper()}"
        if name.upper() in _REMOVED:
            return AttributeError(f"{text}; {_REMOVED[name.upper()]}")
        like = self.nearest(name, more)
        return AttributeError(f"{text}; did you mean {like}?" if like else text)


# What other libraries call an option, or what is asked of a socket elsewhere.
_MEANT = {
    **dict.fromkeys(("timeout", "timeout_ms"), "rcvtimeo and sndtimeo"),
    **dict.fromkeys(("recv_timeout", "receive_timeout", "read_timeout"), "rcvtimeo"),
    **dict.fromkeys(("send_timeout", "write_timeout"), "sndtimeo"),
    **dict.fromkeys(("topic", "topics", "filter", "subscription", "subscriptions"), "subscribe"),
    **dict.fromkeys(("id", "name", "socket_id"), "routing_id"),
    **dict.fromkeys(("high_water_mark", "queue_size", "maxsize"), "hwm"),
    **dict.fromkeys(("keepalive", "keep_alive"), "tcp_keepalive"),
    **dict.fromkeys(("username", "user"), "plain_username"),
    "password": "plain_password",
    "max_message_size": "maxmsgsize",
    "heartbeat": "heartbeat_ivl",
    "proxy": "socks_proxy",
}

SOCKET_OPTIONS = OptionTable(SOCKET_ROWS, SOCKET_ALIASES)
CONTEXT_OPTIONS = OptionTable(CONTEXT_ROWS)
MESSAGE_OPTIONS = OptionTable(MESSAGE_ROWS)


def find(key: str | int) -> Option | None:
    """Return the socket option of that number or name (any case), None when there is none."""
    return SOCKET_OPTIONS.find(key)
