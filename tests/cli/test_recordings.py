"""record, replay, and their file."""

from __future__ import annotations

import io
import json
import struct
import time
from pathlib import Path

import pytest
from command_line import Started, run
from support import FACTOR, wait_until

import zmqlite as zmq
from zmqlite.cli.command import CommandError
from zmqlite.cli.shared.recording import FIRST_LINE, Reader, Writer

PATIENCE = str(20 * FACTOR)
TCP = "tcp://127.0.0.1:*"


def written(*messages: list[bytes]) -> bytes:
    file = io.BytesIO()
    writer = Writer(file, type="PULL", endpoints=[])
    for message in messages:
        writer.write([message])
    return file.getvalue()


def test_the_file_is_as_documented() -> None:
    data = written([b"a", b""])
    first, second, rest = data.split(b"\n", 2)
    assert first + b"\n" == FIRST_LINE == b"zmqlite recording 1\n"
    assert json.loads(second)["type"] == "PULL"
    stamp, count, size = struct.unpack_from("<QIQ", rest)
    assert (stamp < 60e9, count, size) == (True, 2, 1)
    assert rest[20:] == b"a" + struct.pack("<Q", 0)


def test_what_is_written_is_read() -> None:
    messages = [[b"a"], [b"", b"\xff" * 100_000], [b"x"] * 1000]
    file = io.BytesIO(written(*messages))
    reader = Reader(file, "x")
    assert reader.facts["type"] == "PULL"
    found = list(reader)
    assert [one.parts for one in found] == messages
    assert [one.time for one in found] == sorted(one.time for one in found)


@pytest.mark.parametrize("less", range(1, 33, 4))
def test_of_a_file_that_is_cut_the_whole_messages_count(less: int) -> None:
    data = written([b"first"], [b"second", b"part"])[:-less]
    reader = iter(Reader(io.BytesIO(data), "x"))
    assert next(reader).parts == [b"first"]
    place = data.index(b"first") + len(b"first")
    complaint = f"x ends in the middle of message 2, which begins at byte {place}"
    with pytest.raises(CommandError, match=complaint):
        next(reader)


@pytest.mark.parametrize(
    ("data", "words"),
    [(b"", "no recording"), (b"GIF89a", "no recording"), (b"zmqlite recording 2\n{}\n", "newer")],
)
def test_another_file_is_refused(data: bytes, words: str, tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(data)
    code, _, err = run("replay", str(tmp_path / "x"), "-b", TCP)
    assert code == 1
    assert words in err


def test_a_file_that_is_not_there_is_a_failure(tmp_path: Path) -> None:
    code, _, err = run("replay", str(tmp_path / "x"), "-b", TCP)
    assert code == 1
    assert "No such file" in err
    assert "Traceback" not in err


def test_a_recording_is_replayed(tmp_path: Path, context: zmq.SyncContext) -> None:
    """Messages of pyzmq's and our own peers, as they came, with the pause between them."""
    file = str(tmp_path / "talk.zmqrec")
    with Started("record", file, "-b", TCP, "-n", "3", "-T", PATIENCE) as recording:
        words = ["pub", "-c", recording.endpoint(), "-i", "200ms", "-S", ","]
        assert run(*words, "a,b", "c,", "d", "-T", PATIENCE)[0] == 0
        code, out, err = recording.end()
        assert (code, out) == (0, "")
        assert f"3 messages, 4 B, in {file}" in err
    pull = context.socket(zmq.PULL, rcvtimeo=int(20_000 * FACTOR))
    with pull, Started("replay", file, "-t", "push", "-c", pull.bind(TCP)) as replaying:
        seen = [pull.recv_multipart()]
        start = time.monotonic()
        seen += [pull.recv_multipart(), pull.recv_multipart()]
        assert time.monotonic() - start > 0.3  # two pauses of 0.2 s
        assert seen == [[b"a", b"b"], [b"c", b""], [b"d"]]
        assert replaying.end()[0] == 0


def test_speed_and_count(tmp_path: Path) -> None:
    file = tmp_path / "slow.zmqrec"
    head = FIRST_LINE + b"{}\n"
    hour = 3600 * 10**9
    body = b"".join(struct.pack("<QIQ", n * hour, 1, 1) + b"%d" % n for n in range(9))
    file.write_bytes(head + body)
    for speed in ("0", "1e6"):
        with Started("sub", "-b", TCP, "-n", "3", "-T", PATIENCE) as printing:
            words = ["replay", str(file), "-c", printing.endpoint(), "--speed", speed, "-n", "3"]
            assert run(*words, "-T", PATIENCE)[0] == 0
            assert printing.end()[1] == "0\n1\n2\n"


def test_a_cut_file_is_replayed_as_far_as_it_goes(tmp_path: Path) -> None:
    file = tmp_path / "cut.zmqrec"
    file.write_bytes(written([b"a"], [b"b"], [b"c"])[:-1])
    with Started("sub", "-b", TCP, "-n", "2", "-T", PATIENCE) as printing:
        code, _, err = run("replay", str(file), "-c", printing.endpoint(), "-T", PATIENCE)
        assert code == 1
        assert err.splitlines()[-1].startswith(f"zmqlite: {file} ends in the middle of message 3")
        assert err.endswith("; those before it are whole\n")
        assert printing.end()[1] == "a\nb\n"


def test_an_old_recording_stays(tmp_path: Path) -> None:
    file = tmp_path / "old.zmqrec"
    file.write_bytes(b"old")
    code, _, err = run("record", str(file), "-b", TCP)
    assert (code, file.read_bytes()) == (2, b"old")
    assert "--force replaces it" in err
    assert run("record", str(file), "-b", TCP, "--force", "--for", "10ms")[0] == 0
    assert file.read_bytes().startswith(FIRST_LINE)


def test_standard_output_and_input(context: zmq.SyncContext) -> None:
    push = context.socket(zmq.PUSH)
    words = ["record", "-", "-t", "pull", "-c", push.bind(TCP), "-n", "2", "-q"]
    with push, Started(*words, "-T", PATIENCE) as recording:
        push.send(b"a")
        push.send(b"b")
        code, out, err = recording.end()
        assert (code, err) == (0, "")
    with Started("pull", "-b", TCP, "-n", "2", "-T", PATIENCE) as printing:
        words = ["replay", "-", "-t", "push", "-c", printing.endpoint(), "-q"]
        assert run(*words, data=out.encode(errors="surrogateescape"))[0] == 0
        assert printing.end()[1] == "a\nb\n"


def test_what_is_recorded_is_in_the_file_at_once(tmp_path: Path, context: zmq.SyncContext) -> None:
    """A recording that is killed has lost nothing."""
    file = tmp_path / "live.zmqrec"
    push = context.socket(zmq.PUSH)
    with push, Started("record", str(file), "-t", "pull", "-c", push.bind(TCP)) as recording:
        push.send(b"a message")
        wait_until(lambda: file.exists() and b"a message" in file.read_bytes(), 20)
        recording.process.kill()
    with file.open("rb") as stream:
        assert [one.parts for one in Reader(stream, "x")] == [[b"a message"]]


def test_nothing_in_time_is_a_timeout(tmp_path: Path) -> None:
    words = ["record", str(tmp_path / "x"), "-b", TCP, "-T", "50ms"]
    assert run(*words)[0] == 124
