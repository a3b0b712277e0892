"""Synchronized subscriber: subscribes, reports that it did, and counts the updates until END.

It reports only when its monitor says that the connection stands: subscriptions travel at once
then, so that also a plain PUB, which cannot hear them, is not asked to begin too early.
"""

import zmqlite as zmq

with zmq.SUB(subscribe="") as subscriber:
    with subscriber.get_monitor_socket(zmq.EVENT_HANDSHAKE_SUCCEEDED) as news:
        subscriber.connect("tcp://localhost:5561")
        news.recv_multipart()

    with zmq.REQ(connect="tcp://localhost:5562") as report:
        report.send(b"")
        report.recv()

    updates = 0
    while subscriber.recv() != b"END":
        updates += 1

print(f"Received {updates} updates")
