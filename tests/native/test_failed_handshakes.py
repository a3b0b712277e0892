"""A server that answers with nonsense is tried again, and gets none of the messages that wait."""

from __future__ import annotations

import pytest
import wire
from programs import hostile_program
from support import FACTOR, needs_curve, needs_drafts, needs_patch, wait_until

import zmqlite as zmq

pytestmark = needs_patch("handshake-failed")

SERVER = """
transport, *arguments = sys.argv[1:]
OPTIONS = dict(linger=0, reconnect_ivl=5, sndtimeo=10_000, rcvtimeo=10_000)

if transport == "ipc":
    import atexit, shutil, tempfile
    folder = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, folder)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(folder + "/socket")
    listener.listen(10)
    ENDPOINT = f"ipc://{folder}/socket"
else:
    listener = socket.create_server(("127.0.0.1", 0), backlog=10)
    ENDPOINT = f"{transport}://127.0.0.1:{listener.getsockname()[1]}" + "/" * (transport == "ws")
listener.settimeout(10)

def accept():
    raw, _ = listener.accept()
    raw.settimeout(10)
    return raw

def told(raw):
    # whatever the client says until it ends the connection
    seen = b""
    try:
        while more := raw.recv(65536):
            seen += more
    except ConnectionError:
        pass
    return seen

def answer(nonsense):
    with accept() as raw:
        try:
            raw.sendall(nonsense)
            raw.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        return told(raw)

def nobody_comes(seconds=0.3):
    listener.settimeout(seconds)
    try:
        listener.accept()[0].close()
    except TimeoutError:
        return True

PROPER = wire.greeting() + wire.ready("PULL")
NONSENSE = {
    "nothing": b"",
    "half a signature": wire.SIGNATURE[:5],
    "half a greeting": wire.greeting()[:40],
    "another mechanism": wire.greeting(mechanism=b"PLAIN"),
    "no mechanism": wire.greeting(mechanism=b""),
    "an unknown mechanism": wire.greeting(mechanism=b"x" * 20),
    "an unknown command": wire.greeting() + wire.command(b"FOOO"),
    "no command": wire.greeting() + wire.frame(b""),
    "a command without a name": wire.greeting() + wire.frame(b"\\xff", 4),
    "a READY cut short": wire.greeting() + wire.command(b"READY", b"\\x0bSocket-Ty"),
    "a READY that announces too much": wire.greeting()
        + wire.command(b"READY", b"\\x0bSocket-Type\\xff\\xff\\xff\\xffPULL"),
    "another kind of socket": wire.greeting() + wire.ready("PUB"),
    "no kind of socket": wire.greeting() + wire.ready("NOSUCH"),
    "an ERROR cut short": wire.greeting() + wire.frame(b"\\5ERROR", 4),
    "an ERROR that announces too much": wire.greeting() + wire.frame(b"\\5ERROR\\xff400", 4),
    "a frame of any size": wire.greeting() + wire.header((1 << 64) - 1),
    "HTTP": b"HTTP/1.1 400 Bad Request\\r\\nConnection: close\\r\\n\\r\\n" + b"<p>text</p>" * 99,
    "SSH": b"SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\\r\\n" + b"\\0\\0\\1\\x2c" + b"kex" * 200,
    "mail": b"220 mail.example.org ESMTP ready\\r\\n500 what?\\r\\n" * 9,
    "TLS": b"\\x15\\3\\1\\0\\2\\2\\x46",
    "zeros": bytes(5000),
    "ones": b"\\xff" * 5000,
    "an old greeting, and no more": b"\\5\\0abc",
    "an old greeting of a name cut short": b"\\5\\0",
    "ZMTP 2.0, and no more": wire.SIGNATURE + bytes([1, wire.NUMBERS["PULL"]]),
    "ZMTP 2.0 and nonsense": wire.SIGNATURE + bytes([1, wire.NUMBERS["PULL"]])
        + wire.header((1 << 64) - 1),
}
"""


@pytest.mark.parametrize("transport", ["tcp", "ipc"])
def test_a_client_comes_back_with_all_that_waits(transport):
    hostile_program(
        SERVER
        + """
client = zmq.PUSH(connect=ENDPOINT, **OPTIONS)
for n in range(50):
    client.send(b"message %d" % n)
for name, nonsense in NONSENSE.items():
    print(name, flush=True)
    if name == "an old greeting, and no more":
        continue   # a peer of version 1.0 is not nonsense
    said = answer(nonsense)
    assert b"message" not in said, said
with accept() as raw:
    raw.sendall(PROPER)
    client.send(b"the last")
    seen = wire.read_until(raw, b"the last")
    wanted = b"".join(wire.frame(b"message %d" % n) for n in range(50))
    assert seen.endswith(wanted + wire.frame(b"the last")), seen
client.close()
listener.close()
""",
        transport,
    )


@needs_patch("old-greeting")
@pytest.mark.parametrize("version", ["1.0", "1.0 with a signature", "2.0"])
def test_an_old_peer_gets_messages_once_it_has_said_who_it_is(version):
    hostile_program(
        SERVER
        + """
version, = arguments
client = zmq.PUSH(connect=ENDPOINT, routing_id=b"me", **OPTIONS)
client.send(b"message")
with accept() as raw:
    if version == "2.0":
        raw.sendall(wire.SIGNATURE + bytes([1, wire.NUMBERS["PULL"]]))
    elif version == "1.0":
        raw.sendall(b"\\6")          # the length of a name, and flags
    else:
        raw.sendall(wire.SIGNATURE + b"\\0\\0")
    raw.settimeout(0.2)
    try:
        seen = b""
        while True:
            seen += raw.recv(1000)
    except TimeoutError:
        assert b"message" not in seen, seen
    raw.settimeout(10)
    raw.sendall({"2.0": wire.frame(b""), "1.0": b"\\0abcde"}.get(version, b"\\1\\0"))
    wire.read_until(raw, b"message")
client.close()
listener.close()
""",
        "tcp",
        version,
    )


@pytest.mark.skipif(not zmq.has("ws"), reason="built without ws")
def test_a_client_of_a_websocket_comes_back():
    hostile_program(
        SERVER
        + """
def response(protocol=b"ZWS2.0/NULL", status=b"101 Switching Protocols"):
    return (b"HTTP/1.1 " + status + b"\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\n"
        b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\\r\\n"
        b"Sec-WebSocket-Protocol: " + protocol + b"\\r\\n\\r\\n")
def message(body, flags=0):
    return wire.ws_message(body, flags, mask=None)
READY = message(wire.ready("PULL")[2:], 2)
NONSENSE = {
    "nothing": b"",
    "not found": b"HTTP/1.1 404 Not Found\\r\\n\\r\\n",
    "another status": response(status=b"200 Ok"),
    "another protocol": response(b"chat"),
    "no protocol": response(b""),
    "another mechanism": response(b"ZWS2.0/CURVE"),
    "half a response": response()[:50],
    "a line without end": b"HTTP/1.1 101 Switching Protocols\\r\\nX: " + b"x" * 9000,
    "a name without end": b"HTTP/1.1 101 Switching Protocols\\r\\n" + b"x" * 9000,
    "the end at once": response(),
    "a masked frame": response() + wire.ws_frame(b"x"),
    "an unknown frame": response() + wire.ws_frame(b"x", 11, mask=None),
    "an empty frame": response() + wire.ws_frame(b"", mask=None),
    "an unknown command": response() + message(b"\\4FOOO", 2),
    "another kind of socket": response() + message(wire.ready("PUB")[2:], 2),
    "a closing frame": response() + wire.ws_frame(b"", 8, mask=None),
    "SSH": NONSENSE["SSH"],
    "ZMTP": PROPER,
}
client = zmq.PUSH(connect=ENDPOINT, **OPTIONS)
for n in range(50):
    client.send(b"message %d" % n)
for name, nonsense in NONSENSE.items():
    print(name, flush=True)
    said = answer(nonsense)
    assert said[:4] in (b"GET ", b""), said   # (an error may come before it could ask)
    assert len(said) < 500, said              # (what a client says is masked)
with accept() as raw:
    raw.sendall(response() + READY)
    seen = wire.read_until(raw, b"\\r\\n\\r\\n").partition(b"\\r\\n\\r\\n")[2]
    wanted = [(2, b"\\0message %d" % n) for n in range(50)]
    while len(frames := wire.ws_frames(seen)) < 51:
        seen += raw.recv(65536)
    assert frames[1:] == wanted, frames
client.close()
listener.close()
""",
        "ws",
        timeout=40,
    )


@needs_curve
def test_a_client_with_keys_comes_back():
    hostile_program(
        SERVER
        + """
public, secret = zmq.curve_keypair()
client = zmq.PUSH(curve_publickey=public, curve_secretkey=secret, **OPTIONS)
client.curve_serverkey = public
client.connect(ENDPOINT)
client.send(b"message")
curve = wire.greeting(mechanism=b"CURVE")
for name, nonsense in {
    **NONSENSE,
    "a WELCOME of another server": curve + wire.command(b"WELCOME", bytes(160)),
    "a short WELCOME": curve + wire.command(b"WELCOME", bytes(10)),
    "a READY at once": curve + wire.command(b"READY", bytes(100)),
    "an unknown command": curve + wire.command(b"FOOO"),
}.items():
    print(name, flush=True)
    assert b"message" not in answer(nonsense)
accept().close()
client.close()
listener.close()
""",
        "tcp",
        timeout=40,
    )


@needs_drafts
@pytest.mark.parametrize("transport", ["tcp", "ipc"])
def test_a_client_that_is_told_to_give_up_does(transport):
    hostile_program(
        SERVER
        + """
for name, nonsense in NONSENSE.items():
    print(name, flush=True)
    if name.startswith(("an old greeting, and", "ZMTP 2.0, and")):
        continue
    listener.settimeout(10)
    client = zmq.PUSH(reconnect_stop=zmq.RECONNECT_STOP_HANDSHAKE_FAILED, **OPTIONS)
    client.connect(ENDPOINT)
    answer(nonsense)
    assert nobody_comes(0.04)
    client.close()
listener.close()
""",
        transport,
        timeout=40,
    )


@pytest.mark.parametrize("reason", ["400", "500", "no"])
def test_a_client_that_is_refused_gives_up(reason):
    """A server that wants nobody says ERROR: libzmq's clients do not knock again after that."""
    hostile_program(
        SERVER
        + """
reason = arguments[0].encode()
client = zmq.PUSH(connect=ENDPOINT, **OPTIONS)
answer(wire.greeting() + wire.command(b"ERROR", bytes([len(reason)]) + reason))
assert nobody_comes()
client.close()
listener.close()
""",
        "tcp",
        reason,
    )


def test_it_waits_longer_each_time_if_it_may():
    hostile_program(
        SERVER
        + """
client = zmq.PUSH(linger=0, reconnect_ivl=20, reconnect_ivl_max=160)
monitor = client.get_monitor_socket(zmq.EVENT_CONNECT_RETRIED)
monitor.rcvtimeo = 10_000
client.connect(ENDPOINT)
def pause():
    found = struct.unpack("=HI", monitor.recv_multipart()[0])[1]
    return found - found % 20    # without what chance adds
def fail():
    answer(wire.greeting() + wire.command(b"FOOO"))
    return pause()
found = [fail() for _ in range(6)]
assert found == [20, 40, 80, 160, 160, 160], found
with accept() as raw:   # one that can shake hands: from now on it is as at the beginning
    wire.speak(raw, "PULL")
found = [pause(), fail(), fail()]
assert found == [20, 20, 40], found
client.disable_monitor()
monitor.close()
client.close()
listener.close()
""",
        "tcp",
    )


@pytest.mark.parametrize("kind", ["REQ", "DISH", "PULL"])
def test_a_server_that_goes_astray_after_the_handshake_is_tried_again(kind):
    """What is no message of this kind of socket, or a larger one than it takes."""
    if kind == "DISH" and not zmq.DRAFT_API:
        pytest.skip("built without drafts")
    hostile_program(
        SERVER
        + """
kind, = arguments
client = zmq.Context.instance().socket(getattr(zmq, kind), maxmsgsize=1000, **OPTIONS)
client.connect(ENDPOINT)
peer = {"REQ": "REP", "DISH": "RADIO", "PULL": "PUSH"}[kind]
for _ in range(3):
    body = b"x" * 2000 if kind == "PULL" else b"x"
    answer(wire.greeting() + wire.ready(peer) + wire.frame(body))
accept().close()
client.close()
listener.close()
""",
        "tcp",
        kind,
    )


@pytest.mark.parametrize("version", ["1.0", "2.0"])
def test_an_old_peer_that_has_shaken_hands_stays(version):
    """The clock of the handshake went on for it, and ended the connection, again and again."""
    hostile_program(
        """
version, = sys.argv[1:]
server = zmq.PULL(bind="tcp://127.0.0.1:*", handshake_ivl=200, rcvtimeo=10_000)
raw = wire.dial(server.last_endpoint)
if version == "1.0":
    raw.sendall(b"\\1\\0")
    message = b"\\5\\0late"
else:
    raw.sendall(wire.SIGNATURE + bytes([1, wire.NUMBERS["PUSH"]]) + wire.frame(b""))
    message = wire.frame(b"late")
raw.settimeout(0.6)
try:
    while raw.recv(100):
        pass
    raise AssertionError("it was dropped")
except TimeoutError:
    pass
raw.sendall(message)
assert server.recv() == b"late"
raw.close()
""",
        version,
    )


SPOKEN = {
    "1.0": b"\1\0" + wire.old_frame(b"late"),
    "2.0": wire.second_greeting("PUSH") + wire.frame(b"late"),
    "3.1": wire.greeting() + wire.ready("PUSH") + wire.frame(b"late"),
    "none": b"late",
}


@needs_patch("known-peers", "known-numbers")
@pytest.mark.parametrize("version", SPOKEN)
def test_what_ends_after_its_handshake_has_not_failed(context, version):
    """The end of an old peer, and of a plain connection of a STREAM, was a failed handshake."""
    kind = zmq.STREAM if version == "none" else zmq.PULL
    server = context.socket(kind, rcvtimeo=int(10_000 * FACTOR))
    raw = wire.dial(server.bind("tcp://127.0.0.1:*"))
    raw.sendall(SPOKEN[version])
    while server.recv_multipart()[-1] != b"late":
        pass  # a STREAM says first that it has come
    wire.hang_up(raw)
    wait_until(lambda: server.stats().disconnects, what="the end of the peer")
    assert [past.event for past in server.past_peers] == [zmq.EVENT_DISCONNECTED]
    assert server.stats().failed_handshakes == 0
