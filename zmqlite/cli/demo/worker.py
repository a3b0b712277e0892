"""The program of a worker process: one job, and an end when standard input ends."""

from __future__ import annotations

import json
import os
import sys
from threading import Thread

from ...context import Context
from .patterns import JOBS


def end_with_the_demo() -> None:
    os.read(0, 1)  # nothing more is written, so this returns when the other end is closed
    os._exit(0)


def main() -> None:
    name, arguments = json.loads(sys.stdin.readline())
    Thread(target=end_with_the_demo, daemon=True).start()
    with Context() as context:
        JOBS[name](context, **arguments)


if __name__ == "__main__":
    main()
