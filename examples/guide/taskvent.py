"""Task distribution, the ventilator: a hundred tasks, dealt out in turn to all workers.

Wait for the workers before pressing enter, or the first one to connect gets everything.
Needs taskwork.py (several) and tasksink.py beside it.
"""

import random
import sys

import zmqlite as zmq

with zmq.PUSH(bind="tcp://*:5557") as sender:
    print("Press enter when the workers are ready...")
    sys.stdin.read(1)

    print("Sending tasks to workers...")
    sender.send_string("0")  # makes the sink start its clock
    tasks = [random.randint(1, 100) for _ in range(100)]
    for milliseconds in tasks:
        print(milliseconds, end=".")
        sender.send_string(str(milliseconds))

    print(f"Total expected cost: {sum(tasks)} msec")
