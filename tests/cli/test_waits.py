"""Waits say what they wait for, once, and what went wrong meanwhile."""

from __future__ import annotations

import time
from contextlib import ExitStack

import pytest
from command_line import Started, Terminal, plain, run
from support import FACTOR, needs_curve, needs_patch

import zmqlite as zmq
from zmqlite.cli import main
from zmqlite.cli.shared import opening
from zmqlite.cli.shared.opening import Opening, PlainSocket

pytestmark = needs_patch("known-peers", "known-numbers")

PATIENCE = str(20 * FACTOR)
TCP = "tcp://127.0.0.1:*"
NOBODY = "tcp://127.0.0.1:9"

WAITING = {
    "push": (["push", "-b", TCP, "x"], r"waiting for a peer to send to; nobody is connected at "),
    "left": (
        ["push", "-c", NOBODY, "x", "y"],
        f"until the messages have left: 2 messages for {NOBODY}; nobody is connected at {NOBODY}; "
        "Ctrl-C gives them up",
    ),
    "pub": (["pub", "-b", TCP, "x"], "waiting for 1 subscriber; nobody is connected at "),
    "peers": (["send", "-b", TCP, "-w", "3", "x"], "waiting for 3 peers; nobody is connected"),
    "replay": (["replay", "{recording}", "-b", TCP], "waiting for 1 subscriber; nobody is"),
    "pull": (["pull", "-c", NOBODY], f"waiting: nobody is connected at {NOBODY}\n"),
    "sub": (["sub", "-c", NOBODY], f"waiting: nobody is connected at {NOBODY}\n"),
    "reply": (["reply", "-c", NOBODY, "--echo"], f"waiting: nobody is connected at {NOBODY}\n"),
    "rate": (["rate", "-c", NOBODY], f"waiting: nobody is connected at {NOBODY}\n"),
    "record": (["record", "-", "-c", NOBODY], f"waiting: nobody is connected at {NOBODY}\n"),
    "request": (["request", "-c", NOBODY, "x"], "waiting for a peer; nobody is connected at"),
}


def test_a_wait_says_what_it_waits_for(recording: str) -> None:
    """All of them at the same time, as each takes a second."""
    with ExitStack() as stack:
        waits = {
            case: stack.enter_context(Started(*(w.format(recording=recording) for w in words)))
            for case, (words, _) in WAITING.items()
        }
        for case, waiting in waits.items():
            waiting.wait_for(WAITING[case][1])
            waiting.interrupt()
        for case, waiting in waits.items():
            code, _, err = waiting.end()
            assert code == 130, case
            assert err.count("waiting") == 1, case
            assert "Traceback" not in err, case


def test_an_end_that_takes_long_is_no_loss(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a busy machine: everything had left before."""
    end = Opening._wait_left

    def slow(one: Opening, context: zmq.SyncContext) -> None:
        end(one, context)
        time.sleep(0.05)

    monkeypatch.setattr(Opening, "_wait_left", slow)
    assert main(["pub", "-b", TCP, "-w", "0", "-T", "20ms", "-q", "x"]) == 0


def test_a_message_has_its_time_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """However often it is tried: a REQ is tried after a while, with nobody there or not."""
    limits: list[int] = []

    def refuse(socket: PlainSocket, *_: object) -> None:
        limits.append(socket.sndtimeo)
        raise zmq.Again

    monkeypatch.setattr(opening, "hand_over", refuse)
    assert main(["send", "-t", "req", "-b", TCP, "-T", "1.5", "-q", "x"]) == 124
    assert limits == [1500], "it waits again"


def test_a_last_try_has_the_time_that_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    limits: list[int] = []

    def refuse(socket: PlainSocket, *_: object) -> None:
        limits.append(socket.sndtimeo)
        time.sleep(0.01)  # time is the subject
        raise zmq.Again

    monkeypatch.setattr(opening, "hand_over", refuse)
    with zmq.Context() as context, context.socket(zmq.PULL) as pull:
        words = ["send", "-c", pull.bind(TCP), "-T", "20", "-o", "immediate=1", "-q", "x"]
        assert main(words) == 124
    assert limits[0] == 20_000
    assert limits[1] < 20_000


GIVING_UP = {
    "send": (["push", "-b", TCP, "x"], "a message could not be sent within 50 ms; nobody is"),
    "left": (["push", "-c", NOBODY, "x"], "not all messages have left within 50 ms: 1 message "),
    "pub": (["pub", "-b", TCP, "x"], "zmqlite: after 50 ms: 0 of 1 subscribers, 0 connected\n"),
    "peers": (
        ["pull", "-b", TCP, "-w", "2"],
        "zmqlite: after 50 ms: 0 of 2 peers; nobody at tcp://127.0.0.1:",
    ),
    "recv": (["sub", "-c", NOBODY], f"no message within 50 ms; nobody is connected at {NOBODY}"),
    "record": (["record", "-", "-c", NOBODY], "no message within 50 ms; nobody is connected at"),
    "request": (["request", "-c", NOBODY, "x"], "; nobody is connected at tcp://127.0.0.1:9"),
    "ping": (["ping", "-c", NOBODY, "-n", "1"], "no answer within 50 ms; nobody is connected at"),
}


@pytest.mark.parametrize("case", GIVING_UP)
def test_what_gives_up_says_why(case: str) -> None:
    words, text = GIVING_UP[case]
    code, _, err = run(*words, "-q", "-T", "50ms")
    assert (code, err.count("\n")) == (124, 1), err
    assert text in err
    assert "temporarily unavailable" not in err


@needs_curve
def test_a_receiver_tells_once_that_a_client_has_another_key(context: zmq.SyncContext) -> None:
    """It tries again and again."""
    public, secret = zmq.curve_keypair()
    keys = {"curve_publickey": public, "curve_secretkey": secret}
    words = ["pull", "-b", TCP, "-o", "curve_server=1", "-o", f"curve_secretkey={secret.decode()}"]
    with Started(*words) as pulling:
        other = zmq.curve_keypair()[0]
        place = pulling.endpoint()
        with context.socket(
            zmq.PUSH, curve_serverkey=other, connect=place, linger=0, reconnect_ivl=10, **keys
        ):
            pulling.wait_for("the client has another server key than ours")
        pulling.interrupt()
        assert pulling.end()[2].count("another server key") == 1


def test_lines_of_a_terminal_are_asked_for() -> None:
    with Started("pull", "-b", TCP, "-n", "1", "-T", PATIENCE) as printing:
        with Terminal("push", "-c", printing.endpoint()) as screen:
            screen.wait_for("each line that you write is a message; Ctrl-D ends them")
            screen.write("hello\n\x04")
            code, seen = screen.end()
        assert code == 0, plain(seen)
        assert printing.end()[1] == "hello\n"
