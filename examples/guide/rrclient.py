"""Request-reply through a broker, a client: it asks as if the broker were the server."""

import zmqlite as zmq

with zmq.REQ(connect="tcp://localhost:5559") as client:
    for number in range(10):
        request = f"Hello {number}"
        client.send_string(request)
        print(f"Sending string [{request}]")
        print(f"Received reply {number}[{client.recv_string()}]")
