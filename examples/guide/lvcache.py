"""Last value cache: stands between publisher and subscribers, and tells newcomers the latest word.

An XPUB reads subscriptions as messages, a byte 1 and the topic; verbose, it reads of each one,
also of a topic that others have already. Pathopub publishes on tcp://*:5557, pathosub
subscribes at tcp://localhost:5558.
"""

from contextlib import suppress

import zmqlite as zmq

latest: dict[bytes, bytes] = {}

with (
    suppress(KeyboardInterrupt),
    zmq.SUB(connect="tcp://localhost:5557", subscribe="") as frontend,
    zmq.XPUB(bind="tcp://*:5558", xpub_verbose=True) as backend,
):
    poller = zmq.Poller()
    poller.register_readable(frontend)
    poller.register_readable(backend)
    while True:
        poller.poll()
        if frontend in poller.readables:
            topic, content = frontend.recv_multipart()
            latest[topic] = content
            backend.send_multipart([topic, content])
        if backend in poller.readables:
            event = backend.recv()
            topic = event[1:]
            if event.startswith(b"\1") and topic in latest:
                print("Sending cached topic", topic.decode())
                backend.send_multipart([topic, latest[topic]])
