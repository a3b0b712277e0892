"""The program of a worker process: one line of JSON in, a role played, one line of JSON out.

Standard input is the leash: when the demo is gone, it ends, and so does the worker.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import Any

from ...context import Context
from .catalogue import ROLES
from .records import Task


def play(line: str) -> dict[str, Any]:
    """Play the role that the line orders, in a context of its own; return the answer."""
    name, task = json.loads(line)
    try:
        with Context() as context:
            return asdict(ROLES[name](context, Task(**task)))
    except Exception as error:
        return {"error": f"{name}: {type(error).__name__}: {error}"}


def main() -> int:
    """Obey until standard input ends."""
    for line in sys.stdin:
        print(json.dumps(play(line)), flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
