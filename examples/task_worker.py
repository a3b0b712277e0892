"""Square numbers until Ctrl-C: python task_worker.py [TASKS] [SINK]"""

import contextlib
import sys

import zmqlite as zmq

tasks = sys.argv[1] if len(sys.argv) > 1 else "tcp://127.0.0.1:5557"
sink = sys.argv[2] if len(sys.argv) > 2 else "tcp://127.0.0.1:5558"

with (
    zmq.Context() as context,
    context.socket(zmq.PULL) as work,
    context.socket(zmq.PUSH) as results,
):
    work.connect(tasks)
    results.connect(sink)
    with contextlib.suppress(KeyboardInterrupt):
        print("working", flush=True)
        for task in work:
            results.send_string(f"square {int(task) ** 2}")
