"""udp: what cannot be bound or connected says so at once, and what is bound can be unbound."""

from __future__ import annotations

import errno
import socket as sockets
import textwrap

import pytest
import wire
from programs import program
from support import FACTOR, needs_drafts, needs_patch, wait_until
from wire import port_of

import zmqlite as zmq

LIMIT = int(10_000 * FACTOR)
pytestmark = [needs_drafts, needs_patch("udp-in-use")]

# What the I/O thread of a context uses, in seconds of processor time, while nothing happens.
USES = """
import resource
def used(seconds=0.5):
    before = resource.getrusage(resource.RUSAGE_SELF)
    time.sleep(seconds)  # time is the subject: how much of it is used
    after = resource.getrusage(resource.RUSAGE_SELF)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
def idle():  # whatever began has to end first
    assert any(used() < 0.1 for _ in range(8)), "the processor is never idle"
"""


def idle_program(code: str, *args: object) -> None:
    program(USES + textwrap.dedent(code), *args)


@pytest.fixture
def taken():
    """A port of udp that someone else has, and does not share."""
    with sockets.socket(sockets.AF_INET, sockets.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        yield other.getsockname()[1]


@pytest.mark.parametrize("kind", [zmq.DISH, zmq.DGRAM])
def test_a_port_in_use_is_refused(context, taken: int, kind: int) -> None:
    socket = context.socket(kind, linger=0)
    with pytest.raises(zmq.AddressInUse):
        socket.bind(f"udp://127.0.0.1:{taken}")
    assert socket.endpoints == ()
    assert port_of(socket.bind("udp://127.0.0.1:*")) != taken  # the socket is unharmed


@pytest.mark.parametrize("kind", [zmq.DISH, zmq.DGRAM])
def test_an_address_of_another_machine_is_refused(context, kind: int) -> None:
    with pytest.raises(zmq.AddressNotAvailable):
        context.socket(kind).bind("udp://192.0.2.7:5599")


def test_a_monitor_hears_of_the_refusal(context, taken: int) -> None:
    dish = context.socket(zmq.DISH)
    reports = dish.get_monitor_socket(zmq.EVENT_BIND_FAILED)
    reports.rcvtimeo = LIMIT
    with pytest.raises(zmq.AddressInUse):
        dish.bind(f"udp://127.0.0.1:{taken}")
    report = zmq.recv_monitor_message(reports)
    assert report["value"] == errno.EADDRINUSE
    assert report["endpoint"] == f"127.0.0.1:{taken}".encode()
    dish.disable_monitor()


@pytest.mark.parametrize("what", ["a port in use", "a foreign address", "no such device"])
def test_a_refusal_leaves_nothing_that_runs(what: str) -> None:
    """No thread spins, the context ends, and so does the program."""
    idle_program(
        """
        context = zmq.Context()
        other = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        other.bind(("127.0.0.1", 0))
        port = other.getsockname()[1]
        dish = context.socket(zmq.DISH)
        address = f"udp://127.0.0.1:{port}"
        if sys.argv[1] == "a foreign address":
            address = f"udp://192.0.2.7:{port}"
        elif sys.argv[1] == "no such device":
            dish.bindtodevice = b"nosuchdevice0"
            address = "udp://127.0.0.1:*"
        refused(lambda: dish.bind(address))
        idle()
        context.destroy(linger=0)
        other.close()
        """,
        what,
    )


def test_a_device_that_is_missing_is_refused_to_connect() -> None:
    idle_program(
        """
        context = zmq.Context()
        radio = context.socket(zmq.RADIO)
        radio.bindtodevice = b"nosuchdevice0"
        refused(lambda: radio.connect("udp://127.0.0.1:5599"))
        idle()
        context.destroy(linger=0)
        """
    )


def test_no_descriptor_for_a_socket_is_an_error_and_no_abort() -> None:
    program(
        """
        import errno, resource
        context = zmq.Context()
        radio, dish = context.socket(zmq.RADIO), context.socket(zmq.DISH)
        limit = len(os.listdir("/proc/self/fd")) - 1
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
        for call in (lambda: radio.connect("udp://127.0.0.1:5599"),
                     lambda: dish.bind("udp://*:*")):
            assert refused(call).errno == errno.EMFILE
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        dish.join("news")
        dish.rcvtimeo = 20000
        radio.connect(dish.bind("udp://127.0.0.1:*"))
        radio.send(b"heard", group="news")
        assert dish.recv() == b"heard"
        context.destroy(linger=0)
        """
    )


def test_what_has_no_way_is_lost_and_the_rest_arrives(context) -> None:
    """A datagram for nowhere ends nothing: the next has a way."""
    receiver = sockets.socket(sockets.AF_INET, sockets.SOCK_DGRAM)
    receiver.bind(("127.0.0.1", 0))
    receiver.settimeout(10 * FACTOR)
    dgram = context.socket(zmq.DGRAM, linger=0, sndtimeo=LIMIT)
    endpoint = dgram.bind("udp://127.0.0.1:*")
    home = f"127.0.0.1:{receiver.getsockname()[1]}".encode()
    before = wire.open_files()
    for number in range(50):
        # from loopback there is no way to another machine
        dgram.send_multipart([b"192.0.2.7:9", b"lost"])
        dgram.send_multipart([home, b"%d" % number])
    with receiver:
        for number in range(50):
            body, sender = receiver.recvfrom(100)
            assert body == b"%d" % number
            assert sender[1] == port_of(endpoint)  # one and the same socket all along
    assert wire.open_files() <= before


# -- wildcards and undoing -----------------------------------------------------------------------


@pytest.mark.parametrize("wildcard", ["*", "0"])
@pytest.mark.parametrize("host", ["127.0.0.1", "*", "lo"])
def test_bind_tells_which_port_the_system_chose(context, host: str, wildcard: str) -> None:
    dish = context.socket(zmq.DISH, rcvtimeo=LIMIT)
    dish.join("news")
    endpoint = dish.bind(f"udp://{host}:{wildcard}")
    assert endpoint == f"udp://{host}:{port_of(endpoint)}"
    assert dish.last_endpoint == endpoint.encode()
    radio = context.socket(zmq.RADIO, linger=0, connect=f"udp://127.0.0.1:{port_of(endpoint)}")
    radio.send(b"heard", group="news")
    assert dish.recv() == b"heard"
    dish.unbind(endpoint)


def is_free(port: int) -> bool:
    with sockets.socket(sockets.AF_INET, sockets.SOCK_DGRAM) as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


@pytest.mark.parametrize("how", ["as bound", "as returned", "as the option says", "with"])
@pytest.mark.parametrize("kind", [zmq.DISH, zmq.DGRAM])
def test_unbind_gives_the_port_back(context, kind: int, how: str) -> None:
    socket = context.socket(kind, linger=0)
    address = "udp://127.0.0.1:*"
    bound = socket.bind(address)
    assert socket.endpoints == (bound,)
    assert not is_free(port_of(bound))
    if how == "with":
        with bound:
            pass
    else:
        option = socket.last_endpoint.decode()
        socket.unbind({"as bound": address, "as returned": bound}.get(how, option))
    assert socket.endpoints == ()
    wait_until(lambda: is_free(port_of(bound)), what="the port to be free again")
    with pytest.raises(zmq.AddressNotFound):
        socket.unbind(bound)
    wait_until(lambda: binds_again(socket, bound), what="the socket to bind again")


def binds_again(socket, address: str) -> bool:
    try:
        return socket.bind(address) == address
    except zmq.AddressInUse:
        return False
    except zmq.ZMQError as error:  # a DGRAM has one endpoint, until its end is known
        if error.errno == errno.EINVAL:
            return False
        raise


def test_a_dish_goes_on_with_the_endpoints_that_are_left(context) -> None:
    dish = context.socket(zmq.DISH, rcvtimeo=LIMIT)
    dish.join("news")
    first, second = dish.bind("udp://127.0.0.1:*"), dish.bind("udp://127.0.0.1:*")
    dish.unbind(first)
    wait_until(lambda: is_free(port_of(first)), what="the port to be free again")
    radio = context.socket(zmq.RADIO, linger=0, connect=second)
    radio.send(b"heard", group="news")
    assert dish.recv() == b"heard"


def test_a_radio_disconnects_in_the_midst_of_sending(context) -> None:
    dish = context.socket(zmq.DISH, rcvtimeo=LIMIT)
    dish.join("news")
    endpoint = dish.bind("udp://127.0.0.1:*")
    for _ in range(50):
        radio = context.socket(zmq.RADIO, linger=0)
        radio.connect(endpoint)
        radio.send(b"perhaps", group="news")
        radio.disconnect(endpoint)
        assert radio.endpoints == ()
        radio.close()
    last = context.socket(zmq.RADIO, linger=0, connect=endpoint)
    last.send(b"certain", group="news")
    while dish.recv() != b"certain":
        pass
