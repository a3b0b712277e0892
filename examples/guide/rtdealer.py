"""Addressed work: a ROUTER sends each task to the DEALER that it names, without being asked.

One can only name who is connected: PROBE_ROUTER makes each worker say so, with an empty message.
"""

import random
import threading

import zmqlite as zmq

ENDPOINT = "ipc://routing.ipc"


def work(name: str) -> None:
    tasks = 0
    with zmq.DEALER(identity=name, probe_router=True, connect=ENDPOINT) as worker:
        while worker.recv_string() != "END":
            tasks += 1
    print(f"{name} received: {tasks}")


with zmq.ROUTER(bind=ENDPOINT) as router:
    workers = [threading.Thread(target=work, args=[name]) for name in "AB"]
    for worker in workers:
        worker.start()
    for _ in workers:
        router.recv_multipart()

    for name in random.choices("AB", weights=[1, 2], k=10):
        router.send_strings([name, "This is the workload"])
    for name in "AB":
        router.send_strings([name, "END"])

    for worker in workers:
        worker.join()
