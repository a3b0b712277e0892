"""Connecting over inproc to a name that nobody has bound yet, and what may happen until then."""

from __future__ import annotations

import pytest
from programs import program
from support import FACTOR, needs_patch

import zmqlite as zmq

LIMIT = int(5000 * FACTOR)


@needs_patch("pending-inproc")
@pytest.mark.parametrize("events", [False, True])
def test_a_conflating_connection_given_up_before_the_bind(context, events):
    early = context.socket(zmq.DEALER, conflate=1, linger=0)
    early.connect("inproc://given-up")
    early.disconnect("inproc://given-up")
    if events:
        early.get(zmq.EVENTS)
    late = context.socket(zmq.DEALER, linger=0, rcvtimeo=LIMIT)
    late.bind("inproc://given-up")
    again = context.socket(zmq.DEALER, linger=0, connect="inproc://given-up")
    again.send(b"alive")
    assert late.recv() == b"alive"


@needs_patch("pending-inproc")
def test_a_conflated_message_waits_for_the_bind(context):
    """It was taken for the routing id, and dropped."""
    early = context.socket(zmq.PUSH, conflate=1, linger=0)
    early.connect("inproc://later")
    early.send(b"old")
    early.send(b"last")
    late = context.socket(zmq.PULL, linger=0, rcvtimeo=LIMIT, bind="inproc://later")
    assert late.recv() == b"last"


@needs_patch("pending-inproc")
def test_the_routing_id_comes_first(context):
    """A probe that the binding socket sends at once overtook it."""
    early = context.socket(zmq.ROUTER, linger=0, rcvtimeo=LIMIT, connect="inproc://probed")
    context.socket(
        zmq.DEALER, linger=0, routing_id=b"late", probe_router=1, bind="inproc://probed"
    )
    assert early.recv_multipart() == [b"late", b""]


@needs_patch("pending-inproc")
@pytest.mark.parametrize("conflate", [0, 1])
def test_marks_set_and_messages_sent_before_the_bind_arrive(context, conflate):
    early = context.socket(zmq.PUSH, linger=0, conflate=conflate, connect="inproc://marks")
    for mark in range(1, 20):
        early.sndhwm = mark
        early.send(b"%d" % mark)
    late = context.socket(zmq.PULL, linger=0, rcvtimeo=LIMIT, bind="inproc://marks")
    wanted = [b"19"] if conflate else [b"%d" % mark for mark in range(1, 20)]
    assert [late.recv() for _ in wanted] == wanted
    early.send(b"after")
    assert late.recv() == b"after"


def test_what_a_closed_socket_sent_waits_for_the_bind(context):
    early = context.socket(zmq.PUSH, connect="inproc://left-behind")
    early.send_multipart([b"left", b"behind"])
    early.close()
    late = context.socket(zmq.PULL, linger=0, rcvtimeo=LIMIT, bind="inproc://left-behind")
    assert late.recv_multipart() == [b"left", b"behind"]


@needs_patch("pending-inproc", "conflate-parts")
@pytest.mark.parametrize("end", ["names", "contexts"])
def test_names_bound_and_contexts_ended_while_others_connect(end):
    """The far end of a connection was used by two threads, and contexts waited for ever."""
    program(
        """
        import random
        END = time.monotonic() + 1
        NAMES = ["inproc://one", "inproc://two"]
        EARLY, LATE = [zmq.PUSH, zmq.DEALER, zmq.ROUTER], [zmq.PULL, zmq.DEALER, zmq.PAIR]

        def attempt(call, *args):
            try:
                return call(*args)
            except zmq.ZMQBaseError:
                return None
            except RuntimeError:  # closed since it was looked at
                assert args[0].closed

        def early(context):
            with context.socket(random.choice(EARLY), linger=0, sndtimeo=0) as one:
                one.conflate = random.randrange(2)
                name = random.choice(NAMES)
                one.connect(name)
                for _ in range(random.randrange(3)):
                    attempt(one.send_nonblock, b"x")
                one.sndhwm = random.randrange(1, 5)
                if random.randrange(2):
                    one.disconnect(name)

        def late(context):
            with context.socket(random.choice(LATE), linger=0) as one:
                name = random.choice(NAMES)
                one.bind(name)
                for _ in range(random.randrange(3)):
                    attempt(one.recv_nonblock)
                one.unbind(name)

        def work(context, what):
            while time.monotonic() < END and not context.closed:
                attempt(what, context)

        while time.monotonic() < END:
            context = zmq.Context()
            threads = [threading.Thread(target=work, args=(context, what))
                       for what in (early, late, early, late)]
            for thread in threads:
                thread.start()
            if sys.argv[1] == "contexts":
                time.sleep(random.random() / 50)
                context.destroy(0)
            for thread in threads:
                thread.join()
            context.destroy(0)
        """,
        end,
    )
