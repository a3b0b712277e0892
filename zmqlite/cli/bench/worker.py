"""The program of the other process of `bench`: serves, and ends when standard input ends."""

from __future__ import annotations

import os
import sys
from threading import Thread

from ...context import Context
from ...enums import SocketType
from .server import serve


def end_with_the_bench() -> None:
    os.read(0, 1)  # nothing more is written, so this returns when the other end is closed
    os._exit(0)


def main() -> None:
    control = sys.stdin.readline().strip()
    Thread(target=end_with_the_bench, daemon=True).start()
    with Context() as context, context.socket(SocketType.REP, connect=control) as socket:
        serve(context, socket, stops=True)


if __name__ == "__main__":
    main()
