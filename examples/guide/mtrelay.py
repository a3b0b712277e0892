"""Signals between threads: each step waits for the one before it, without locks or flags.

A PAIR closes as soon as it has sent its signal; what was sent still arrives.
"""

import threading

import zmqlite as zmq


def step1() -> None:
    with zmq.PAIR(connect="inproc://step2") as following:
        following.send_string("READY")


def step2() -> None:
    with zmq.PAIR(bind="inproc://step2") as previous:
        threading.Thread(target=step1).start()
        previous.recv()
    with zmq.PAIR(connect="inproc://step3") as following:
        following.send_string("READY")


with zmq.PAIR(bind="inproc://step3") as previous:
    threading.Thread(target=step2).start()
    previous.recv()

print("Test successful!")
