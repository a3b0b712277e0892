"""A SOCKS proxy is a peer like any other: whatever it answers, or does not, the client lives."""

from __future__ import annotations

import pytest
from programs import hostile_program
from support import needs_patch

PROXY = """
import contextlib

class Proxy:
    "A proxy in a thread: `script(proxy, connection)` says what it does to each client."

    def __init__(self, script):
        self.script, self.served = script, []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.listener.getsockname()[1]
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            raw, _ = self.listener.accept()
            raw.settimeout(10)
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.served.append(raw)
            threading.Thread(target=self.serve, args=(raw,), daemon=True).start()

    def serve(self, raw):
        with raw, contextlib.suppress(OSError, EOFError):
            self.script(self, raw)

    def relay(self, raw, behind):
        "Pass on what both sides say, until they have said everything."
        def copy(source, sink):
            with contextlib.suppress(OSError):
                while data := source.recv(65536):
                    sink.sendall(data)
                sink.shutdown(socket.SHUT_WR)
        with behind:
            other = threading.Thread(target=copy, args=(raw, behind), daemon=True)
            other.start()
            copy(behind, raw)
            other.join()

def take(raw, size):
    data = b""
    while len(data) < size:
        more = raw.recv(size - len(data))
        if not more:
            raise EOFError
        data += more
    return data

def take_greeting(raw):
    version, count = take(raw, 2)
    return take(raw, count)

def take_request(raw):
    head = take(raw, 5)
    size = {1: 3, 4: 15, 3: head[4]}[head[3]]
    return head + take(raw, size + 2)

def answer(kind=1, size=0, code=0):
    address = {1: bytes(4), 4: bytes(16), 3: bytes([size]) + b"A" * size}[kind]
    return bytes([5, code, 0, kind]) + address + b"\\0\\7"

def behind():
    return wire.connect(wire.port_of(endpoint))

def failures(monitor, wanted):
    "Wait until that many attempts have failed."
    seen = 0
    while seen < wanted:
        assert monitor.poll(10_000), "the client does not try again"
        event = int.from_bytes(monitor.recv_multipart()[0][:2], sys.byteorder)
        seen += event == zmq.EVENT_CONNECT_RETRIED
"""


@needs_patch("socks-reply")
@pytest.mark.parametrize(
    ("kind", "size"), [(1, 0), (4, 0), *((3, n) for n in (0, 1, 127, 128, 255))]
)
def test_an_answer_of_any_kind_in_any_pieces(kind, size):
    """Together with what the peer behind the proxy says, too."""
    hostile_program(
        PROXY
        + """
kind, size = int(sys.argv[1]), int(sys.argv[2])
whole = answer(kind, size)
cuts = [*range(len(whole) + 1)] if len(whole) < 30 else [*range(12), 133, 200, *range(250, 264)]
cuts = iter(cuts)

def script(proxy, raw):
    take_greeting(raw)
    raw.sendall(b"\\5")
    time.sleep(0.001)
    raw.sendall(b"\\0")
    take_request(raw)
    server = behind()
    first = server.recv(65536)
    cut = next(cuts, None)
    if cut is None:
        raw.sendall(whole + first)
    else:
        raw.sendall(whole[:cut])
        time.sleep(0.001)              # in two pieces, nearly always
        raw.sendall(whole[cut:] + first)
    proxy.relay(raw, server)

pull = zmq.PULL(bind="tcp://127.0.0.1:*", rcvtimeo=10_000, linger=0)
endpoint = pull.last_endpoint.decode()
proxy = Proxy(script)
for n in range(len(whole) + 2 if len(whole) < 30 else 28):
    with zmq.PUSH(socks_proxy=proxy.address, linger=0) as push:
        push.connect(endpoint)
        push.send(b"through the proxy")
        assert pull.recv() == b"through the proxy"
pull.close()
""",
        kind,
        size,
    )


@needs_patch("socks-reply")
@pytest.mark.parametrize("size", [0, 1, 127, 128, 200, 253, 255])
def test_a_proxy_that_says_more_than_it_announced(size):
    hostile_program(
        PROXY
        + """
honest = False

def script(proxy, raw):
    take_greeting(raw)
    raw.sendall(b"\\5\\0")
    take_request(raw)
    if honest:
        raw.sendall(answer())
        proxy.relay(raw, behind())
    else:
        raw.sendall(b"\\5\\0\\0\\3" + bytes([int(sys.argv[1])]))
        time.sleep(0.001)
        raw.sendall(b"A" * 100)
        time.sleep(0.001)
        raw.sendall(b"A" * 200_000)
        raw.recv(1)

pull = zmq.PULL(bind="tcp://127.0.0.1:*", rcvtimeo=10_000, linger=0)
endpoint = pull.last_endpoint.decode()
proxy = Proxy(script)
for n in range(10):
    push = zmq.PUSH(socks_proxy=proxy.address, linger=0, reconnect_ivl=100_000)
    push.connect(endpoint)
    while len(proxy.served) <= n or proxy.served[n].fileno() != -1:
        time.sleep(0.001)              # until the client has hung up, or libzmq has
    push.close()
honest = True
with zmq.PUSH(socks_proxy=proxy.address, linger=0) as push:
    push.connect(endpoint)
    push.send(b"alive")
    assert pull.recv() == b"alive"
pull.close()
""",
        size,
    )


@needs_patch("socks-reply")
def test_a_name_and_a_password_in_any_pieces():
    hostile_program(
        PROXY
        + """
def script(proxy, raw):
    assert take_greeting(raw) == b"\\2"
    raw.sendall(b"\\5\\2")
    told.append(take(raw, 2 + 4 + 1 + 6))
    for piece in (b"\\1", b"\\0"):
        raw.sendall(piece)
        time.sleep(0.001)
    take_request(raw)
    raw.sendall(answer())
    proxy.relay(raw, behind())

told = []
pull = zmq.PULL(bind="tcp://127.0.0.1:*", rcvtimeo=10_000, linger=0)
endpoint = pull.last_endpoint.decode()
proxy = Proxy(script)
for n in range(5):
    with zmq.PUSH(socks_proxy=proxy.address, linger=0, socks_username="user",
                  socks_password="secret") as push:
        push.connect(endpoint)
        push.send(b"authenticated")
        assert pull.recv() == b"authenticated"
assert told == [b"\\1\\4user\\6secret"] * 5
pull.close()
"""
    )


@needs_patch("socks-reply")
def test_a_proxy_chooses_only_what_was_offered():
    hostile_program(
        PROXY
        + """
def script(proxy, raw):
    assert take_greeting(raw) == b"\\0"
    raw.sendall(b"\\5\\2")               # a name and a password, please
    try:
        said.append(raw.recv(1000))
    except ConnectionError:
        said.append(b"")

said = []
proxy = Proxy(script)
push = zmq.PUSH(socks_proxy=proxy.address, linger=0, reconnect_ivl=10)
push.connect("tcp://127.0.0.1:9")
until(lambda: len(said) >= 3, "three attempts")
assert not any(said), said
push.close()
"""
    )


BROKEN = {
    "down": "proxy.listener.close()",
    "accepts and goes": "raw.close()",
    "resets": "wire.reset(raw)",
    "says nothing and goes": "take_greeting(raw); raw.close()",
    "half a choice": "take_greeting(raw); raw.sendall(b'\\5'); raw.close()",
    "no choice": "take_greeting(raw); raw.sendall(b'\\5\\xff'); raw.recv(1)",
    "another version": "take_greeting(raw); raw.sendall(b'HTTP/1.1 400 Bad Request'); raw.recv(1)",
    "no answer": "take_greeting(raw); raw.sendall(b'\\5\\0'); take_request(raw); raw.close()",
    "a refusal": "take_greeting(raw); raw.sendall(b'\\5\\0'); take_request(raw);"
    " raw.sendall(answer(code=5)); raw.recv(1)",
    "nonsense": "take_greeting(raw); raw.sendall(b'\\5\\0'); take_request(raw);"
    " raw.sendall(b'\\5\\0\\0\\2abcdefg'); raw.recv(1)",
    "wrong authentication": "take_greeting(raw); raw.sendall(b'\\5\\2'); take(raw, 5);"
    " raw.sendall(b'\\1\\1'); raw.recv(1)",
    "nonsense as authentication": "take_greeting(raw); raw.sendall(b'\\5\\2'); take(raw, 5);"
    " raw.sendall(b'\\5\\0'); raw.recv(1)",
}


@needs_patch("socks-failure")
@pytest.mark.parametrize("ending", ["close", "disconnect", "term"])
@pytest.mark.parametrize("fault", BROKEN)
def test_closing_after_a_proxy_failed(fault, ending):
    hostile_program(
        PROXY
        + """
def script(proxy, raw):
    exec(sys.argv[1])

proxy = Proxy(script)
if "listener" in sys.argv[1]:
    address = proxy.address
    closed = socket.create_server(("127.0.0.1", 0))
    proxy.address = "127.0.0.1:%d" % closed.getsockname()[1]
    closed.close()
context = zmq.Context()
for attempts, pause in ((1, 3_600_000), (3, 5)):
    push = context.socket(zmq.PUSH, socks_proxy=proxy.address, linger=0, reconnect_ivl=pause)
    if "authentication" in sys.argv[3]:
        push.socks_username, push.socks_password = "u", "p"
    monitor = push.get_monitor_socket(zmq.EVENT_CONNECT_RETRIED)
    push.connect("tcp://127.0.0.1:9")
    failures(monitor, attempts)
    monitor.close()
    if sys.argv[2] == "disconnect":
        push.disconnect("tcp://127.0.0.1:9")
        push.connect("inproc://of use still")
    elif sys.argv[2] == "close":
        push.close()
    else:
        context.destroy(linger=0)
        context = zmq.Context()
    push.close()
context.term()
""",
        BROKEN[fault],
        ending,
        fault,
    )


@needs_patch("socks-failure")
def test_a_host_name_that_no_proxy_can_be_told():
    hostile_program(
        PROXY
        + """
def script(proxy, raw):
    take_greeting(raw)
    raw.sendall(b"\\5\\0")
    take_request(raw)
    raise AssertionError

proxy = Proxy(script)
push = zmq.PUSH(socks_proxy=proxy.address, linger=0, reconnect_ivl=5)
monitor = push.get_monitor_socket(zmq.EVENT_CONNECT_RETRIED)
for size in (256, 1000):
    try:
        push.connect("tcp://%s:9" % ("h" * size))
    except zmq.ZMQError:
        continue                       # better still
    failures(monitor, 3)
monitor.close()
push.close()
"""
    )
