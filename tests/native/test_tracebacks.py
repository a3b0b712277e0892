"""Where an error in the compiled core happened is what its traceback says, whatever failed before
in the same line of another file."""

from __future__ import annotations

import json
from typing import Any

from programs import run_program

CONTEXT = "zmqlite/_native/socket/context.pxi"
PROGRAM = """
import json
import sys
import traceback
import zmqlite as zmq
from zmqlite._native import core

context = zmq.Context()
pull = context.socket(zmq.PULL, linger=0, rcvtimeo=0)
push = context.socket(zmq.PUSH, linger=0, sndtimeo=0)
closed = context.socket(zmq.PAIR)
closed.close()
calls = {
    "send": lambda: push.send(b"x"),
    "send to a group": lambda: push.send(b"x", group="x"),
    "send on PULL": lambda: pull.send(b"x"),
    "send a text": lambda: push.send("x"),
    "send_many": lambda: push.send_many(5),
    "recv_into": lambda: pull.recv_into(5),
    "recv_many": lambda: pull.recv_many(0),
    "poll": lambda: pull.poll("x"),
    "poll what is closed": lambda: closed.poll(0),
    "zmq_poll": lambda: zmq.zmq_poll([(5.5, 1)], 0),
    "get": lambda: closed.get(1),
    "bind": lambda: pull.bind("tcp://1.2.3.4:5"),
    "term": lambda: context.term("x"),
    "frame": lambda: zmq.Frame(5),
    "socket": lambda: core.Socket(5, 5),
    "connect_peer": lambda: pull.connect_peer("tcp://1.2.3.4:5"),
    "monitor_pipes_stats": lambda: pull.monitor_pipes_stats(),
    "as_text": lambda: core.as_text(None),
}
places = {}
for name in sorted(calls, reverse=sys.argv[1] == "backwards"):
    try:
        calls[name]()
    except Exception as error:
        steps = traceback.extract_tb(error.__traceback__)
        places[name] = [(step.filename, step.name) for step in steps if ".pxi" in step.filename]
print(json.dumps(places))
"""


def places(order: str) -> Any:
    return json.loads(run_program(PROGRAM, order))


def test_a_place_is_not_that_of_another_error() -> None:
    forwards, backwards = places("forwards"), places("backwards")
    assert len(forwards) == 18
    assert forwards == backwards
    assert forwards["term"][0] == [CONTEXT, "zmqlite._native.core.Context.term"]
