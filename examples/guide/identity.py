"""Identities: a ROUTER puts in front of each message whom it came from.

A peer that gives itself no name gets one: five bytes, different ones each time.
"""

import zmqlite as zmq


def dump(parts: list[bytes]) -> None:
    """Print the parts of a message, as text where they are text."""
    print("-" * 40)
    for part in parts:
        text = part.decode() if part.isascii() and part.decode().isprintable() else part.hex()
        print(f"[{len(part):03}] {text}")


with zmq.ROUTER(bind="inproc://example") as sink:
    with zmq.DEALER(connect="inproc://example") as anonymous:
        anonymous.send_string("ROUTER makes up an identity")
        dump(sink.recv_multipart())
    with zmq.DEALER(identity="PEER2", connect="inproc://example") as identified:
        identified.send_string("ROUTER uses the identity of the peer")
        dump(sink.recv_multipart())
