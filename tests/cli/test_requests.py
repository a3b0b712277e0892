"""request, reply and ping."""

from __future__ import annotations

import json
import re

import pytest
from command_line import Started, run
from support import FACTOR

import zmqlite as zmq
from zmqlite.cli.verbs import ping as pinging

PATIENCE = str(20 * FACTOR)
TCP = "tcp://127.0.0.1:*"
NOBODY = "tcp://127.0.0.1:9"


def asked(
    reply: list[str], request: list[str], data: bytes = b"", code: int = 0
) -> tuple[str, str]:
    """Have one command answer and another ask; return what both printed."""
    with Started("reply", "-b", TCP, "-T", PATIENCE, *reply) as server:
        words = ["request", "-c", server.endpoint(), "-T", PATIENCE, *request]
        done, answers, err = run(*words, data=data)
        assert done == 0, err
        ended, requests, _ = server.end()
        assert ended == code
        return answers, requests


def test_an_echo() -> None:
    assert asked(["--echo", "-n", "2"], ["-p", "a", "-p", "b", "c"]) == ("c\na\tb\n", "")


def test_a_fixed_text_and_the_requests_shown() -> None:
    assert asked(["-n", "2", "-s", "pong"], [], b"x\ny\n") == ("pong\npong\n", "x\ny\n")


def test_a_command_answers() -> None:
    """Its standard output, without the last line end; the request is its standard input."""
    reply = ["--exec", "tr a-z A-Z; echo", "-n", "2"]
    assert asked(reply, ["abc", "-p", "d", "-p", "e"])[0] == "ABC\nDE\n"


def test_a_command_that_fails_answers_with_two_parts() -> None:
    answers, _ = asked(["--exec", "cat; exit 3", "-n", "1"], ["x", "-f", "quoted"])
    assert answers == '"x" "exit status 3"\n'


def test_a_command_that_fails_may_end_it() -> None:
    assert asked(["--exec", "exit 1", "--fail"], ["x", "-f", "quoted"], code=1)[0] == (
        '"" "exit status 1"\n'
    )


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("yes", '"y\\ny" "more output than 3 B"'),
        ("printf abcd", '"abc" "more output than 3 B"'),
        ("printf abc", '"abc"'),
    ],
)
def test_a_command_that_says_too_much_has_failed(command: str, answer: str) -> None:
    """It may never end by itself; see test_commands_that_stay.py."""
    reply = ["--exec", command, "--limit", "3", "-n", "1"]
    assert asked(reply, ["x", "-f", "quoted"])[0] == f"{answer}\n"


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("printf abc; exec sleep 1000", "abc"),
        ("exec >&-; exec sleep 1000", ""),
        ("trap '' TERM; echo abc; while :; do sleep 1; done", "abc"),
    ],
    ids=["sleeps", "closes its output", "ignores SIGTERM"],
)
def test_a_command_that_takes_too_long_has_failed(command: str, said: str) -> None:
    """And the reply goes on."""
    command = f"case $(cat) in slow) {command};; *) echo fine;; esac"
    time = f"{2 * FACTOR:g}"
    reply = ["--exec", command, "--exec-timeout", time, "-n", "2"]
    answers, _ = asked(reply, ["slow", "quick", "-f", "quoted"])
    assert answers == f'"{said}" "no end within {time} s"\n"fine"\n'


def test_a_time_for_commands_needs_a_command() -> None:
    code, _, err = run("reply", "-b", TCP, "--echo", "--exec-timeout", "1")
    assert code == 2
    assert err.splitlines()[-1] == "zmqlite: --exec-timeout is for --exec COMMAND"


def test_a_command_need_not_read_its_request_nor_wait_for_all_of_it() -> None:
    large = b"x" * 300_000
    assert asked(["-e", "printf y", "-n", "1"], ["-f", "raw"], large)[0] == "y"
    assert asked(["-e", "cat", "-n", "1", "-f", "raw"], ["-f", "raw"], large)[0] == large.decode()


def test_no_answer_is_a_timeout() -> None:
    code, out, err = run("request", "-c", "tcp://127.0.0.1:9", "-T", "100ms", "x")
    assert (code, out, err.count("\n")) == (124, "", 1)
    assert re.match(r"zmqlite: no answer, sent once in \d+ ms(; nobody is connected|$)", err)


def test_a_request_is_sent_again(context: zmq.SyncContext) -> None:
    with (
        context.socket(zmq.ROUTER, rcvtimeo=int(20_000 * FACTOR)) as server,
        Started("request", "-c", server.bind(TCP), "-T", "200ms", "-r", "100", "hello") as asking,
    ):
        first, second = server.recv_multipart(), server.recv_multipart()
        assert first[-1] == second[-1] == b"hello"
        server.send_multipart([*second[:-1], b"yes"])
        code, out, err = asking.end()
    assert (code, out) == (0, "yes\n"), err


def test_retries_need_a_time() -> None:
    code, _, err = run("request", "-c", NOBODY, "-r", "2", "x")
    assert (code, "--retries needs --timeout" in err) == (2, True)


def test_no_request_is_a_timeout() -> None:
    code, _, err = run("reply", "-b", TCP, "-q", "-T", "100ms", "--echo")
    assert (code, err.count("\n")) == (124, 1)
    assert err.startswith("zmqlite: no request within 100 ms")


@pytest.mark.parametrize("words", [[], ["text", "--echo"], ["--echo", "--exec", "cat"]])
def test_there_is_one_answer(words: list[str]) -> None:
    code, _, err = run("reply", "-b", TCP, *words)
    assert code == 2
    assert "say what to answer" in err


def test_ping_measures_round_trips() -> None:
    with Started("reply", "--echo", "-b", TCP) as server:
        words = ["ping", "-c", server.endpoint(), "-n", "20", "-i", "0", "-T", PATIENCE]
        code, out, err = run(*words)
        assert (code, err) == (0, "")
        lines = out.splitlines()
        assert lines[0].startswith("20 round trips of 64 B to tcp://127.0.0.1:")
        assert lines[0].endswith("0 without an answer")
        assert re.match(r"min \S+ .s  p50 .*  p90 .*  p99 .*  max \S+ \w?s$", lines[1])
        counts = [re.match(r" *\S+ \w?s +([\d,]+)", line) for line in lines[3:]]
        assert sum(int(found[1]) for found in counts if found) == 20


def test_ping_as_json() -> None:
    with Started("reply", "--echo", "-b", TCP) as server:
        words = ["ping", "-c", server.endpoint(), "-n", "5", "--size", "1KiB", "--json"]
        code, out, _ = run(*words, "-T", PATIENCE)
        found = json.loads(out)
        assert (code, found["answers"], found["lost"], found["size"]) == (0, 5, 0, 1024)
        assert 0 < found["min"] <= found["p50"] <= found["p99"] <= found["max"]


def test_ping_without_an_answer_is_a_timeout() -> None:
    code, out, err = run("ping", "-c", "tcp://127.0.0.1:9", "-n", "2", "-T", "50ms")
    assert code == 124
    assert err.startswith("zmqlite: no answer within 50 ms")
    assert "2 without an answer" in out


def test_ping_goes_on_after_a_lost_answer(context: zmq.SyncContext) -> None:
    """The first request is not answered, the others are: the exit code is 1."""
    limit = int(20_000 * FACTOR)
    with (
        context.socket(zmq.ROUTER, rcvtimeo=limit) as server,
        Started("ping", "-c", server.bind(TCP), "-n", "3", "-T", "2", "--json") as ping,
    ):
        server.recv_multipart()
        server.send_multipart(server.recv_multipart())
        server.send_multipart(server.recv_multipart())
        code, out, _ = ping.end()
    assert json.loads(out)["lost"] >= 1
    assert code == 1


def test_ping_keeps_the_last_round_trips_and_counts_all() -> None:
    """So that one that goes on for ever takes no more memory, or time, after a day."""
    trips = pinging.Trips("there", 64)
    kept = trips.times.maxlen
    assert kept
    for number in range(kept + 10):
        trips.add(1.0 if number < 10 else 0.5)
    assert (len(trips.times), trips.figures()["max"]) == (kept, 0.5)
    assert json.loads(trips.as_json())["answers"] == kept + 10
    first, second, *_ = trips.lines(80, True)
    assert first.startswith(f"{kept + 10:,} round trips of 64 B")
    assert second == f"the last {kept:,} of them:"
