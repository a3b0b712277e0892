"""Descriptors that run out, seldom or in the middle of something, cost nobody more than a wait."""

from __future__ import annotations

import pytest
from programs import hostile_program
from support import needs_patch

import zmqlite as zmq

TRANSPORTS = [
    pytest.param(name, marks=pytest.mark.skipif(not zmq.has(name), reason=f"no {name}"))
    if name == "ws"
    else name
    for name in ("tcp", "ipc", "ws")
]


@needs_patch("accept-pause")
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_listener_without_descriptors_waits(transport: str) -> None:
    """It does not ask all the time, and goes on when there are some again."""
    hostile_program(
        """
        import resource
        endpoint = "ipc://*" if sys.argv[1] == "ipc" else sys.argv[1] + "://127.0.0.1:*"
        with zmq.Context() as context, context.socket(zmq.PULL, linger=0) as pull:
            pull.rcvtimeo = 20000
            pull.bind(endpoint)
            raws = [socket.socket(socket.AF_UNIX if sys.argv[1] == "ipc" else socket.AF_INET)
                    for _ in range(2)]
            monitor = pull.get_monitor_socket(zmq.EVENT_ACCEPT_FAILED)
            spare = []
            resource.setrlimit(resource.RLIMIT_NOFILE, (128, 128))
            while True:
                try:
                    spare.append(os.dup(0))
                except OSError:
                    break
            for raw in raws:
                raw.settimeout(10)
                if sys.argv[1] == "ipc":
                    raw.connect(pull.last_endpoint.decode()[6:])
                else:
                    raw.connect(("127.0.0.1", wire.port_of(pull.last_endpoint)))
            failed, until = 0, time.monotonic() + 1
            while time.monotonic() < until:
                if monitor.poll(10):
                    monitor.recv_multipart()
                    failed += 1
            assert 0 < failed < 60, failed  # it was thousands
            pull.disable_monitor()
            monitor.close()
            for descriptor in spare:
                os.close(descriptor)
            for raw in raws:
                if sys.argv[1] == "ws":
                    wire.speak_ws(raw, wire.port_of(pull.last_endpoint), "PUSH")
                    raw.sendall(wire.ws_message(b"in"))
                else:
                    wire.speak(raw, "PUSH")
                    raw.sendall(wire.frame(b"in"))
            assert [pull.recv() for _ in raws] == [b"in", b"in"]
            # it may also end while it waits
            spare = []
            while True:
                try:
                    spare.append(os.dup(0))
                except OSError:
                    break
            os.close(spare.pop())
            late = socket.socket(socket.AF_UNIX if sys.argv[1] == "ipc" else socket.AF_INET)
            if sys.argv[1] == "ipc":
                late.connect(pull.last_endpoint.decode()[6:])
            else:
                late.connect(("127.0.0.1", wire.port_of(pull.last_endpoint)))
        for raw in (*raws, late):
            raw.close()
        """,
        transport,
    )
