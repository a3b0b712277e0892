"""One fresh process of a measurement: takes orders on standard input, answers on standard output.

Started by runner.py with its specification as JSON in the only argument. Orders are lines: a
number runs the workload that often, "usage" asks for CPU time and context switches since the last
run began. The end of standard input ends the process, so that no peer outlives its runner.
Work that this library or machine cannot do is answered with the reason, under "cannot".
"""

from __future__ import annotations

import json
import sys
from typing import Any

from async_workloads import ASYNC_WORKLOADS
from growth_workloads import GROWTH_WORKLOADS
from pattern_workloads import PATTERN_WORKLOADS
from workloads import WORKLOADS, Cannot, Usage


def say(answer: dict[str, Any]) -> None:
    """Answer with one line of JSON."""
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


def main() -> None:
    """Obey until standard input ends."""
    spec = json.loads(sys.argv[1])
    works = WORKLOADS | PATTERN_WORKLOADS | GROWTH_WORKLOADS | ASYNC_WORKLOADS
    try:
        workload = works[spec["work"]](spec)
    except Cannot as error:
        say({"cannot": str(error)})
        return
    usage = Usage()
    say({"endpoint": workload.endpoint})
    for line in sys.stdin:
        if line.strip() == "usage":
            say(usage.since())
        else:
            usage.mark()
            say(workload.run(int(line)))
    workload.close()


if __name__ == "__main__":
    main()
