"""Majordomo, a client that asks the broker itself (RFC 8/MMI) whether anybody serves `echo`."""

from mdcliapi2 import MajorDomoClient

with MajorDomoClient("tcp://localhost:5555") as client:
    client.send("mmi.service", "echo")
    reply = client.recv()

print("Lookup echo service:", "no answer" if reply is None else reply)
