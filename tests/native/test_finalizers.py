"""Finalizers that run in the middle of a call, and use what the call is about.

Until Python 3.11 the collector runs inside of whatever makes a collected object; each test has it
run at the first such object that a call makes, then at the second, and so on. Later Pythons
collect between two instructions only: there the tests show that nothing else has changed.
"""

from __future__ import annotations

import textwrap

import pytest
from programs import HELPERS, run_program

PRELUDE = """
import gc
gc.disable()
MAKERS = [list, dict, *(lambda n=n: tuple([n] * n) for n in range(1, 5))]

class Finalizer:
    def __init__(self, act):
        self.me, self.act = self, act
    def __del__(self):
        try:
            self.act()
        except (zmq.ZMQError, KeyError, TypeError) as error:
            assert str(error)

def at(number, act, call, *args):
    '''Call; at the number-th collected object that is made meanwhile, `act` is called.'''
    gc.collect()
    kept = [[make() for _ in range(100)] for make in MAKERS]  # there are no spare ones now
    gc.collect()
    Finalizer(act)
    gc.set_threshold(number)
    gc.enable()
    try:
        return call(*args)
    except (zmq.ZMQError, KeyError) as error:
        assert str(error)
    finally:
        gc.disable()

POINTS = range(1, 30)
"""


def finalizing(code: str, *args: object) -> str:
    """Run it with an allocator that shows when freed memory is used."""
    return run_program(
        HELPERS + PRELUDE + textwrap.dedent(code), *args, env={"PYTHONMALLOC": "debug"}
    )


CALLS = {
    "recv_multipart": "lambda s: [s.recv_multipart()]",
    "recv_multipart, frames": "lambda s: [[f.bytes for f in s.recv_multipart(copy=False)]]",
    "nonblock": "lambda s: [s.recv_multipart_nonblock()]",
    "nonblock, frames": "lambda s: [[f.bytes for f in s.recv_multipart_nonblock(copy=False)]]",
    "recv_many": "lambda s: s.recv_many(2, multipart=True)",
}


@pytest.mark.parametrize("size", [1, 600, 5000])
@pytest.mark.parametrize("call", CALLS)
def test_a_message_is_not_torn_by_a_finalizer_that_receives(call, size):
    finalizing(
        f"""
        receive, size = {CALLS[call]}, int(sys.argv[1])
        def messages():
            for n in range(len(POINTS) * 4):
                yield [b"%d-%d-" % (n, m) * size for m in range(4)]
        with zmq.PULL(bind="inproc://whole", rcvhwm=0) as s:
            sender = zmq.PUSH(connect="inproc://whole", sndhwm=0)
            sender.send_many(list(messages()))
            found = []
            for number in POINTS:
                act = lambda: found.append(s.recv_multipart(zmq.DONTWAIT))
                got = at(number, act, receive, s)
                if got is not None:
                    found.extend(got)
            while (message := s.recv_multipart_nonblock()) is not None:
                found.append(message)
            sent = list(messages())
            torn = [message for message in found if message not in sent]
            assert not torn, torn
            assert len(found) == len(sent)
            sender.close()
        """,
        size,
    )


def test_a_message_is_not_torn_by_a_finalizer_that_sends():
    finalizing(
        """
        forms = [[b"a", b"b", b"c"], [b"a" * 5000, bytearray(b"b"), zmq.Frame(b"c" * 5000)]]
        with zmq.PULL(bind="inproc://whole", rcvhwm=0) as s:
            sender = zmq.PUSH(connect="inproc://whole", sndhwm=0)
            for form in forms:
                for number in POINTS:
                    at(number, lambda: sender.send(b"alone"), sender.send_multipart, form)
                whole = [bytes(part) for part in form]
                while (message := s.recv_multipart_nonblock()) is not None:
                    assert message in ([b"alone"], whole), message
            sender.close()
        """
    )


@pytest.mark.parametrize("endpoint", ["inproc://used", "tcp://127.0.0.1:*"])
def test_a_finalizer_unregisters_what_a_poll_looks_at(endpoint):
    finalizing(
        """
        import select
        with zmq.Context() as context:
            server = context.socket(zmq.PULL)
            place = server.bind(sys.argv[1])
            clients = [context.socket(zmq.PUSH, connect=place) for _ in range(3)]
            other = context.socket(zmq.PAIR, bind="inproc://other")
            pipe = os.pipe()
            speaks = server.fd
            for busy in (False, True):
                for number in POINTS:
                    poller = zmq.Poller()
                    for member in (other, server, *clients, *pipe):
                        poller.register(member, zmq.POLLIN)
                    for _ in range(3):
                        poller.poll(0)
                    clients[0].send(b"x")
                    os.write(pipe[1], b"x")
                    assert select.select([speaks], [], [], 5)[0]
                    if busy:
                        assert poller.poll(5000)
                    def forget():
                        for member in (*clients, pipe[0], server, other):
                            if member in poller:
                                poller.unregister(member)
                        return [bytes(n) for n in range(40, 400) for _ in range(5)]
                    ready = at(number, forget, poller.poll, 1)
                    assert ready is None or {pair[0] for pair in ready} <= {server, pipe[0]}, ready
                    server.recv()
                    os.read(pipe[0], 1)
                    poller = None
            context.destroy(0)
        """,
        endpoint,
    )


def test_a_finalizer_changes_a_poller_that_is_being_changed():
    finalizing(
        """
        with zmq.Context() as context:
            sockets = [context.socket(zmq.PAIR, bind=f"inproc://{n}") for n in range(4)]
            changes = [
                lambda p: p.register(sockets[0], zmq.POLLIN),
                lambda p: p.register(sockets[3], zmq.POLLIN),
                lambda p: p.modify(sockets[1], zmq.POLLOUT),
                lambda p: p.unregister(sockets[1]),
                lambda p: p.sockets,
                lambda p: p.register(0, zmq.POLLIN),
            ]
            acts = [
                lambda p: p.unregister(sockets[1]),
                lambda p: [p.register(s, zmq.POLLIN) for s in sockets],
                lambda p: p.poll(0),
                lambda p: [p.unregister(s) for s in list(p)],
            ]
            for change in changes:
                for act in acts:
                    for number in range(1, 8):
                        poller = zmq.Poller()
                        for s in sockets[:3]:
                            poller.register(s, zmq.POLLIN)
                        at(number, lambda: act(poller), change, poller)
                        assert [member for member, _ in poller.sockets] == list(poller)
                        poller.poll(0)
                        for member in list(poller):
                            poller.unregister(member)
                        assert poller.poll(0) == []
            context.destroy(0)
        """
    )


def test_a_finalizer_uses_or_closes_the_socket_of_a_call():
    """Whatever becomes of the call: nothing crashes, and the socket can be used, or is closed."""
    finalizing(
        """
        acts = [
            lambda s: s.close(0),
            lambda s: s.recv(zmq.DONTWAIT),
            lambda s: s.send(b"x", zmq.DONTWAIT),
            lambda s: s.unbind(s.last_endpoint),
            lambda s: s.set(zmq.CONNECT_ROUTING_ID, b"b"),
        ]
        calls = [
            lambda s: s.bind("inproc://new"),
            lambda s: s.bind("tcp://127.0.0.1:*"),
            lambda s: s.bind("tcp://127.0.0.1:1x"),
            lambda s: s.connect("tcp://127.0.0.1:9"),
            lambda s: s.disconnect("tcp://127.0.0.1:9"),
            lambda s: s.set(zmq.CONNECT_ROUTING_ID, b"a"),
            lambda s: s.set(zmq.LINGER, 2**70),
            lambda s: s.get(zmq.EVENTS),
            lambda s: s.poll(0),
            lambda s: zmq.zmq_poll([(s, 3), (0, 1)], 0),
            lambda s: s.recv(zmq.DONTWAIT),
            lambda s: s.send_multipart([b"a", b"b"], zmq.DONTWAIT),
            lambda s: s.send_many([b"a", [b"a", b"b"]], zmq.DONTWAIT),
            lambda s: s.recv_many(5, zmq.DONTWAIT),
            lambda s: s.monitor("inproc://m"),
            lambda s: s.monitor("tcp://m"),
            lambda s: zmq.Socket.shadow(s).close(),
        ]
        context = zmq.Context()
        for act in acts:
            for call in calls:
                for number in (1, 2, 3, 4, 6, 9):
                    s = context.socket(zmq.ROUTER, linger=0, bind="tcp://127.0.0.1:*")
                    try:
                        at(number, lambda: act(s), call, s)
                    except (TypeError, OverflowError, ValueError):
                        pass
                    if not s.closed:
                        s.get(zmq.LINGER)
                        s.close()
        context.destroy(0)
        """
    )


def test_a_list_that_is_sent_may_change_meanwhile():
    """What `send_many` is about to send stays alive when another takes it out of the list."""
    finalizing(
        """
        class Parts(list):
            def __iter__(self):
                messages.clear()
                return iter([b"body"])
        class Body:
            def __buffer__(self, flags):  # from Python 3.12 on
                messages.clear()
                return memoryview(b"body")
        receiver = zmq.PULL(bind="inproc://list")
        sender = zmq.PUSH(connect="inproc://list")
        for kind in (Parts, Body) if sys.version_info >= (3, 12) else (Parts,):
            for _ in range(20):
                messages = [b"first", kind(), b"never"]
                assert sender.send_many(messages) == 2
                assert [receiver.recv(), receiver.recv()] == [b"first", b"body"]
        """
    )
