"""Numbers for monitoring systems."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import pytest
from support import connect_pair, in_thread, needs_patch, wait_inside, wait_until

import zmqlite as zmq
from zmqlite import metrics

pytestmark = needs_patch("known-numbers")

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r'[a-z]+="(?:[^"\\\n]|\\["\\n])*"'
SAMPLE = re.compile(rf"({NAME})\{{({LABEL}(?:,{LABEL})*)\}} (\d+)")


def parsed(text: str) -> dict[tuple[str, str, str], int]:
    """Read the text format strictly; a label's value as it was before it was escaped."""
    assert text.endswith("\n")
    found: dict[tuple[str, str, str], int] = {}
    announced = ""
    for line in text.splitlines():
        if line.startswith("# "):
            _, what, announced, rest = line.split(" ", 3)
            assert what in ("HELP", "TYPE")
            assert rest
            continue
        match = SAMPLE.fullmatch(line)
        assert match, line
        assert match[1] == announced, "samples follow their own TYPE"
        labels = dict(re.findall(r'([a-z]+)="((?:[^"\\]|\\.)*)"', match[2]))
        plain = {
            key: re.sub(r"\\(.)", lambda m: "\n" if m[1] == "n" else m[1], value)
            for key, value in labels.items()
        }
        key = (match[1], plain["type"], plain["endpoint"])
        assert key not in found, "a label set appears once"
        found[key] = int(match[3])
    return found


def test_prometheus(context: Any) -> None:
    server, client = connect_pair(context, "tcp://127.0.0.1:*", zmq.PULL, zmq.PUSH)
    client.send_many([b"abc"] * 3)
    for _ in range(3):
        server.recv()
    found = parsed(metrics.prometheus(context))
    address = client.endpoints[0]
    assert found["zmqlite_sent_messages_total", "PUSH", address] == 3
    assert found["zmqlite_sent_bytes_total", "PUSH", address] == 9
    assert found["zmqlite_received_messages_total", "PULL", address] == 3
    assert found["zmqlite_connections", "PULL", address] == 1
    assert found["zmqlite_connects_total", "PULL", address] == 1


def test_counters_stay_when_sockets_close_and_others_add(context: Any) -> None:
    server = context.socket(zmq.PULL, bind="inproc://counters")
    for number in (1, 2, 3):
        with context.socket(zmq.PUSH, connect="inproc://counters") as client:
            client.send(b"x")
            server.recv()
        key = ("zmqlite_sent_messages_total", "PUSH", "inproc://counters")
        wait_until(
            lambda key=key, n=number: parsed(metrics.prometheus(context)).get(key) == n,
            what="the sum",
        )


@pytest.mark.skipif(sys.platform == "win32", reason="no such names of files")
def test_names_are_escaped(context: Any, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    odd = 'ipc://a"b\\c\nd'
    with context.socket(zmq.PULL, bind=odd) as server:
        client = context.socket(zmq.PUSH, connect=odd)
        client.send(b"x")
        server.recv()
        found = parsed(metrics.prometheus(context))
        assert found["zmqlite_sent_messages_total", "PUSH", odd] == 1


def test_several_contexts_are_one(context: Any, make_context: Any) -> None:
    other = make_context()
    for home in (context, other):
        server = home.socket(zmq.PULL, bind="inproc://same")
        client = home.socket(zmq.PUSH, connect="inproc://same")
        client.send(b"x")
        server.recv()
        client.close()
        server.close()
    found = parsed(metrics.prometheus([context, other]))
    assert found["zmqlite_sent_messages_total", "PUSH", "inproc://same"] == 2
    closed = make_context()
    closed.term()
    assert parsed(metrics.prometheus([closed, context]))
    assert not parsed(metrics.prometheus(closed))


def test_a_context_and_its_views_are_one(context: Any) -> None:
    server, client = connect_pair(context, "inproc://viewed", zmq.PULL, zmq.PUSH)
    client.send(b"x")
    server.recv()
    view = zmq.Context.shadow(context)
    key = ("zmqlite_sent_messages_total", "PUSH", "inproc://viewed")
    for several in ([context, view], [view, context], [context, context], view):
        assert parsed(metrics.prometheus(several))[key] == 1
    view.term()
    assert parsed(metrics.prometheus([view, context]))[key] == 1


def test_beside_a_context_that_ends(context: Any, make_context: Any) -> None:
    """Whatever moment of its end it is asked in, the others are told whole."""
    server, client = connect_pair(context, "inproc://stays", zmq.PULL, zmq.PUSH)
    client.send(b"x")
    server.recv()
    key = ("zmqlite_sent_messages_total", "PUSH", "inproc://stays")
    for _ in range(50):
        other = make_context()
        sockets = [other.socket(zmq.PUSH, bind="tcp://127.0.0.1:*") for _ in range(3)]
        ends = in_thread(other.destroy, 0)
        while ends.thread.is_alive():  # type: ignore[attr-defined]
            assert parsed(metrics.prometheus([other, context]))[key] == 1
        ends()
        assert all(socket.closed for socket in sockets)
        assert parsed(metrics.prometheus([other, context]))[key] == 1


def test_what_is_no_context(context: Any) -> None:
    for odd in (None, 1, [1], context.socket(zmq.PUB), [context, "x"]):
        with pytest.raises(TypeError, match="a context or several"):
            metrics.prometheus(odd)  # type: ignore[arg-type]
    assert metrics.prometheus(iter([context])) == metrics.prometheus(context)


def test_a_thread_of_its_own_may_ask(context: Any) -> None:
    server, client = connect_pair(context, "tcp://127.0.0.1:*", zmq.PULL, zmq.PUSH)
    received = in_thread(server.recv)
    wait_inside(server)
    row = ("zmqlite_received_messages_total", "PULL", client.endpoints[0])
    # (the side that was bound hears of the connection a moment later)
    wait_until(lambda: row in parsed(in_thread(metrics.prometheus, context)()))
    client.send(b"x")
    received()


class Meter:
    """What a meter of OpenTelemetry is asked for."""

    def __init__(self) -> None:
        self.made: dict[str, tuple[str, Any]] = {}

    def create_observable_counter(self, name: str, calls: Any, unit: str, text: str) -> None:
        self.made[name] = ("counter", calls[0])

    def create_observable_gauge(self, name: str, calls: Any, unit: str, text: str) -> None:
        self.made[name] = ("gauge", calls[0])


def test_opentelemetry(context: Any) -> None:
    pytest.importorskip("opentelemetry.metrics")
    server, client = connect_pair(context, "inproc://meter", zmq.PULL, zmq.PUSH)
    meter = Meter()
    metrics.instrument(context, meter)
    metrics.instrument(context)  # the global one, which does nothing unless a program sets it
    client.send(b"abc")
    server.stats()  # it hears of its new peer
    kind, observe = meter.made["zmqlite.sent_bytes"]
    assert kind == "counter"
    found = {
        (one.attributes["type"], one.attributes["endpoint"]): one.value for one in observe(None)
    }
    assert found["PUSH", "inproc://meter"] == 3
    kind, observe = meter.made["zmqlite.queued_out_messages"]
    assert kind == "gauge"
    values = {one.attributes["type"]: one.value for one in observe(None)}
    assert values == {"PULL": 0, "PUSH": 1}
    server.close()


def test_without_opentelemetry(context: Any, monkeypatch: Any) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.metrics", None)
    with pytest.raises(ImportError):
        metrics.instrument(context)
