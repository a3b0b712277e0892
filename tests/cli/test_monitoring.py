"""What `monitor` says of an event."""

from __future__ import annotations

import json
from typing import Any

import pytest

import zmqlite as zmq
from zmqlite.cli.verbs.monitor import for_programs, in_words
from zmqlite.socket.monitor_events import MonitorEvent


def left(routing_id: Any) -> MonitorEvent:
    return MonitorEvent(
        zmq.Event.DISCONNECTED, "tcp://here", "tcp://there", "", None, 9, routing_id
    )


@pytest.mark.parametrize(
    ("routing_id", "text"),
    [
        (b"worker-1", "worker-1"),
        (b"\0\x80\0A)", "0x0080004129"),
        (b"a worker", "0x6120776f726b6572"),
        (b"\xc3\xa9", "0xc3a9"),
        (b"0x41", "0x30783431"),
        (7, "7"),
    ],
)
def test_the_routing_id_is_told(routing_id: Any, text: str) -> None:
    line = in_words(left(routing_id), 0)
    assert line.endswith(f"  tcp://here  peer tcp://there  id {text}")
    told = json.loads(for_programs(left(routing_id), 0))["routing_id"]
    assert told == (routing_id if isinstance(routing_id, int) else text)


def test_nothing_is_told_where_there_is_none() -> None:
    assert in_words(left(None), 0).endswith("  peer tcp://there")
    assert json.loads(for_programs(left(None), 0))["routing_id"] is None
