"""Request-reply, the asking side: a REQ sends a request and waits for its reply, ten times."""

import zmqlite as zmq

print("Connecting to hello world server...")
with zmq.REQ(connect="tcp://localhost:5555") as client:
    for number in range(10):
        print(f"Sending request {number}...")
        client.send_string("Hello")
        print(f"Received reply {number}: [{client.recv_string()}]")
