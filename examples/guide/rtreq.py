"""Work for a free worker: each REQ worker asks a ROUTER for a task, and gets the next one.

The ROUTER answers the worker that has waited longest, so that fast workers do more.
Run: python rtreq.py [SECONDS that a task takes at most, 1]
"""

import random
import sys
import threading
import time

import zmqlite as zmq

WORKERS = 10
longest = float(sys.argv[1]) if len(sys.argv) > 1 else 1


def work(name: str) -> None:
    done = 0
    with zmq.REQ(identity=name, connect="ipc://routing.ipc") as worker:
        while True:
            worker.send_string("ready")
            if worker.recv_string() == "END":
                break
            done += 1
            time.sleep(random.uniform(longest / 10, longest))
    print(f"Processed: {done} tasks")


with zmq.ROUTER(bind="ipc://routing.ipc") as router:
    workers = [threading.Thread(target=work, args=[f"WORKER-{n}"]) for n in range(WORKERS)]
    for worker in workers:
        worker.start()

    for task in ["This is the workload"] * 10 * WORKERS + ["END"] * WORKERS:
        envelope, _ready = router.recv_envelope()
        router.send_multipart([*envelope, task.encode()])

    for worker in workers:
        worker.join()
