"""Ask a server a few questions: python hello_client.py [ENDPOINT] [COUNT]"""

import sys

import zmqlite as zmq

endpoint = sys.argv[1] if len(sys.argv) > 1 else "tcp://127.0.0.1:5555"
count = int(sys.argv[2]) if len(sys.argv) > 2 else 3

with zmq.Context() as context, context.socket(zmq.REQ) as client:
    client.linger = 0  # do not wait at the end for a server that never came
    client.rcvtimeo = 5000
    client.connect(endpoint)
    for number in range(1, count + 1):
        client.send_string(f"hello {number}")
        try:
            print("answer:", client.recv_string())
        except zmq.Again:
            sys.exit(f"no answer from {endpoint} within five seconds")
