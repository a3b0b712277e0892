"""Devices: in the foreground, in threads, in processes; proxies, and monitored queues."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from pyzmq.conftest import LIMIT
from support import FACTOR, in_thread, wait_until

import zmqlite.pyzmq.devices as our_devices

LOCAL = "tcp://127.0.0.1"


@pytest.fixture
def devices(tree: Any) -> Any:
    return tree("devices")


@pytest.fixture
def zmq(tree: Any) -> Any:
    return tree("")


class Bench:
    """A context for devices and their peers, which ends whatever happens."""

    def __init__(self, zmq: Any) -> None:
        self.zmq = zmq
        self.context = zmq.Context()
        self.sockets: list[Any] = []
        self.running: list[Any] = []

    def socket(self, kind: int, addr: str) -> Any:
        socket = self.context.socket(kind)
        self.sockets.append(socket)
        socket.linger, socket.rcvtimeo, socket.sndtimeo = 0, LIMIT, LIMIT
        socket.connect(addr)
        return socket

    def start(self, device: Any) -> None:
        device.context_factory = lambda: self.context
        device.start()
        self.running.append(device)

    def end(self) -> None:
        for socket in self.sockets:
            socket.close()
        ending = in_thread(self.context.term)
        for device in self.running:
            device.join(10 * FACTOR)
            assert device.done
        ending()


@pytest.fixture
def bench(zmq: Any) -> Iterator[Bench]:
    bench = Bench(zmq)
    yield bench
    bench.end()


def subscribed(bench: Bench, port: int) -> Any:
    sub = bench.socket(bench.zmq.SUB, f"{LOCAL}:{port}")
    sub.subscribe(b"")
    return sub


# -- plain devices --------------------------------------------------------------------------------


def test_a_thread_device(devices: Any, zmq: Any, bench: Bench) -> None:
    device = devices.ThreadDevice(zmq.QUEUE, zmq.ROUTER, zmq.DEALER)
    device.setsockopt_in(zmq.IDENTITY, b"in")
    device.setsockopt_out(zmq.LINGER, 0)
    front = device.bind_in_to_random_port(LOCAL)
    back = device.bind_out_to_random_port(LOCAL)
    assert front != back
    bench.start(device)
    assert not device.done
    assert device.daemon
    client = bench.socket(zmq.REQ, f"{LOCAL}:{front}")
    server = bench.socket(zmq.REP, f"{LOCAL}:{back}")
    client.send(b"question")
    assert server.recv() == b"question"
    server.send(b"answer")
    assert client.recv() == b"answer"
    device.join(0.01)
    assert not device.done


def test_a_device_connects(devices: Any, zmq: Any, bench: Bench) -> None:
    source, sink = bench.context.socket(zmq.PUSH), bench.context.socket(zmq.PULL)
    bench.sockets += [source, sink]
    sink.rcvtimeo = LIMIT
    device = devices.ThreadDevice(zmq.STREAMER, zmq.PULL, zmq.PUSH)
    device.connect_in(f"{LOCAL}:{source.bind_to_random_port(LOCAL)}")
    device.connect_out(f"{LOCAL}:{sink.bind_to_random_port(LOCAL)}")
    bench.start(device)
    source.send(b"a")
    assert sink.recv() == b"a"


def test_a_device_in_the_foreground(devices: Any, zmq: Any) -> None:
    context = zmq.Context()
    device = devices.Device(zmq.STREAMER, zmq.PULL, zmq.PUSH)
    device.context_factory = lambda: context
    device.bind_in("inproc://in")
    device.bind_out("inproc://out")
    running = in_thread(device.start)
    push, pull = context.socket(zmq.PUSH), context.socket(zmq.PULL)
    pull.rcvtimeo = LIMIT
    push.connect("inproc://in")
    pull.connect("inproc://out")
    push.send(b"a")
    assert pull.recv() == b"a"
    push.close()
    pull.close()
    ending = in_thread(context.term)
    running()
    ending()
    assert device.done
    device.join()


def test_types_are_a_must(devices: Any, zmq: Any) -> None:
    with pytest.raises(TypeError, match="in_type"):
        devices.Device(zmq.QUEUE)
    with pytest.raises(TypeError, match="out_type"):
        devices.Device(zmq.QUEUE, zmq.PULL)
    with pytest.raises(TypeError):
        devices.ThreadProxy(None, zmq.PULL)


def test_who_makes_the_context(devices: Any, zmq: Any) -> None:
    assert devices.ThreadDevice.context_factory == zmq.Context.instance
    assert devices.ProcessDevice.context_factory is zmq.Context


def test_another_error_than_the_end_comes_out(devices: Any, zmq: Any) -> None:
    context = zmq.Context()
    device = devices.Device(zmq.QUEUE, zmq.PULL, zmq.PUSH)
    device.context_factory = lambda: context
    device.bind_in("inproc://same")
    device.bind_out("inproc://same")
    with pytest.raises(zmq.ZMQError) as caught:
        device.run()
    assert caught.value.errno == zmq.EADDRINUSE
    context.destroy(linger=0)


@pytest.mark.parametrize("kind", ["ProcessDevice", "ProcessProxy", "ProcessMonitoredQueue"])
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_process_devices(devices: Any, zmq: Any, bench: Bench, kind: str) -> None:
    make = getattr(devices, kind)
    types = (zmq.ROUTER, zmq.DEALER)
    device = make(zmq.QUEUE, *types) if kind == "ProcessDevice" else make(*types, zmq.PUB)
    front = device.bind_in_to_random_port(LOCAL)
    back = device.bind_out_to_random_port(LOCAL)
    if kind != "ProcessDevice":
        seen = subscribed(bench, device.bind_mon_to_random_port(LOCAL))
    device.start()
    try:
        client = bench.socket(zmq.REQ, f"{LOCAL}:{front}")
        server = bench.socket(zmq.REP, f"{LOCAL}:{back}")
        client.send(b"question")
        assert server.recv() == b"question"
        server.send(b"answer")
        assert client.recv() == b"answer"
        if kind != "ProcessDevice":
            assert seen.type == zmq.SUB
    finally:
        device.launcher.terminate()
        device.join(10 * FACTOR)
    assert not device.launcher.is_alive()


# -- proxies --------------------------------------------------------------------------------------


def test_a_thread_proxy_shows_what_passes(devices: Any, zmq: Any, bench: Bench) -> None:
    device = devices.ThreadProxy(zmq.PULL, zmq.PUSH, zmq.PUSH)
    device.setsockopt_mon(zmq.LINGER, 0)
    front = device.bind_in_to_random_port(LOCAL)
    back = device.bind_out_to_random_port(LOCAL)
    shown = device.bind_mon_to_random_port(LOCAL)
    bench.start(device)
    push = bench.socket(zmq.PUSH, f"{LOCAL}:{front}")
    pull = bench.socket(zmq.PULL, f"{LOCAL}:{back}")
    monitor = bench.socket(zmq.PULL, f"{LOCAL}:{shown}")
    push.send_multipart([b"a", b"b"])
    assert pull.recv_multipart() == monitor.recv_multipart() == [b"a", b"b"]


def test_the_function_device(tree: Any, zmq: Any) -> None:
    context = zmq.Context()
    ins, outs = context.socket(zmq.PULL), context.socket(zmq.PUSH)
    ins.bind("inproc://in")
    outs.bind("inproc://out")
    failed: list[Any] = []

    def run() -> None:
        try:
            zmq.device(zmq.STREAMER, ins, outs)
        except zmq.ContextTerminated as error:
            failed.append(error)
        finally:
            ins.close()
            outs.close()

    thread = threading.Thread(target=run)
    thread.start()
    push, pull = context.socket(zmq.PUSH), context.socket(zmq.PULL)
    push.connect("inproc://in")
    pull.connect("inproc://out")
    push.send(b"a")
    assert pull.recv() == b"a"
    push.close()
    pull.close()
    context.term()
    thread.join()
    assert failed


def test_a_steerable_proxy() -> None:
    """pyzmq's libzmq has none any more."""
    import zmqlite.pyzmq as zmq

    bench = Bench(zmq)
    device = our_devices.ThreadProxySteerable(zmq.PULL, zmq.PUSH, zmq.PUB, zmq.PAIR)
    front = device.bind_in_to_random_port(LOCAL)
    back = device.bind_out_to_random_port(LOCAL)
    device.bind_mon_to_random_port(LOCAL)
    device.setsockopt_ctrl(zmq.LINGER, 0)
    steer = device.bind_ctrl_to_random_port(LOCAL)
    bench.start(device)
    push = bench.socket(zmq.PUSH, f"{LOCAL}:{front}")
    pull = bench.socket(zmq.PULL, f"{LOCAL}:{back}")
    control = bench.socket(zmq.PAIR, f"{LOCAL}:{steer}")
    push.send(b"a")
    assert pull.recv() == b"a"
    control.send(b"TERMINATE")
    device.join(10 * FACTOR)
    assert device.done
    bench.end()


# -- monitored queues -----------------------------------------------------------------------------


def test_a_monitored_queue_between_routers(devices: Any, zmq: Any, bench: Bench) -> None:
    """Ids change places, so that both sides may talk to anybody."""
    device = devices.ThreadMonitoredQueue(zmq.ROUTER, zmq.ROUTER, zmq.PUSH, b"IN", b"OUT")
    front = device.bind_in_to_random_port(LOCAL)
    back = device.bind_out_to_random_port(LOCAL)
    shown = device.bind_mon_to_random_port(LOCAL)
    bench.start(device)
    alice, bob = bench.context.socket(zmq.DEALER), bench.context.socket(zmq.DEALER)
    bench.sockets += [alice, bob]
    for socket, name, port in ((alice, b"alice", front), (bob, b"bob", back)):
        socket.linger, socket.identity = 0, name
        socket.connect(f"{LOCAL}:{port}")
    monitor = bench.socket(zmq.PULL, f"{LOCAL}:{shown}")

    def reaches(sender: Any, message: list[bytes], receiver: Any) -> Any:
        sender.send_multipart(message)  # lost until the router knows the receiver
        return receiver.poll(20)

    wait_until(lambda: reaches(alice, [b"bob", b"hello", b"x"], bob))
    assert bob.recv_multipart() == [b"alice", b"hello", b"x"]
    assert monitor.recv_multipart() == [b"IN", b"bob", b"alice", b"hello", b"x"]
    while monitor.poll(50):
        monitor.recv_multipart()
    while bob.poll(50):
        bob.recv_multipart()
    bob.send_multipart([b"alice", b"back"])
    assert alice.poll(LIMIT)
    assert alice.recv_multipart() == [b"bob", b"back"]
    assert monitor.recv_multipart() == [b"OUT", b"alice", b"bob", b"back"]


def test_a_monitored_queue_between_others(devices: Any, zmq: Any, bench: Bench) -> None:
    device = devices.ThreadMonitoredQueue(zmq.PULL, zmq.PUSH, zmq.PUSH)
    front = device.bind_in_to_random_port(LOCAL)
    back = device.bind_out_to_random_port(LOCAL)
    shown = device.bind_mon_to_random_port(LOCAL)
    bench.start(device)
    push = bench.socket(zmq.PUSH, f"{LOCAL}:{front}")
    pull = bench.socket(zmq.PULL, f"{LOCAL}:{back}")
    monitor = bench.socket(zmq.PULL, f"{LOCAL}:{shown}")
    for number in range(300):
        push.send_multipart([b"a", b"%d" % number])
    for number in range(300):
        assert pull.recv_multipart() == [b"a", b"%d" % number]
        assert monitor.recv_multipart() == [b"in", b"a", b"%d" % number]


def test_what_a_monitored_queue_takes(tree: Any, zmq: Any, bench: Bench) -> None:
    monitored_queue = tree("devices.monitoredqueue").monitored_queue
    sockets = [bench.context.socket(kind) for kind in (zmq.PULL, zmq.PUSH, zmq.PUB)]
    bench.sockets += sockets
    for place, name in enumerate(("in_socket", "out_socket", "mon_socket")):
        wrong: list[Any] = list(sockets)
        wrong[place] = "no socket"
        with pytest.raises(TypeError, match=name):
            monitored_queue(*wrong)
    with pytest.raises(TypeError, match="in_prefix"):
        monitored_queue(*sockets, "in", "out")


def test_a_spawned_process_device() -> None:
    """A device travels to a process that is not forked."""
    import multiprocessing
    import pickle

    import zmqlite.pyzmq as zmq

    device = our_devices.ProcessDevice(zmq.QUEUE, zmq.PULL, zmq.PUSH)
    device.bind_in("tcp://127.0.0.1:*")
    device.launcher = multiprocessing.get_context("spawn").Process(target=device.run)
    copied = pickle.loads(pickle.dumps(device))
    assert copied.in_type == zmq.PULL
    assert copied.launcher is None
