"""What libzmq answers with an abort or a crash: here an exception, or nothing at all.

Each danger runs in a process of its own, so that a failure is the death of that process and
not of the
test run.
"""

from __future__ import annotations

import pytest
from programs import program
from support import needs_curve, needs_drafts, needs_patch

import zmqlite as zmq

# -- routing ids ----------------------------------------------------------------------------------


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


@needs_patch("connect-routing-id")
def test_a_routing_id_is_free_again_after_the_disconnect():
    program(
        """
        router = zmq.Context.instance().socket(zmq.ROUTER, linger=0)
        ends = [zmq.DEALER(bind="tcp://127.0.0.1:*", rcvtimeo=20_000) for _ in range(2)]
        for turn in range(20):
            end = ends[turn % 2]
            deadline = time.monotonic() + 30
            while True:
                try:
                    router.connect_routing_id = b"peer"
                    address = router.connect(end.last_endpoint.decode())
                    break
                except zmq.ZMQError:         # the former one is not gone yet
                    assert time.monotonic() < deadline
                    time.sleep(0.001)
            router.send_multipart([b"peer", b"%d" % turn])
            assert end.recv() == b"%d" % turn
            router.disconnect(address)
        for end in ends:
            end.close()
        router.close()
        """
    )


@needs_patch("connect-routing-id")
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


@needs_patch("connect-routing-id")
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


# -- datagrams ------------------------------------------------------------------------------------


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


@needs_patch("udp-output")
@needs_drafts
def test_datagrams_that_are_too_large_for_a_proxy():
    """It moves messages inside libzmq, where nobody looks at their size; what fits arrives."""
    program(
        """
        with socket.socket(type=socket.SOCK_DGRAM) as receiver:
            receiver.bind(("127.0.0.1", 0))
            receiver.settimeout(10)
            address = b"127.0.0.1:%d" % receiver.getsockname()[1]
            context = zmq.Context()
            front = context.socket(zmq.PULL, bind="inproc://front", linger=0)
            back = context.socket(zmq.DGRAM, bind="udp://127.0.0.1:*", linger=0)
            pump = threading.Thread(
                target=lambda: refused(lambda: zmq.proxy(front, back), zmq.ContextTerminated))
            pump.start()
            source = context.socket(zmq.PUSH, connect="inproc://front", linger=0)
            for size in (8193, 9000, 65536, 1 << 20):
                source.send_multipart([address, bytes(size)])
            source.send_multipart([address, b"fits"])
            assert receiver.recv(65536) == b"fits"
            context.shutdown()
            pump.join()
            context.destroy(0)
        """
    )


@needs_patch("udp-input")
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
        dish = zmq.DISH(bind=f"udp://127.0.0.1:{port}", rcvtimeo=20_000)
        dish.join("group")
        def throw(data):
            raw.sendto(data, ("127.0.0.1", port))
        for first in (0x80, 0xff, 0x81, 0x7f, 0):
            for size in (0, 1, 2, 127, 128, 129, 255, 256, 8191, 8192, 8193, 60000):
                throw(bytes([first]) + b"x" * size)
                throw(b"")
        deadline = time.monotonic() + 30
        while not dish.poll(20):  # datagrams may be lost: say it again
            throw(bytes([5]) + b"group" + b"alive")
            assert time.monotonic() < deadline
        assert dish.recv() == b"alive"
        port = free_port()
        dgram = zmq.DGRAM(bind=f"udp://127.0.0.1:{port}", rcvtimeo=20_000)
        for _ in range(5):
            throw(b"")
            throw(b"x" * 60000)
        while not dgram.poll(20):
            throw(b"alive")
        raw.close()
        """
    )


# -- settings -------------------------------------------------------------------------------------


@needs_patch("use-fd")
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
                    time.sleep(0.02)  # the I/O thread may look at it, and has to live
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


@needs_curve
def test_encryption_without_keys():
    program(
        """
        refused(lambda: zmq.REP(bind="wss://127.0.0.1:*"))
        refused(lambda: zmq.REQ(connect="wss://127.0.0.1:9"))
        public, secret = zmq.curve_keypair()
        refused(lambda: zmq.REP(curve_server=1, bind="tcp://127.0.0.1:*"))
        refused(lambda: zmq.REQ(curve_serverkey=public, connect="tcp://127.0.0.1:9"))
        refused(lambda: zmq.REQ(curve_serverkey=public, curve_secretkey=secret, connect="tcp://127.0.0.1:9"))
        for key in (b"", b"x", b"x" * 39, b"x" * 41, b"\\0" * 32, b"\\0" * 40, b"\\xff" * 40,
            b"~" * 40):
            try:
                with zmq.PAIR() as one:
                    one.curve_secretkey = key
                    one.curve_server = 1
                    one.bind("tcp://127.0.0.1:*")
            except (zmq.ZMQError, ValueError):
                pass
        """
    )


@needs_patch("plain-domain")
@needs_drafts
def test_a_plain_server_that_enforces_a_domain_it_does_not_have():
    program(
        """
        from zmqlite._native import core
        refused(lambda: zmq.REP(plain_server=1, zap_enforce_domain=1, bind="tcp://127.0.0.1:*"))
        # past the facade's check, as a caller of the core would
        server = zmq.Context.instance().socket(zmq.REP, plain_server=1, zap_enforce_domain=1)
        endpoint = server._bind("tcp://127.0.0.1:*")
        client = zmq.REQ(plain_username=b"admin", plain_password=b"secret", linger=0)
        monitor = client.get_monitor_socket()
        client.connect(endpoint)
        client.send(b"?")
        assert monitor.poll(5000)
        assert not server.poll(50)
        """
    )


@needs_curve
def test_keys_and_z85_of_all_sorts():
    program(
        """
        for text in (b"", "", b"abcd", b"abcdef", b"\\x00" * 5, b"ab\\0de", b"~~~~~", b"     ",
                     b"\\xff\\xfe\\x80\\x81\\x82", "\\u00e9abcd", b"abcd\\x7f", b"%nSc0",
                     b"%nSc1", 5, None):
            try:
                assert isinstance(zmq.z85_decode(text), bytes)
            except (ValueError, TypeError) as error:
                assert str(error)
        assert zmq.z85_decode(zmq.z85_encode(bytes(range(256)))) == bytes(range(256))
        for data in (b"abc", b"12345", "text", None):
            refused(lambda: zmq.z85_encode(data), ValueError, TypeError)
        for key in (b"", b"x" * 40, b"\\0" * 40, b"a" * 39 + b"\\0", b"a\\0" * 20, b"\\xff" * 40,
            "x" * 40, 40,
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
        for call in (sock.bind, sock.connect, sock.unbind, sock.disconnect, sock._bind,
            sock._connect,
                     sock.monitor):
            refused(lambda: call("inproc://a\\0b"), ValueError, zmq.ZMQError)
        assert sock.endpoints == ()
        sock.bind("inproc://" + "n" * 5000)
        sock.unbind("inproc://" + "n" * 5000)
        """
    )


# -- sockets that do not go together over inproc --------------------------------------------------


@needs_patch("stray-join")
@needs_drafts
@pytest.mark.parametrize(
    "kind", ["PAIR", "XPUB", "DEALER", "ROUTER", "REP", "PULL", "SERVER", "PEER"]
)
def test_a_dish_at_the_wrong_address(kind):
    """What it says about its groups has no body, and was asserted to have one."""
    program(
        """
        other = zmq.Context.instance().socket(getattr(zmq, sys.argv[1]), linger=0, rcvtimeo=100,
            sndtimeo=100)
        other.bind("inproc://wrong")
        dish = zmq.DISH(connect="inproc://wrong", linger=0)
        dish.join("group")
        dish.leave("group")
        for call in (other.recv_multipart, lambda: other.recv(copy=False),
            lambda: other.send(b"x"),
                     lambda: other.poll(1)):
            try:
                call()
            except zmq.ZMQError:
                pass
        """,
        kind,
    )


@needs_patch("one-too-many")
@pytest.mark.parametrize("kind", ["ROUTER", "REP", "DEALER", "SERVER"])
def test_more_peers_than_a_pair_takes(kind):
    if kind == "SERVER" and not zmq.has("draft"):
        pytest.skip("built without drafts")
    program(
        """
        peers = [zmq.Context.instance().socket(getattr(zmq, sys.argv[1]),
            linger=0) for _ in range(4)]
        for peer in peers:
            peer.connect("inproc://one")
        pair = zmq.PAIR(bind="inproc://one", linger=0)
        assert pair.poll(1) in (0, 1)
        """,
        kind,
    )


@needs_patch("poller-ended")
@needs_drafts
def test_polling_thread_safe_sockets_of_a_context_that_ends():
    program(
        """
        for _ in range(50):
            context = zmq.Context()
            safe, plain = context.socket(zmq.SERVER), context.socket(zmq.PAIR)
            context.shutdown()
            refused(lambda: zmq.zmq_poll([(plain, 1), (safe, 1)], 10), zmq.ContextTerminated)
            context.destroy(0)
        """
    )


@needs_patch("mailbox-deadlock")
@needs_drafts
def test_thread_safe_sockets_do_not_lock_each_other_out():
    """Each held its own lock and wanted the peer's."""
    program(
        """
        def talk(one, seconds=1):
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                try:
                    one.send(b"x", routing_id=ids.get(one))
                    one.recv()
                except zmq.Again:
                    pass
        context = zmq.Context()
        ids = {}
        threads = []
        keep = []
        for number in range(2):
            server = context.socket(zmq.SERVER, bind=f"inproc://lock{number}", rcvtimeo=1,
                sndtimeo=1, linger=0)
            client = context.socket(zmq.CLIENT, connect=f"inproc://lock{number}", rcvtimeo=1,
                sndtimeo=1, linger=0)
            client.send(b"hello")
            ids[server] = server.recv(copy=False).routing_id if server.poll(1000) else None
            threads += [threading.Thread(target=talk, args=(one,)) for one in (server, client)]
            keep += [server, client]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for one in context.sockets():
            one.close()
        context.term()
        """
    )


@needs_patch("monitor-stall")
def test_a_monitor_that_nobody_reads():
    program(
        """
        server = zmq.PULL()
        server.monitor("inproc://unread")
        for _ in range(20):
            server.unbind(server.bind("tcp://127.0.0.1:*"))
        server.monitor("inproc://another")
        end = server.bind("tcp://127.0.0.1:*")
        client = zmq.PUSH(connect=end, linger=0)
        client.send(b"still here")
        assert server.recv() == b"still here"
        server.monitor(None)
        """
    )


@needs_patch("pipe-hwm")
def test_a_high_water_mark_is_set_while_peers_leave():
    """It was told to peers whose memory was gone."""
    program(
        """
        push = zmq.PUSH(bind="inproc://mark", linger=0)
        for turn in range(2000):
            pull = zmq.PULL(connect="inproc://mark")
            push.getsockopt(zmq.EVENTS)
            pull.close()
            for look in range(8):
                push.getsockopt(zmq.EVENTS)
                push.sndhwm = 100 + turn % 7
                if look == 3:
                    time.sleep(0.0001)  # so that the end comes at any of these moments
        push.close()
        """
    )


@needs_patch("pipe-stats")
@needs_drafts
def test_statistics_are_asked_while_peers_leave():
    """They went through pipes whose other end was gone already."""
    program(
        """
        import errno
        context = zmq.Context()
        server = context.socket(zmq.PUSH, bind="inproc://left", sndhwm=5, linger=0)
        server.monitor("inproc://statistics", zmq.EVENT_PIPES_STATS, version=2)
        monitor = context.socket(zmq.PAIR, connect="inproc://statistics", linger=0)
        end = time.monotonic() + 1
        while time.monotonic() < end:
            peers = []
            while len(peers) < 4:
                try:
                    peers.append(context.socket(zmq.PULL, connect="inproc://left", linger=0))
                except zmq.ZMQError as error:  # those closed are not gone yet, on a busy machine
                    assert error.errno == errno.EMFILE
                    time.sleep(0.01)
            for peer in peers:
                server.send_nonblock(b"x")
            for peer in peers:
                server.monitor_pipes_stats()
                peer.close(0)
            while monitor.recv_nonblock() is not None:
                pass
        context.destroy(0)
        """
    )
