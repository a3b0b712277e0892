"""Titanic, a client: leaves a request, comes back for the reply, and says thank you.

Run: python ticlient.py [SECONDS between looks, 1], beside mdbroker.py, mdworker.py, titanic.py.
"""

import sys
import time

from mdcliapi2 import MajorDomoClient

pause = float(sys.argv[1]) if len(sys.argv) > 1 else 1


def call(client: MajorDomoClient, service: str, request: str | list[str]) -> list[str] | None:
    """Return the reply of a Titanic service, or None while there is none."""
    client.send(service, request)
    reply = client.recv()
    if reply is None:
        sys.exit(f"E: {service} does not answer")
    status, *rest = reply
    if status in ("400", "500"):
        sys.exit(f"E: {service} refuses: {status}")
    return rest if status == "200" else None


with MajorDomoClient("tcp://localhost:5555") as client:
    accepted = call(client, "titanic.request", ["echo", "Hello world"])
    assert accepted
    uuid = accepted[0]
    print("I: request UUID", uuid)

    while not (reply := call(client, "titanic.reply", uuid)):
        print("I: no reply yet, trying again...")
        time.sleep(pause)
    print("Reply:", reply[-1])

    call(client, "titanic.close", uuid)
