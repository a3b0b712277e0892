"""Log records as messages: [topic, text], published for who wants to hear them.

    handler = PUBHandler("tcp://127.0.0.1:12345", root_topic="app")
    logging.getLogger().addHandler(handler)
    logging.warning("disk::nearly full")      # published as [b"app.WARNING.disk", b"..."]

The topic is made of the root topic, the name of the level and, before a `::` in the text, a topic
of the record's own; subscribers choose by how it begins.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import Any

from ...constants import PUB
from ...error import Again
from ..sugar.context import Context
from ..sugar.socket import Socket

__all__ = ["TOPIC_DELIM", "PUBHandler", "TopicLogger"]

TOPIC_DELIM = "::"
"""Parts the topic of a record from its text."""

_MOMENT = 0.1
"""Seconds that closing a handler may take."""

_WHERE = "%(levelname)s %(filename)s:%(lineno)d - %(message)s"


class PUBHandler(logging.Handler):
    """A handler that publishes records on a PUB socket: one that is given, or one bound here.

    `interface_or_socket` is a PUB socket, which stays the caller's, or an address to bind a new
    one to, which `close()` closes; it lives in `context`, or in a context of its own, which
    `close()` ends.
    """

    socket: Any
    """The PUB socket."""
    ctx: Any
    """The context it lives in."""
    formatters: dict[int, logging.Formatter | None]
    """The format for each level; a level without one uses that of INFO."""

    def __init__(
        self,
        interface_or_socket: str | Socket[Any],
        context: Context[Any] | None = None,
        root_topic: str = "",
    ) -> None:
        super().__init__()
        self.root_topic = root_topic
        self.formatters = {
            logging.DEBUG: logging.Formatter(f"{_WHERE}\n"),
            logging.INFO: logging.Formatter("%(message)s\n"),
            logging.WARNING: logging.Formatter(f"{_WHERE}\n"),
            logging.ERROR: logging.Formatter(f"{_WHERE} - %(exc_info)s\n"),
            logging.CRITICAL: logging.Formatter(f"{_WHERE}\n"),
        }
        self._own = isinstance(interface_or_socket, str)
        self._own_context = self._own and context is None
        if isinstance(interface_or_socket, str):
            self.ctx = Context() if context is None else context
            self.socket = self.ctx.socket(PUB)
            self.socket.bind(interface_or_socket)
        else:
            self.socket = interface_or_socket
            self.ctx = interface_or_socket.context

    @property
    def root_topic(self) -> str:
        """What every topic begins with; str, and bytes are decoded."""
        return self._root_topic

    @root_topic.setter
    def root_topic(self, value: str | bytes) -> None:
        self.setRootTopic(value)

    def setRootTopic(self, root_topic: str | bytes) -> None:
        """Set what every topic begins with."""
        if isinstance(root_topic, bytes):
            root_topic = root_topic.decode("utf8")
        self._root_topic = root_topic

    def setFormatter(self, fmt: logging.Formatter | None, level: int = logging.NOTSET) -> None:
        """Set the format of one level, or of all of them when no level is given."""
        if level == logging.NOTSET:
            self.formatters = dict.fromkeys(self.formatters, fmt)
        else:
            self.formatters[level] = fmt

    def format(self, record: logging.LogRecord) -> str:
        """Format a record as its level wants it."""
        formatter = self.formatters.get(record.levelno, self.formatters[logging.INFO])
        return (formatter or _PLAIN).format(record)

    def emit(self, record: logging.LogRecord) -> None:
        """Publish a record. Never raises; see `logging.Handler.handleError`."""
        try:
            topics = [self._root_topic, record.levelname]
            if isinstance(record.msg, str) and TOPIC_DELIM in record.msg:
                own, _, record.msg = record.msg.partition(TOPIC_DELIM)
                topics.append(own)
            topic = ".".join(topic for topic in topics if topic)
            self.socket.send_multipart([topic.encode("utf8"), self.format(record).encode("utf8")])
        except Exception:
            self.handleError(record)

    def close(self) -> None:
        """Close the socket and end the context, if they were made here.

        What subscribers have still to fetch goes on being sent; this waits for it no longer than
        a moment.
        """
        if self._own:
            self.socket.close()
        if self._own_context:
            with suppress(Again):
                self.ctx.term(_MOMENT)
        super().close()


_PLAIN = logging.Formatter()


class TopicLogger(logging.Logger):
    """A logger whose methods take a topic before the text, for `PUBHandler` to publish under.

    `logger.warning("disk", "nearly full")` logs the text "disk::nearly full".
    """

    def log(self, level: int, topic: str, msg: Any, *args: Any, **kwargs: Any) -> None:  # type: ignore[override]
        """Log a text under a topic."""
        super().log(level, f"{topic}{TOPIC_DELIM}{msg}", *args, **kwargs)

    def debug(self, topic: str, msg: Any, *args: Any, **kwargs: Any) -> None:  # type: ignore[override]
        """Log at level DEBUG."""
        super().debug(f"{topic}{TOPIC_DELIM}{msg}", *args, **kwargs)

    def info(self, topic: str, msg: Any, *args: Any, **kwargs: Any) -> None:  # type: ignore[override]
        """Log at level INFO."""
        super().info(f"{topic}{TOPIC_DELIM}{msg}", *args, **kwargs)

    def warning(self, topic: str, msg: Any, *args: Any, **kwargs: Any) -> None:  # type: ignore[override]
        """Log at level WARNING."""
        super().warning(f"{topic}{TOPIC_DELIM}{msg}", *args, **kwargs)

    warn = warning  # type: ignore[assignment]

    def error(self, topic: str, msg: Any, *args: Any, **kwargs: Any) -> None:  # type: ignore[override]
        """Log at level ERROR."""
        super().error(f"{topic}{TOPIC_DELIM}{msg}", *args, **kwargs)

    def exception(self, topic: str, msg: Any, *args: Any, **kwargs: Any) -> None:  # type: ignore[override]
        """Log at level ERROR, with the exception that is being handled."""
        kwargs.setdefault("exc_info", True)
        super().error(f"{topic}{TOPIC_DELIM}{msg}", *args, **kwargs)

    def critical(self, topic: str, msg: Any, *args: Any, **kwargs: Any) -> None:  # type: ignore[override]
        """Log at level CRITICAL."""
        super().critical(f"{topic}{TOPIC_DELIM}{msg}", *args, **kwargs)

    fatal = critical  # type: ignore[assignment]
