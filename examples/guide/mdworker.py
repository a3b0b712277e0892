"""Majordomo, a worker: serves `echo`."""

from contextlib import suppress

from mdwrkapi import MajorDomoWorker

with suppress(KeyboardInterrupt), MajorDomoWorker("tcp://localhost:5555", "echo") as worker:
    request = worker.recv()
    while True:
        request = worker.recv(reply=request)
