"""send, recv, and their short forms: messages between processes, in every format."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command_line import Started, run
from support import FACTOR, needs_curve, needs_drafts

import zmqlite as zmq
from zmqlite.cli.shared.formats import FORMATS, FormatError, named

PATIENCE = str(20 * FACTOR)
TCP = "tcp://127.0.0.1:*"


def delivered(sender: list[str], receiver: list[str], data: bytes = b"") -> str:
    """Have one command bind and print, another connect and send; return what was printed."""
    with Started(*receiver, "-b", TCP, "-T", PATIENCE) as printing:
        code, out, err = run(*sender, "-c", printing.endpoint(), "-T", PATIENCE, data=data)
        assert (code, out) == (0, ""), err
        code, out, err = printing.end()
        assert code == 0, err
        return out


def test_words_of_the_command_line_are_messages() -> None:
    assert delivered(["push", "one", "two three"], ["pull", "-n", "2"]) == "one\ntwo three\n"


def test_lines_of_standard_input_are_messages() -> None:
    out = delivered(["send"], ["recv", "-n", "3"], data="first\n\nlast, ü".encode())
    assert out == "first\n\nlast, ü\n"


def test_parts_make_one_message() -> None:
    words = ["send", "-t", "dealer", "-p", "head", "-p", "", "-p", "body"]
    assert delivered(words, ["recv", "-t", "dealer", "-n", "1"]) == "head\t\tbody\n"


def test_a_separator_takes_lines_apart() -> None:
    out = delivered(["push", "-S", ","], ["pull", "-n", "2", "-S", " | "], data=b"a,b\nc\n")
    assert out == "a | b\nc\n"


def test_a_file_is_a_message(tmp_path: Path) -> None:
    (tmp_path / "some.bin").write_bytes(b"\x00\xff\n" * 3)
    out = delivered(["push", "-F", str(tmp_path / "some.bin")], ["pull", "-n", "1", "-f", "hex"])
    assert out == "00ff0a" * 3 + "\n"


def test_raw_is_all_of_standard_input_and_nothing_more() -> None:
    out = delivered(["push", "-f", "raw"], ["pull", "-n", "1", "-f", "raw"], data=b"a\nb\n")
    assert out == "a\nb\n"


def test_count_and_interval() -> None:
    out = delivered(["push", "-n", "3", "-i", "1ms", "a", "b"], ["pull", "-n", "6"])
    assert out == "a\nb\n" * 3


def test_a_publisher_waits_for_its_subscriber_and_sends_topics() -> None:
    with Started("pub", "-b", TCP, "--topic", "sports", "-T", PATIENCE, "3:2") as publisher:
        words = ["sub", "-c", publisher.endpoint(), "--topic", "sp", "-n", "1", "-T", PATIENCE]
        assert run(*words)[:2] == (0, "sports\t3:2\n")
        assert publisher.end()[0] == 0


def test_a_topic_may_be_any_bytes() -> None:
    with Started("pub", "-b", TCP, "--topic", b"\xff", "-T", PATIENCE, "x") as publisher:  # type: ignore[arg-type]
        words = ["sub", "-c", publisher.endpoint(), "-n", "1", "-f", "hex", "-T", PATIENCE]
        assert run(*words)[:2] == (0, "ff 78\n")
        code, _, err = publisher.end()
        assert code == 0, err


def test_a_publisher_drops_nothing_that_a_slow_subscriber_has_no_room_for() -> None:
    """More messages than both high-water marks and the system's buffers have room for."""
    payload = "x" * 1000
    with Started("pub", "-b", TCP, "-n", "20000", "-T", PATIENCE, payload) as publisher:
        words = ["sub", "-c", publisher.endpoint(), "-n", "20000", "-T", PATIENCE]
        code, out, err = run(*words)
        assert (code, out.count("\n")) == (0, 20000), err
        assert publisher.end()[0] == 0


def test_what_was_sent_has_left_when_the_command_ends(context: zmq.SyncContext) -> None:
    """Nobody is there yet: it waits, says so, and the messages arrive."""
    with Started("push", "-b", TCP, "a", "b") as sender:
        pull = context.socket(zmq.PULL, connect=sender.endpoint(), rcvtimeo=int(20_000 * FACTOR))
        assert [pull.recv(), pull.recv()] == [b"a", b"b"]
        assert sender.end()[0] == 0
        pull.close()


def test_what_does_not_leave_in_time_is_a_timeout() -> None:
    code, _, err = run("push", "-c", "tcp://127.0.0.1:9", "-T", "300ms", "-q", "a")
    assert (code, err.count("\n")) == (124, 1)
    assert err.startswith("zmqlite: not all messages have left within 300 ms")


def test_quiet_says_nothing_of_a_long_wait() -> None:
    """Nor does the library, which has a word about a wait that lasts a second."""
    code, _, err = run("push", "-c", "tcp://127.0.0.1:9", "-T", "2.5", "-q", "a")
    assert (code, err.count("\n")) == (124, 1)
    assert err.startswith("zmqlite: not all messages have left within 2.5 s")


def test_a_long_wait_for_the_last_messages_is_told() -> None:
    with Started("push", "-c", "tcp://127.0.0.1:9", "a") as sender:
        sender.wait_for("waiting until the messages have left")
        sender.interrupt()
        code, _, err = sender.end()
        assert code == 130
        assert err.splitlines()[-1] == "zmqlite: interrupted"


def test_nothing_in_time_is_a_timeout() -> None:
    code, out, err = run("recv", "-b", TCP, "-T", "100ms", "-q")
    assert (code, out, err.count("\n")) == (124, "", 1)
    assert err.startswith("zmqlite: no message within 100 ms")


def test_peers_that_do_not_come_are_a_timeout() -> None:
    code, _, err = run("push", "-b", TCP, "-w", "2", "-T", "100ms", "a")
    assert code == 124
    assert "0 of 2 peers" in err


def test_a_router_says_that_a_peer_is_unknown() -> None:
    code, _, err = run("send", "-t", "router", "-b", TCP, "-p", "who", "-p", "x")
    assert code == 1
    assert "send" in err


def test_options_by_name() -> None:
    words = ["push", "-o", "sndhwm=10", "-o", "tcp_keepalive=on", "-o", "immediate=1", "x"]
    assert delivered(words, ["pull", "-n", "1", "--option", "rcvhwm=0x10"]) == "x\n"


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["-o", "sendhwm=1"], "did you mean sndhwm?"),
        (["-o", "sndhwm=many"], "sndhwm takes a number, not 'many'"),
        (["-o", "sndhwm"], "needs a value"),
        (["-o", "fd=3"], "can only be read"),
        (["-T", "soon"], "is no time"),
        (["-n", "0"], "is no number of 1 or more"),
        (["-n", "9" * 20], "is too large"),
        (["-c", "tpc://127.0.0.1:1"], "did you mean tcp://"),
        ([], "say where"),
        (["-b", TCP, "-f", "xml"], "xml"),
    ],
)
def test_what_is_wrong_with_a_command_line_is_said(words: list[str], complaint: str) -> None:
    code, out, err = run("push", *words, "message")
    assert (code, out) == (2, "")
    assert complaint in err
    assert "Traceback" not in err


def test_an_address_in_use_is_a_failure() -> None:
    with Started("pull", "-b", TCP) as first:
        code, _, err = run("pull", "-b", first.endpoint())
        assert code == 1
        assert "in use" in err


def test_pyzmq_receives_what_is_sent() -> None:
    pyzmq = pytest.importorskip("zmq")
    context = pyzmq.Context()
    with context, context.socket(pyzmq.PULL) as pull:
        pull.rcvtimeo, pull.linger = int(20_000 * FACTOR), 0
        port = pull.bind_to_random_port("tcp://127.0.0.1")
        words = ["push", "-c", f"tcp://127.0.0.1:{port}", "-p", "a", "-p", "b"]
        assert run(*words)[0] == 0
        assert pull.recv_multipart() == [b"a", b"b"]


def test_messages_of_pyzmq_are_printed() -> None:
    pyzmq = pytest.importorskip("zmq")
    with Started("sub", "-b", TCP, "-n", "1", "-f", "quoted", "-T", PATIENCE) as printing:
        context = pyzmq.Context()
        with context, context.socket(pyzmq.XPUB) as publisher:
            publisher.linger = publisher.rcvtimeo = int(20_000 * FACTOR)
            publisher.connect(printing.endpoint())
            assert publisher.recv() == b"\x01"
            publisher.send_multipart([b"topic", b"\x00body\n"])
            assert printing.end()[:2] == (0, '"topic" "\\x00body\\n"\n')


@needs_drafts
def test_groups_of_radio_and_dish() -> None:
    receiver = ["recv", "-t", "dish", "--join", "news", "-n", "1"]
    with Started(*receiver, "-b", TCP, "-T", PATIENCE) as printing:
        words = ["send", "-t", "radio", "--group", "news", "-n", "100000", "-i", "10ms", "rain"]
        with Started(*words, "-c", printing.endpoint()) as sender:
            assert printing.end()[:2] == (0, "rain\n")
            sender.interrupt()
            assert sender.end()[0] == 130


@needs_curve
def test_keys_in_files_encrypt(tmp_path: Path) -> None:
    for name in ("server", "client"):
        assert run("keygen", name, "--dir", str(tmp_path))[0] == 0
    server, client = str(tmp_path / "server"), str(tmp_path / "client")
    words = ["push", "--server-key", f"{server}.key", "--key-file", f"{client}.key_secret", "x"]
    assert delivered(words, ["pull", "-n", "1", "--key-file", f"{server}.key_secret"]) == "x\n"
    code, _, err = run("pull", "-b", TCP, "--key-file", f"{server}.key")
    assert code == 2
    assert f"{server}.key_secret has it" in err
    code, _, err = run("push", "-c", "tcp://127.0.0.1:9", "--server-key", "nonsense", "x")
    assert (code, "a key has 40 characters" in err) == (2, True)


# -- formats -------------------------------------------------------------------------------------

ANY = [[b"plain"], [b"", b"\x00\xff"], ["ü\u0085\t".encode(), b'"\\x41"\\n', b"\r\n"], [b""]]


@pytest.mark.parametrize("name", ["quoted", "hex"])
@pytest.mark.parametrize("message", ANY, ids=repr)
def test_any_message_survives(name: str, message: list[bytes]) -> None:
    form = named(name)
    line = form.line(message)
    assert line.count(b"\n") == 1
    assert form.parts(line[:-1]) == message


@pytest.mark.parametrize(
    ("name", "line"), [("quoted", b"bare"), ("quoted", b'"a" b'), ("hex", b"0g"), ("json", b"{")]
)
def test_a_line_that_is_not_of_its_format_is_refused(name: str, line: bytes) -> None:
    with pytest.raises(FormatError):
        named(name).parts(line)


def test_json_is_one_line_a_value() -> None:
    form = named("json")
    assert form.line([b'{"a":\n [1, 2]}', b'"\xc3\xbc"']) == '{"a":[1,2]}\t"ü"\n'.encode()


def test_json_has_no_control_characters() -> None:
    line = named("json").line(['"\x7f\x85\x9b"'.encode()])
    assert line == rb'"\u007f\u0085\u009b"' + b"\n"
    assert json.loads(line) == "\x7f\x85\x9b"


def test_msgpack_is_shown_as_json() -> None:
    msgpack = pytest.importorskip("msgpack")
    form = named("msgpack")
    assert msgpack.unpackb(form.parts(b'{"a": [1, null]}')[0]) == {"a": [1, None]}
    packed = msgpack.packb({"a": b"raw", 1: 2.5})
    assert json.loads(form.line([packed])) == {"a": "raw", "1": 2.5}
    with pytest.raises(FormatError):
        form.line([b"\xc1"])


def test_a_message_that_cannot_be_shown_is_a_failure() -> None:
    with Started("pull", "-b", TCP, "-f", "json", "-T", PATIENCE) as printing:
        assert run("push", "-c", printing.endpoint(), "no JSON")[0] == 0
        code, _, err = printing.end()
        assert code == 1
        assert "not JSON: b'no JSON'" in err


def test_a_line_that_cannot_be_sent_is_named() -> None:
    code, _, err = run("push", "-c", "tcp://127.0.0.1:9", "-f", "hex", "-q", data=b"00\nxy\n")
    assert code == 1
    assert err == "zmqlite: standard input, line 2: not hexadecimal: b'xy'\n"


def test_every_format_is_in_the_help() -> None:
    out = run("send", "--help")[1]
    assert all(name in out for name in FORMATS)
