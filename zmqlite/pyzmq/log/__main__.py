"""`python -m zmqlite.pyzmq.log URL`: show what a `PUBHandler` publishes."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from contextlib import suppress

from ...cli.output import Parser, guarded, write
from ...constants import SUB
from ..sugar.context import Context

__all__ = ["main"]

_DATE_FORMAT = "%Y-%m-%d %H:%M:%S"
_COLORS = {"DEBUG": 36, "INFO": 32, "WARNING": 33, "ERROR": 31, "CRITICAL": 35}


def main(argv: Sequence[str] | None = None) -> int:
    """Print records until Ctrl-C, and return the exit status."""
    options = _parser().parse_args(argv)
    width = 0
    with (
        Context() as context,
        context.socket(SUB, linger=0) as source,
        suppress(KeyboardInterrupt),
    ):
        source.subscribe(options.topic)
        source.connect(options.zmq_pub_url)
        while True:
            topic, *rest = (part.decode("utf8", "replace") for part in source.recv_multipart())
            width = max(width, len(topic))
            text = f"{topic:<{width}}" if options.align else topic
            write(_line(text, " ".join(rest), options))
    return 0


def _line(topic: str, text: str, options: argparse.Namespace) -> str:
    """Return what one record looks like."""
    when = time.strftime(options.dateformat) + " " if options.timestamp else ""
    line = f"{when}{topic}{options.separator}{text.rstrip()}"
    color = next((_COLORS[word] for word in topic.split(".") if word in _COLORS), None)
    return f"\x1b[{color}m{line}\x1b[0m" if options.color and color else line


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="zmq.log", description="Show the log records that a PUBHandler publishes."
    )
    parser.add_argument("zmq_pub_url", help="where the records are published, tcp://host:port")
    parser.add_argument("-t", "--topic", default="", help="show only topics that begin with this")
    parser.add_argument("--timestamp", action="store_true", help="show when a record arrived")
    parser.add_argument("--separator", default=" | ", help="what stands between topic and text")
    parser.add_argument("--dateformat", default=_DATE_FORMAT, help="how --timestamp writes it")
    parser.add_argument("--align", action="store_true", help="make all topics equally wide")
    parser.add_argument("--color", action="store_true", help="color each record by its level")
    return parser


if __name__ == "__main__":
    sys.exit(guarded(main))
