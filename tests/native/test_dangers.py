"""What libzmq answers with an abort or a crash: here an exception, or nothing at all.

Each danger runs in a process of its own, so that a failure is the death of that process and not
of the test run.
"""

from __future__ import annotations

import sys

import pytest
from programs import run_program

import zmqlite as zmq

# refused(call, *classes): the call must raise one of these, and say something.
REFUSED = """
def refused(call, *classes):
    try:
        result = call()
    except classes or (zmq.ZMQError,) as error:
        assert str(error)
        return error
    raise AssertionError(f"not refused: {result!r}")

def soon(condition, what="something"):
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end, f"waited in vain for {what}"
        time.sleep(0.001)
"""


def program(code: str, *args: object, timeout: float = 25) -> str:
    import textwrap

    return run_program(REFUSED + textwrap.dedent(code), *args, timeout=timeout)


needs_drafts = pytest.mark.skipif(not zmq.has("draft"), reason="built without drafts")
linux_only = pytest.mark.skipif(sys.platform != "linux", reason="epoll, /proc and rlimits of Linux")


# -- routing ids ---------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["ROUTER", "STREAM"])
def test_a_routing_id_is_given_twice(kind):
    program(
        """
        one, two = (zmq.Context.instance().socket(zmq.STREAM if kind == "STREAM" else zmq.REP)
                    for kind in sys.argv[1:] * 2)
        ends = [one.bind("tcp://127.0.0.1:*"), two.bind("tcp://127.0.0.1:*")]
        socket = zmq.Context.instance().socket(getattr(zmq, sys.argv[1]))
        socket.connect_routing_id = b"peer"
        socket.connect(ends[0])
        def again():
            socket.connect_routing_id = b"peer"
            socket.connect(ends[1])
        refused(again)
        socket.connect_routing_id = b"other"
        socket.connect(ends[1])
        refused(again)
        """,
        kind,
    )


def test_a_routing_id_that_a_peer_has_chosen_itself():
    program(
        """
        router = zmq.ROUTER(bind="tcp://127.0.0.1:*")
        dealer = zmq.DEALER(routing_id=b"mine", connect=router.last_endpoint.decode())
        dealer.send(b"hello")
        assert router.recv_multipart() == [b"mine", b"hello"]
        other = zmq.DEALER(bind="tcp://127.0.0.1:*")
        def steal():
            router.connect_routing_id = b"mine"
            router.connect(other.last_endpoint.decode())
        refused(steal)
        router.send_multipart([b"mine", b"still you"])
        assert dealer.recv() == b"still you"
        """
    )


def test_a_routing_id_that_a_peer_takes_between_setting_and_connecting():
    program(
        """
        router = zmq.ROUTER(bind="tcp://127.0.0.1:*")
        router.connect_routing_id = b"late"
        dealer = zmq.DEALER(routing_id=b"late", connect=router.last_endpoint.decode())
        dealer.send(b"first")
        assert router.recv_multipart() == [b"late", b"first"]
        refused(lambda: router.connect("tcp://127.0.0.1:9"))
        """
    )


# -- datagrams -----------------------------------------------------------------------------------


@needs_drafts
def test_datagrams_that_are_too_large():
    program(
        """
        radio = zmq.RADIO(connect="udp://127.0.0.1:15555")
        for size in (8192 - 5, 8193, 65536, 1 << 20):
            for call in (lambda: radio.send(bytes(size), group="group"),
                         lambda: radio.send(bytearray(size), group="group", copy=False),
                         lambda: radio.send_multipart([bytes(size)], group="group")):
                assert refused(call).errno == zmq.EMSGSIZE
        frame = zmq.Frame(bytes(9000))
        frame.group = "g" * 255
        refused(lambda: radio.send(frame))
        refused(lambda: radio.send_nonblock(frame))
        refused(lambda: radio.send_many([frame]))
        radio.send(bytes(8192 - 6), group="group")
        dgram = zmq.DGRAM(bind="udp://127.0.0.1:*")
        for size in (8193, 1 << 20):
            for part in (bytes(size), bytearray(size), zmq.Frame(bytes(size))):
                refused(lambda: dgram.send_multipart([b"127.0.0.1:15556", part]))
        dgram.send_multipart([b"127.0.0.1:15556", bytes(8192)])
        """
    )


@needs_drafts
def test_a_datagram_from_hell():
    """A first byte of 0x80 and above was read as a negative length by libzmq 4.3.4 and 4.3.5."""
    program(
        """
        raw = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        def free_port():
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
                one.bind(("127.0.0.1", 0))
                return one.getsockname()[1]
        port = free_port()
        dish = zmq.DISH(bind=f"udp://127.0.0.1:{port}", rcvtimeo=5000)
        dish.join("group")
        def throw(data):
            raw.sendto(data, ("127.0.0.1", port))
        for first in (0x80, 0xff, 0x81, 0x7f, 0):
            for size in (0, 1, 2, 127, 128, 129, 255, 256, 8191, 8192, 8193, 60000):
                throw(bytes([first]) + b"x" * size)
                throw(b"")
        deadline = time.monotonic() + 10
        while not dish.poll(20):  # datagrams may be lost: say it again
            throw(bytes([5]) + b"group" + b"alive")
            assert time.monotonic() < deadline
        assert dish.recv() == b"alive"
        port = free_port()
        dgram = zmq.DGRAM(bind=f"udp://127.0.0.1:{port}", rcvtimeo=5000)
        for _ in range(5):
            throw(b"")
            throw(b"x" * 60000)
        while not dgram.poll(20):
            throw(b"alive")
        raw.close()
        """
    )


# -- descriptors, threads, limits ----------------------------------------------------------------


@linux_only
@pytest.mark.parametrize("spare", [0, 1, 2, 3, 4, 5, 6, 8, 10, 12])
def test_no_descriptors_for_a_context(spare):
    program(
        """
        import resource
        spare = int(sys.argv[1])
        context = zmq.Context()
        taken = []
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
        try:
            while True:
                taken.append(os.dup(0))
        except OSError:
            pass
        for fd in taken[:spare]:
            os.close(fd)
        try:
            made = [context.socket(zmq.PAIR)]
        except zmq.ZMQError as error:
            assert error.errno == 24 and "ulimit" in str(error), error
            assert spare < 14
            made = []
        for call in (lambda: made.append(context.socket(zmq.PUSH)), lambda: made[0].bind("tcp://127.0.0.1:*"),
                     lambda: made[0].connect("tcp://127.0.0.1:9"), lambda: made[0].poll(1),
                     lambda: zmq.Poller().register(made[0]), lambda: zmq.Poller().poll(1)):
            try:
                call()
            except (zmq.ZMQError, IndexError) as error:
                pass
        for fd in taken[spare:]:
            os.close(fd)
        context.socket(zmq.PAIR).close()
        context.destroy(0)
        """,
        spare,
    )


@linux_only
def test_no_descriptors_while_connections_come():
    program(
        """
        import resource
        server = zmq.REP(bind="tcp://127.0.0.1:*")
        port = int(server.last_endpoint.decode().rpartition(":")[2])
        used = len(os.listdir("/proc/self/fd"))
        resource.setrlimit(resource.RLIMIT_NOFILE, (used + 40, used + 40))
        raws = []
        try:
            for _ in range(100):
                raws.append(socket.create_connection(("127.0.0.1", port)))
        except OSError:
            pass
        assert len(raws) >= 15
        refused(lambda: [zmq.PAIR(linger=0) for _ in range(100)])
        for raw in raws:
            raw.close()
        time.sleep(0.05)
        def ask():
            with zmq.REQ(connect=server.last_endpoint.decode(), linger=0) as client:
                client.send(b"?")
                return server.poll(200) and server.recv() and (server.send(b"!") or client.recv())
        for _ in range(20):
            if ask():
                break
        else:
            raise AssertionError("the server does not recover")
        """
    )


@linux_only
def test_no_memory_for_threads():
    program(
        """
        import resource
        with open("/proc/self/statm") as file:
            used = int(file.read().split()[0]) * 4096
        resource.setrlimit(resource.RLIMIT_AS, (used + (100 << 20),) * 2)
        context = zmq.Context(io_threads=200)
        assert refused(lambda: context.socket(zmq.PAIR)).errno == 12
        context.io_threads = 1
        context.socket(zmq.PAIR).close()
        context.term()
        """
    )


@linux_only
def test_threads_that_cannot_run_as_they_are_told():
    """Scheduling that the system refuses ended the process, also for want of a privilege."""
    program(
        """
        bad = [(zmq.THREAD_SCHED_POLICY, 99), (zmq.THREAD_AFFINITY_CPU_ADD, 1000),
               (zmq.THREAD_AFFINITY_CPU_ADD, 2**31 - 1)]
        for option, value in bad:
            context = zmq.Context()
            context.set(option, value)
            for _ in range(2):
                error = refused(lambda: context.socket(zmq.PAIR))
                assert "THREAD_" in str(error)
            context.term()
        context = zmq.Context()
        context.set(zmq.THREAD_AFFINITY_CPU_ADD, 1000)
        context.set(zmq.THREAD_AFFINITY_CPU_REMOVE, 1000)
        context.set(zmq.THREAD_AFFINITY_CPU_ADD, min(os.sched_getaffinity(0)))
        context.socket(zmq.PAIR).close()
        context.term()
        if os.getuid() == 0:
            os.setgid(65534), os.setuid(65534)
        for options in ([(zmq.THREAD_PRIORITY, 5)], [(zmq.THREAD_SCHED_POLICY, os.SCHED_FIFO)],
                        [(zmq.THREAD_SCHED_POLICY, os.SCHED_RR), (zmq.THREAD_PRIORITY, 200)]):
            context = zmq.Context()
            for option, value in options:
                context.set(option, value)
            try:
                context.socket(zmq.PAIR).close()
            except zmq.ZMQError as error:
                assert "THREAD_" in str(error)
            context.term()
        """
    )


def test_limits_beyond_reason():
    program(
        """
        for number in (-1, 1 << 20, (1 << 31) - 1):
            refused(lambda: zmq.Context(io_threads=number), zmq.ZMQError, ValueError)
        refused(lambda: zmq.Context(io_threads=1 << 40), OverflowError, zmq.ZMQError)
        context = zmq.Context()
        for number in (-1, 0, 1 << 20, (1 << 31) - 1):
            refused(lambda: context.set(zmq.MAX_SOCKETS, number))
            if number:
                refused(lambda: context.set(zmq.IO_THREADS, number))
        context.max_sockets = 65535
        context.socket(zmq.PAIR).close()
        context.term()
        """
    )


def test_a_context_without_io_threads():
    program(
        """
        context = zmq.Context(io_threads=0)
        one, two = context.socket(zmq.PAIR), context.socket(zmq.PAIR)
        for address in ("tcp://127.0.0.1:*", "ipc://*", "ws://127.0.0.1:*"):
            refused(lambda: one.bind(address))
        for address in ("tcp://127.0.0.1:9", "ipc:///tmp/nobody-there"):
            refused(lambda: one.connect(address))
        one.bind("inproc://works")
        two.connect("inproc://works")
        two.send(b"fine")
        assert one.recv() == b"fine"
        context.destroy(0)
        """
    )


@linux_only
def test_more_sockets_than_a_context_has_room_for():
    program(
        """
        import resource
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        context = zmq.Context()
        made = []
        def more():
            while True:
                made.append(context.socket(zmq.PUSH, linger=0))
                made[-1].connect("inproc://pending")
        error = refused(more)
        assert error.errno == 24 and "MAX_SOCKETS" in str(error)
        if hard > 1100:
            assert len(made) == 1023
        context.destroy()
        """
    )


@pytest.mark.parametrize("count", [1, 2, 5])
def test_pending_inproc_connections_at_the_limit(count):
    """zmq_ctx_term needs one more socket to end them, and asserted that it gets it."""
    program(
        """
        count = int(sys.argv[1])
        for end in ("destroy", "term", "timeout", "shutdown"):
            context = zmq.Context()
            context.max_sockets = count
            sockets = [context.socket(zmq.PUSH, linger=0) for _ in range(count)]
            for number, one in enumerate(sockets):
                one.connect(f"inproc://nobody-{number % 3}")
                one.send(b"into the void")
            refused(lambda: context.socket(zmq.PAIR))
            if end == "destroy":
                context.destroy()
                continue
            if end == "shutdown":
                context.shutdown()
            for one in sockets:
                one.close()
            context.term(*[5] * (end == "timeout"))
        """,
        count,
    )


# -- settings ------------------------------------------------------------------------------------


def test_descriptors_that_are_none():
    program(
        """
        pipe = os.pipe()
        with open(os.devnull) as file:
            socket_ = zmq.PAIR()
            for fd in (pipe[0], file.fileno(), 99999, 2**31 - 1):
                refused(lambda: socket_.setsockopt(zmq.USE_FD, fd))
        refused(lambda: socket_.setsockopt(zmq.USE_FD, 2**31), zmq.ZMQError, OverflowError)
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        fresh = socket.socket()
        for raw in (udp, fresh):  # sockets, but none that listens
            with zmq.REP() as server:
                try:
                    server.use_fd = raw.fileno()
                    server.bind("tcp://127.0.0.1:*")
                    time.sleep(0.02)
                except zmq.ZMQError:
                    pass
                raw.detach()
        good = socket.create_server(("127.0.0.1", 0))
        server = zmq.REP(use_fd=good.fileno())
        server.bind(f"tcp://127.0.0.1:{good.getsockname()[1]}")
        client = zmq.REQ(connect=f"tcp://127.0.0.1:{good.getsockname()[1]}")
        client.send(b"?")
        assert server.recv() == b"?"
        good.detach()
        """
    )


def test_encryption_without_keys():
    program(
        """
        refused(lambda: zmq.REP(bind="wss://127.0.0.1:*"))
        refused(lambda: zmq.REQ(connect="wss://127.0.0.1:9"))
        public, secret = zmq.curve_keypair()
        refused(lambda: zmq.REP(curve_server=1, bind="tcp://127.0.0.1:*"))
        refused(lambda: zmq.REQ(curve_serverkey=public, connect="tcp://127.0.0.1:9"))
        refused(lambda: zmq.REQ(curve_serverkey=public, curve_secretkey=secret, connect="tcp://127.0.0.1:9"))
        for key in (b"", b"x", b"x" * 39, b"x" * 41, b"\\0" * 32, b"\\0" * 40, b"\\xff" * 40, b"~" * 40):
            try:
                with zmq.PAIR() as one:
                    one.curve_secretkey = key
                    one.curve_server = 1
                    one.bind("tcp://127.0.0.1:*")
            except (zmq.ZMQError, ValueError):
                pass
        """
    )


def test_a_plain_server_that_enforces_a_domain_it_does_not_have():
    program(
        """
        from zmqlite._native import core
        refused(lambda: zmq.REP(plain_server=1, zap_enforce_domain=1, bind="tcp://127.0.0.1:*"))
        # past the facade's check, as a caller of the core would
        server = zmq.Context.instance().socket(zmq.REP, plain_server=1, zap_enforce_domain=1)
        endpoint = server.bind_raw("tcp://127.0.0.1:*")
        client = zmq.REQ(plain_username=b"admin", plain_password=b"secret", linger=0)
        monitor = client.get_monitor_socket()
        client.connect(endpoint)
        client.send(b"?")
        assert monitor.poll(5000)
        assert not server.poll(50)
        """
    )


def test_keys_and_z85_of_all_sorts():
    program(
        """
        for text in (b"", "", b"abcd", b"abcdef", b"\\x00" * 5, b"ab\\0de", b"~~~~~", b"     ",
                     b"\\xff\\xfe\\x80\\x81\\x82", "\\u00e9abcd", b"abcd\\x7f", b"%nSc0", b"%nSc1", 5, None):
            try:
                assert isinstance(zmq.z85_decode(text), bytes)
            except (ValueError, TypeError) as error:
                assert str(error)
        assert zmq.z85_decode(zmq.z85_encode(bytes(range(256)))) == bytes(range(256))
        for data in (b"abc", b"12345", "text", None):
            refused(lambda: zmq.z85_encode(data), ValueError, TypeError)
        for key in (b"", b"x" * 40, b"\\0" * 40, b"a" * 39 + b"\\0", b"a\\0" * 20, b"\\xff" * 40, "x" * 40, 40,
                    b"~" * 40):
            try:
                assert len(zmq.curve_public(key)) == 40
            except (ValueError, TypeError) as error:
                assert str(error)
        refused(lambda: zmq.curve_public(b"\\0" * 40), ValueError)
        refused(lambda: zmq.curve_public(b"a" * 39 + b"\\0"), ValueError)
        """
    )


def test_addresses_with_nul():
    program(
        """
        sock = zmq.PAIR()
        for call in (sock.bind, sock.connect, sock.unbind, sock.disconnect, sock.bind_raw, sock.connect_raw,
                     sock.monitor):
            refused(lambda: call("inproc://a\\0b"), ValueError, zmq.ZMQError)
        assert sock.endpoints == ()
        sock.bind("inproc://" + "n" * 5000)
        sock.unbind("inproc://" + "n" * 5000)
        """
    )


# -- hostile peers -------------------------------------------------------------------------------

HANDSHAKE = """
GREETING = b"\\xff" + bytes(8) + b"\\x7f\\x03\\x00NULL" + bytes(16) + bytes(32)

def command(name, body):
    data = bytes([len(name)]) + name + body
    return bytes([4, len(data)]) + data

def ready(kind):
    return command(b"READY", b"\\x0bSocket-Type" + struct.pack(">I", len(kind)) + kind)
"""


def test_frames_announced_with_any_size():
    program(
        HANDSHAKE
        + """
def attack(port, size):
    raw = socket.create_connection(("127.0.0.1", port))
    raw.sendall(GREETING + ready(b"PUSH"))
    raw.settimeout(5)
    raw.recv(64)
    for flags in (2, 3):
        try:
            raw.sendall(bytes([flags]) + struct.pack(">Q", size) + b"x" * 100)
        except OSError:
            pass
    return raw

for limit in (-1, 1 << 20):
    server = zmq.PULL(maxmsgsize=limit, bind="tcp://127.0.0.1:*", rcvtimeo=5000)
    port = int(server.last_endpoint.decode().rpartition(":")[2])
    raws = [attack(port, size) for size in
            (1 << 63, (1 << 64) - 1, (1 << 64) - 33, 1 << 62, 1 << 47, 1 << 40, (1 << 31) - 1)]
    good = zmq.PUSH(connect=server.last_endpoint.decode())
    good.send(b"alive")
    assert server.recv() == b"alive"
    for raw in raws:
        raw.close()
    server.close()
    good.close()
"""
    )


def test_a_ping_too_short_is_not_answered_with_our_memory():
    program(
        HANDSHAKE
        + """
server = zmq.PULL(bind="tcp://127.0.0.1:*", rcvtimeo=5000)
raw = socket.create_connection(("127.0.0.1", int(server.last_endpoint.decode().rpartition(":")[2])))
raw.settimeout(5)
raw.sendall(GREETING + ready(b"PUSH"))
answer = b""
for ttl in (b"", b"\\0", b"\\0\\0", b"\\0\\0context"):
    raw.sendall(command(b"PING", ttl))
while not answer.endswith(b"context"):
    answer += raw.recv(1000)
pongs = answer.split(b"\\x04PONG")[1:]
assert [pong.rstrip(b"\\4\\5\\x0c") for pong in pongs] == [b"", b"context"], answer
raw.close()
"""
    )


def test_garbage_against_every_socket_type():
    program(
        HANDSHAKE
        + """
import random
random.seed(4711)
kinds = [zmq.PAIR, zmq.PUB, zmq.SUB, zmq.REQ, zmq.REP, zmq.DEALER, zmq.ROUTER, zmq.PULL, zmq.PUSH, zmq.XPUB,
         zmq.XSUB, zmq.STREAM]
if zmq.has("draft"):
    kinds += [zmq.SERVER, zmq.CLIENT, zmq.RADIO, zmq.DISH, zmq.GATHER, zmq.SCATTER, zmq.PEER, zmq.CHANNEL]
NAMES = [kind.name.encode() for kind in kinds] + [b"", b"x" * 200, b"\\xff\\x00"]

def garbage():
    choice = random.randrange(8)
    if choice == 0:
        return random.randbytes(random.randrange(1, 3000))
    if choice == 1:
        return GREETING + random.randbytes(random.randrange(1, 3000))
    if choice == 2:
        return GREETING[:random.randrange(64)]
    if choice == 3:
        return b"GET / HTTP/1.1\\r\\nHost: x\\r\\nUpgrade: websocket\\r\\n" + random.randbytes(50) + b"\\r\\n\\r\\n"
    if choice == 4:
        return b"\\x01\\x00" + random.randbytes(100)          # ZMTP 1.0
    if choice == 5:
        return GREETING + command(random.choice([b"ERROR", b"HELLO", b"PING", b"SUBSCRIBE", b""]),
                                  random.randbytes(random.randrange(60)))
    data = GREETING + ready(random.choice(NAMES))
    for _ in range(random.randrange(20)):
        size = random.randrange(0, 300)
        body = random.randbytes(size)
        if random.random() < 0.3:
            name = random.choice([b"SUBSCRIBE", b"CANCEL", b"PING", b"PONG", b"JOIN", b"LEAVE", b"READY"])
            data += command(name, body[:60])
        elif size < 256:
            data += bytes([random.choice([0, 1, 4, 8, 0x20]), size]) + body
        else:
            data += bytes([random.choice([2, 3, 6])]) + struct.pack(">Q", size) + body
    return data

transports = ["tcp://127.0.0.1:*"] + ["ws://127.0.0.1:*"] * zmq.has("ws")
for transport in transports:
    for kind in kinds:
        victim = zmq.Context.instance().socket(kind, linger=0, handshake_ivl=500)
        victim.bind(transport)
        if kind == zmq.SUB:
            victim.subscribe = b""
        port = int(victim.last_endpoint.decode().rstrip("/").rpartition(":")[2])
        raws = []
        for _ in range(25):
            raw = socket.create_connection(("127.0.0.1", port))
            try:
                raw.sendall(garbage())
                if random.random() < 0.3:
                    raw.shutdown(socket.SHUT_WR)
            except OSError:
                pass
            raws.append(raw)
            if random.random() < 0.5:
                raws.pop(0).close()
            for action in (lambda: victim.recv_multipart(zmq.NOBLOCK),
                           lambda: victim.send_multipart([b"x", b"y"], zmq.NOBLOCK)):
                try:
                    action()
                except zmq.ZMQError:
                    pass
        for raw in raws:
            raw.close()
        if kind == zmq.PULL:
            with zmq.PUSH(connect=victim.last_endpoint.decode()) as good:
                good.send(b"the honest message")
                while victim.recv() != b"the honest message":
                    pass
        victim.close()
zmq.Context.instance().term()
""",
        timeout=35,
    )


# -- options and calls at random -----------------------------------------------------------------


def test_every_option_with_odd_values():
    """All option numbers, all kinds, all socket types, past the facade's checks."""
    program(
        """
        from zmqlite._native import core
        from zmqlite.error import ZMQBaseError
        kinds = range(0, 21)
        numbers = [-1, 0, 1, 2, 100, 255, 256, 65536, 2**31 - 1, -2**31, -2, 2**40]
        texts = [b"", b"\\0", b"x", b"\\x01" * 32, b"a" * 40, b"a" * 41, b"z" * 255, b"z" * 256, b"z" * 5000,
                 b"127.0.0.1", b"key:value", b"X-k:v", b"0.0.0.0/0", b"\\xff" * 8]
        context = zmq.Context()
        context.max_sockets = 4000
        count = 0
        for kind in kinds:
            try:
                core.Socket(context, kind).close()
            except zmq.ZMQError:
                continue
            one = core.Socket(context, kind)
            for option in list(range(0, 130)) + [1000, -1]:
                if option == 89:
                    continue  # USE_FD: takes real sockets, see above
                for how, values in ((0, numbers), (1, numbers), (2, numbers), (3, texts), (4, texts),
                                    (5, texts), (6, numbers[:4]), (0, [None])):
                    for value in values:
                        try:
                            one.set_option(option, how, value)
                            count += 1
                        except (ZMQBaseError, OverflowError, TypeError):
                            pass
                for how in range(7):
                    try:
                        one.get_option(option, how)
                    except ZMQBaseError:
                        pass
            # and what such a socket does then
            for call in (lambda: one.bind_raw(f"inproc://fuzz{kind}"), lambda: one.connect_raw("tcp://127.0.0.1:9"),
                         lambda: one.bind_raw("tcp://127.0.0.1:*"), lambda: one.send(b"x", zmq.NOBLOCK),
                         lambda: one.recv(zmq.NOBLOCK), lambda: one.send_multipart([b"", b"x"], zmq.NOBLOCK),
                         lambda: one.poll_events(3, 0)):
                try:
                    call()
                except ZMQBaseError:
                    pass
            one.close(0)
        assert count > 5000
        context.term(timeout=10)
        for option in range(-2, 30):
            for value in numbers:
                context = zmq.Context()
                try:
                    core.Context.set(context, option, value)
                except (ZMQBaseError, OverflowError):
                    pass
                try:
                    core.Context.get(context, option)
                    if value < 100:
                        context.socket(zmq.PAIR).close()
                except ZMQBaseError:
                    pass
                context.term()
            for text in texts:
                context = zmq.Context()
                for call in (lambda: context._set_text(option, text), lambda: context._get_text(option)):
                    try:
                        call()
                    except ZMQBaseError:
                        pass
                context.term()
        """,
        timeout=35,
    )


FUZZ = """
import random
seed = int(sys.argv[1])
random.seed(seed)
END = time.monotonic() + float(sys.argv[2])
from zmqlite.error import ZMQBaseError
ALLOWED = (ZMQBaseError, ValueError, TypeError, BufferError, KeyError, IndexError, RuntimeError)
kinds = [zmq.PAIR, zmq.PUB, zmq.SUB, zmq.REQ, zmq.REP, zmq.DEALER, zmq.ROUTER, zmq.PULL, zmq.PUSH, zmq.XPUB]
if zmq.has("draft"):
    kinds += [zmq.SERVER, zmq.CLIENT, zmq.RADIO, zmq.DISH, zmq.GATHER, zmq.SCATTER, zmq.PEER, zmq.CHANNEL]
names = [f"inproc://f{i}" for i in range(6)] + [f"ipc://@fuzz-{os.getpid()}-{i}" for i in range(3)]
bodies = [b"", b"x", b"y" * 3000, bytearray(70000), memoryview(b"z" * 5000), zmq.Frame(b"f" * 5000)]

class World:
    def __init__(self):
        self.renew()
    def renew(self):
        self.context = zmq.Context()
        self.sockets = []
        self.poller = zmq.Poller()
    def make(self):
        one = self.context.socket(random.choice(kinds), linger=0, rcvtimeo=5, sndtimeo=5)
        self.sockets.append(one)
    def any(self):
        return random.choice(self.sockets)

def actions(world):
    one, body, nb = world.any, lambda: random.choice(bodies), random.choice((0, zmq.NOBLOCK))
    return [
        world.make, world.make, lambda: one().bind(random.choice(names)), lambda: one().connect(random.choice(names)),
        lambda: one().connect(random.choice(names)), lambda: one().unbind(random.choice(names)),
        lambda: one().disconnect(random.choice(names)), lambda: one().close(),
        lambda: one().send(body(), nb), lambda: one().send(body(), nb | zmq.SNDMORE),
        lambda: one().send(body(), nb, copy=False, track=True), lambda: one().send_multipart([body(), body()], nb),
        lambda: one().send_many([body(), [body(), body()]], nb), lambda: one().recv(nb),
        lambda: one().recv(nb, copy=False), lambda: one().recv_multipart(nb), lambda: one().recv_many(5, nb),
        lambda: one().recv_into(bytearray(10), flags=nb), lambda: one().recv_nonblock(),
        lambda: one().send_nonblock(body()), lambda: one().poll(2), lambda: world.poller.register(one(), random.randrange(4)),
        lambda: world.poller.unregister(one()), lambda: world.poller.poll(2), lambda: world.poller.poll(0),
        lambda: zmq.zmq_poll([(one(), 1), (one(), 3)], 2), lambda: one().set(random.randrange(120), random.randrange(-1, 3)),
        lambda: one().get(random.randrange(120)), lambda: one().subscribe(b""), lambda: one().join("g"),
        lambda: one().monitor("inproc://m"), lambda: one().monitor(None), lambda: one().get_monitor_socket().close(),
        lambda: zmq.Socket.shadow(one()).recv(zmq.NOBLOCK), lambda: one().loan(100).__enter__(),
    ]

def work(world, number):
    while time.monotonic() < END:
        roll = random.random()
        try:
            if roll < 0.002 and number == 0:
                old, world.context = world.context, zmq.Context()
                old.destroy(0)
                world.sockets = []
            elif roll < 0.003 and number == 1:
                world.context.shutdown()
            elif roll < 0.01:
                world.poller = zmq.Poller()
            elif len(world.sockets) > 60:
                world.sockets.pop(0).close()
            elif not world.sockets:
                world.make()
            else:
                random.choice(actions(world))()
        except ALLOWED:
            pass

import warnings
warnings.simplefilter("ignore")
world = World()
threads = [threading.Thread(target=work, args=(world, n)) for n in range(int(sys.argv[3]))]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
context = world.context
context.destroy(0)
"""


@pytest.mark.parametrize("threads", [1, 4])
@pytest.mark.parametrize("seed", [1, 2])
def test_calls_at_random(seed, threads):
    import os

    seconds = 20 if os.environ.get("ZMQLITE_TEST_LONG") else 2
    run_program(FUZZ, seed, seconds, threads, timeout=15 + seconds)


# -- contexts and sockets that end under one's hands ---------------------------------------------


def test_terminating_while_others_ask():
    """From inside zmq_ctx_term until Python hears of it, the handle is already gone."""
    program(
        """
        sys.setswitchinterval(1e-6)
        stop = []
        def ask():
            while not stop:
                context = contexts[-1]
                for call in (lambda: context.socket(zmq.PAIR).close(), lambda: context.get(zmq.IO_THREADS),
                             lambda: context.set(zmq.BLOCKY, 1), context.shutdown, context.sockets,
                             lambda: context.term(timeout=0.001), lambda: context.destroy(0)):
                    try:
                        call()
                    except (zmq.ZMQError, RuntimeError):
                        pass
        contexts = [zmq.Context()]
        threads = [threading.Thread(target=ask) for _ in range(3)]
        for thread in threads:
            thread.start()
        end = time.monotonic() + 1.5
        while time.monotonic() < end:
            contexts.append(zmq.Context())
            try:
                contexts[-1].socket(zmq.PAIR).close()
            except (zmq.ZMQError, RuntimeError):
                pass
            contexts[-1].term()
            assert contexts[-1].closed
        stop.append(1)
        for thread in threads:
            thread.join()
        """
    )


def test_a_termination_with_a_limit_is_finished_later():
    program(
        """
        context = zmq.Context()
        one = context.socket(zmq.PAIR)
        one.bind("inproc://open")
        error = refused(lambda: context.term(timeout=0.02), zmq.Again)
        assert "PAIR socket (inproc://open)" in str(error)
        refused(lambda: context.socket(zmq.PAIR))
        refused(lambda: context.get(zmq.IO_THREADS))
        context.shutdown()
        refused(lambda: one.recv(zmq.NOBLOCK), zmq.ContextTerminated)
        one.close()
        time.sleep(0.05)                          # the handle goes now, behind our back
        refused(lambda: context.get(zmq.IO_THREADS))
        refused(lambda: context.socket(zmq.PAIR))
        context.shutdown()
        assert context.sockets() == []
        context.term()
        assert context.closed
        """
    )


def test_two_threads_terminate():
    program(
        """
        for _ in range(50):
            context = zmq.Context()
            one = context.socket(zmq.PAIR)
            threads = [threading.Thread(target=context.term),
                       threading.Thread(target=context.term, args=(5,)),
                       threading.Thread(target=context.destroy)]
            for thread in threads[:2]:
                thread.start()
            one.close()
            threads[2].start()
            for thread in threads:
                thread.join()
            assert context.closed
        """
    )


def test_terminating_in_the_handler_that_interrupts_the_termination():
    program(
        """
        import signal
        for timeout in (None, 10):
            context = zmq.Context()
            one = context.socket(zmq.PAIR)
            def handler(signum, frame):
                one.close()
                context.term()
            signal.signal(signal.SIGALRM, handler)
            signal.setitimer(signal.ITIMER_REAL, 0.05)
            context.term(timeout)
            assert context.closed
        """
        if hasattr(__import__("signal"), "setitimer")
        else "pass"
    )


def test_destroy_wakes_a_poller():
    program(
        """
        for kind in (zmq.PULL, zmq.DEALER):
            context = zmq.Context()
            one = context.socket(kind)
            one.bind("inproc://polled")
            poller = zmq.Poller()
            poller.register(one, zmq.POLLIN)
            errors = []
            def wait():
                try:
                    poller.poll()
                except zmq.ZMQError as error:
                    errors.append(error)
            thread = threading.Thread(target=wait)
            thread.start()
            time.sleep(0.02)
            context.destroy(0)
            thread.join(5)
            assert not thread.is_alive(), "the poller sleeps on"
            assert len(errors) == 1
        """
    )


def test_subclasses_that_forget_us():
    """A __del__ or close of one's own that does not call ours must leave no dangling pointers."""
    program(
        """
        import gc, warnings
        warnings.simplefilter("ignore")
        class Forgetful(zmq.Socket):
            def __del__(self):
                pass
        class Broken(zmq.Socket):
            def close(self, linger=None):
                raise RuntimeError("no")
        class OwnPoller(zmq.Poller):
            def __del__(self):
                pass
        class OwnContext(zmq.Context):
            def __del__(self):
                pass
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # exceptions in __del__ are reported there
        for cls in (Forgetful, Broken):
            context = OwnContext()
            keeper = context.socket(zmq.PAIR)
            for _ in range(10):
                one = cls(context, zmq.PAIR)
                one.linger = 0
                poller = OwnPoller()
                poller.register(one, 3)
                poller.register(keeper, 3)
                cycle = [one, poller]
                cycle.append(cycle)
                poller.cycle = cycle
                del one, poller, cycle
                gc.collect()
            assert context.sockets() == [keeper]
            keeper.bind("inproc://touch")
            keeper.poll(0)
            keeper.close()
            context.term(timeout=5)
            context = OwnContext()
            context._cycle = context
            del context
            gc.collect()
        zmq.Context().term()
        """
    )


def test_shadows_end_with_their_original():
    program(
        """
        one = zmq.PAIR(bind="inproc://original")
        shadows = [zmq.Socket.shadow(one), zmq.Socket.shadow(one.underlying), zmq.Socket(one)]
        peer = zmq.PAIR(connect="inproc://original")
        for shadow in shadows:
            shadow.send(b"hello")
            assert peer.recv() == b"hello"
        shadows[0].close()
        assert not one.closed
        poller = zmq.Poller()
        poller.register(shadows[1])
        one.close()
        for shadow in shadows:
            assert shadow.closed
            for call in (lambda: shadow.send(b"x"), lambda: shadow.recv(), lambda: shadow.get(zmq.LINGER)):
                refused(call, zmq.SocketClosed)
            shadow.close()
        refused(lambda: poller.poll(10))
        """
    )


@pytest.mark.skipif(not hasattr(__import__("os"), "fork"), reason="this system has no fork()")
def test_a_poller_and_a_shadow_in_the_child_of_a_fork():
    """The epoll set is shared with the parent: what the child unregisters must stay with the parent."""
    program(
        """
        import gc
        one = zmq.PULL(bind="inproc://forked")
        two = zmq.PUSH(connect="inproc://forked")
        shadow = zmq.Socket.shadow(one)
        pipe = os.pipe()
        poller, other = zmq.Poller(), zmq.Poller()
        for each in (poller, other):
            each.register(one, zmq.POLLIN)
            each.register(pipe[0], zmq.POLLIN)
        assert poller.poll(0) == other.poll(0) == []
        child = os.fork()
        if child == 0:
            try:
                for _ in range(2):
                    refused(lambda: poller.poll(0), zmq.ForkError)
                refused(lambda: shadow.recv(zmq.NOBLOCK), zmq.ForkError)
                refused(lambda: zmq.zmq_poll([(shadow, 1)], 0), zmq.ForkError)
                poller.unregister(one)
                poller.unregister(pipe[0])
                one.close()
                one.underlying
                del other, each
                gc.collect()
                own = zmq.PULL(bind="inproc://own", context=zmq.Context())
                poller.register(own)
                assert poller.poll(0) == []
                os._exit(0)
            except BaseException as error:
                print("child:", repr(error), file=sys.stderr, flush=True)
                os._exit(1)
        assert os.waitpid(child, 0)[1] == 0
        two.send(b"x")
        os.write(pipe[1], b"x")
        for each in (poller, other):
            assert dict(each.poll(5000)) == {one: 1, pipe[0]: 1}
        """
    )


def test_registering_while_another_thread_polls():
    """The list that the kernel writes into must not move meanwhile."""
    program(
        """
        pipe = os.pipe()
        poller = zmq.Poller()
        poller.register(pipe[0], zmq.POLLIN)
        found = []
        thread = threading.Thread(target=lambda: found.extend(poller.poll(10_000)))
        thread.start()
        more = zmq.PAIR(bind="inproc://more")
        misused = 0
        for _ in range(5000):
            for call in (lambda: poller.register(more), lambda: poller.unregister(pipe[0]), lambda: poller.poll(0)):
                try:
                    call()
                except zmq.ThreadMisuse:
                    misused += 1
                except KeyError:
                    pass
            if misused:
                break
            time.sleep(0.001)
        else:
            raise AssertionError("never noticed")
        if pipe[0] in poller:
            os.write(pipe[1], b"x")
            thread.join()
            assert found == [(pipe[0], 1)]
        """
    )
