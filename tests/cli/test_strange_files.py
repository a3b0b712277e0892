"""Files and lines that are crafted, cut, or huge: one line says which, where, and why."""

from __future__ import annotations

import io
import json
import os
import random
import struct
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from command_line import ENVIRONMENT, LIMIT, Started, run
from support import FACTOR, needs_curve

from zmqlite.certs import load_certificate
from zmqlite.cli import main
from zmqlite.cli.command import CommandError
from zmqlite.cli.shared import reading, recording
from zmqlite.cli.shared.formats import FORMATS, named
from zmqlite.cli.shared.recording import FIRST_LINE, Reader, Writer
from zmqlite.options import SOCKET_OPTIONS

TCP = "tcp://127.0.0.1:*"
NOBODY = "tcp://127.0.0.1:9"
PATIENCE = str(20 * FACTOR)
HEAD = FIRST_LINE + b"{}\n"
AT = len(HEAD)


def one(time: int, count: int, *parts: bytes) -> bytes:
    sized = b"".join(struct.pack("<Q", len(part)) + part for part in parts)
    return struct.pack("<QI", time, count) + sized


DAMAGED = {
    "is empty": (b"", "is no recording of zmqlite"),
    "another file": (b"\x7fELF" * 100, "is no recording of zmqlite"),
    "a newer one": (b"zmqlite recording 2\n{}\n", "is a recording of a newer zmqlite"),
    "no second line": (FIRST_LINE, "ends before its first message"),
    "half a second line": (FIRST_LINE + b'{"a":', "ends before its first message"),
    "no JSON": (FIRST_LINE + b"{]\n", "its second line is no JSON object"),
    "a list": (FIRST_LINE + b"[]\n", "its second line is no JSON object"),
    "deep JSON": (FIRST_LINE + b"[" * 500_000 + b"\n", "its second line is no JSON object"),
    "a long line": (FIRST_LINE + b" " * (1 << 21), "its second line is no JSON object"),
    "half a head": (HEAD + b"\0" * 5, f"in the middle of message 1, which begins at byte {AT};"),
    "no parts": (HEAD + one(0, 0), f"message 1, which begins at byte {AT}, has no parts"),
    "many parts": (
        HEAD + one(0, 0xFFFFFFFF, b"x"),
        f"in the middle of message 1, which begins at byte {AT} and claims 4,294,967,295 parts",
    ),
    "a huge part": (
        HEAD + struct.pack("<QIQ", 0, 1, 1 << 63) + b"few",
        f"message 1, which begins at byte {AT} and claims a part of "
        "9,223,372,036,854,775,808 bytes",
    ),
}


@pytest.mark.parametrize("kind", DAMAGED)
def test_a_damaged_recording_is_one_line(kind: str, tmp_path: Path) -> None:
    data, complaint = DAMAGED[kind]
    file = tmp_path / "x.zmqrec"
    file.write_bytes(data)
    words = ["replay", str(file), "-t", "dealer", "-b", "inproc://x", "-q", "--speed", "0"]
    code, out, err = run(*words, "-T", "20ms")
    assert (code, out, err.count("\n")) == (1, "", 1), err
    assert err.startswith(f"zmqlite: {file} ")
    assert complaint in err


@pytest.mark.parametrize("seed", range(8))
def test_whatever_is_changed_in_a_recording_it_is_read_or_refused(
    seed: int, tmp_path: Path
) -> None:
    """No other error, no more memory than the file has bytes, and the place is in the file."""
    chance = random.Random(seed)
    whole = io.BytesIO()
    writer = Writer(whole, type="PULL", endpoints=["tcp://127.0.0.1:5555"])
    for _ in range(chance.randrange(1, 6)):
        sizes = chance.choices([0, 1, 50, 5000], k=chance.randrange(1, 5))
        writer.write([[chance.randbytes(size) for size in sizes]])
    file, complaints = tmp_path / "mutated", set[str]()
    for _ in range(200):
        data = mutated(bytearray(whole.getvalue()), chance)
        file.write_bytes(data)
        for stream in (file.open("rb"), io.BytesIO(data)):
            held = 0
            with stream:
                try:
                    for found in Reader(stream, "x"):
                        held += sum(map(len, found.parts)) or 1
                except CommandError as error:
                    complaints.add(str(error))
            assert held <= len(data)
    assert all(text.startswith("x ") and "\n" not in text for text in complaints)
    assert len(complaints) > 1


def mutated(data: bytearray, chance: random.Random) -> bytes:
    for _ in range(chance.randrange(1, 4)):
        place = chance.randrange(len(data) + 1)
        kind = chance.randrange(5)
        if kind == 0:
            del data[place:]
        elif kind == 1:
            del data[place : place + chance.randrange(1, 40)]
        elif kind == 2:
            data[place:place] = chance.randbytes(chance.randrange(1, 40))
        elif kind == 3:
            extreme = chance.choice([0, 1, (1 << 32) - 1, 1 << 40, (1 << 63) - 1, (1 << 64) - 1])
            data[place : place + 8] = struct.pack("<Q", extreme)
        elif data and place < len(data):
            data[place] ^= 1 << chance.randrange(8)
    return bytes(data)


def test_a_part_that_memory_cannot_hold_is_refused_before_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sparse file has as many bytes as it claims, and a pipe never tells."""
    monkeypatch.setattr(recording, "most_bytes", lambda: 1 << 22)
    file = tmp_path / "sparse"
    file.write_bytes(HEAD + struct.pack("<QIQ", 0, 1, 1 << 33))
    os.truncate(file, 1 << 34)
    with file.open("rb") as stream, pytest.raises(CommandError, match="larger than a message"):
        next(iter(Reader(stream, "x")))
    few = HEAD + struct.pack("<QI", 0, 1_000_000) + bytes(8_000_000)
    with pytest.raises(CommandError, match=r"larger than a message can be .*\(4.19 MB\)"):
        next(iter(Reader(io.BytesIO(few), "x")))


def test_the_memory_of_a_message_is_half_of_what_there_is() -> None:
    assert 1 << 20 < reading.most_bytes() < 1 << 50
    code = (
        "import resource as r; r.setrlimit(r.RLIMIT_AS, (4 << 30, -1));"
        "from zmqlite.cli.shared.reading import most_bytes; print(most_bytes())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True,
        env={**os.environ, **ENVIRONMENT}, timeout=LIMIT,
    )  # fmt: skip
    assert int(done.stdout) <= 2 << 30


def with_little_memory(*words: str, stdin: str) -> tuple[int, str, str]:
    """Run a command that may have 1 GiB of addresses, on an endless standard input."""
    import resource

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))

    with Path(stdin).open("rb") as endless:
        return run(*words, data=None, stdin=endless, preexec_fn=limit)


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="no /dev/zero here")
@pytest.mark.parametrize("words", [["-F", "/dev/zero"], [], ["-f", "raw"]], ids=repr)
def test_what_has_no_end_is_refused_at_some_size(words: list[str]) -> None:
    code, _, err = with_little_memory(
        "push", "-q", "-c", NOBODY, "-T", "100ms", *words, stdin="/dev/zero"
    )
    assert (code, err.count("\n")) == (1, 1), err
    assert "larger than a message can be on this machine" in err or "enough memory" in err


def test_a_time_that_never_comes_is_told_and_waited_for(tmp_path: Path) -> None:
    file = tmp_path / "x"
    file.write_bytes(HEAD + one(0, 1, b"a") + one((1 << 64) - 1, 1, b"b"))
    with Started("pull", "-b", TCP, "-n", "1", "-T", PATIENCE) as printing:
        words = ["replay", str(file), "-t", "push", "-c", printing.endpoint()]
        with Started(*words) as replaying:
            replaying.wait_for("message 2 follows in 213,504.0 days")
            replaying.interrupt()
            code, _, err = replaying.end()
    assert (code, err.splitlines()[-1]) == (130, "zmqlite: interrupted")


@pytest.mark.parametrize("speed", ["nan", "-1", "inf", "fast", "1e999"])
def test_a_speed_is_a_number(speed: str) -> None:
    code, _, err = run("replay", "x", "-b", TCP, "--speed", speed)
    assert code == 2
    assert "is no number of 0 or more" in err


@pytest.mark.parametrize("name", ["there-is-none", "."])
@pytest.mark.parametrize(
    "words", [["replay", "{}"], ["push", "-F", "{}"], ["pull", "--key-file", "{}"]], ids=repr
)
def test_a_file_that_cannot_be_read_is_named(words: list[str], name: str, tmp_path: Path) -> None:
    place = str(tmp_path / name)
    code, out, err = run(*(word.format(place) for word in words), "-b", TCP, "-q", "-T", "20ms")
    assert code in (1, 2)
    assert out == ""
    last = err.splitlines()[-1]
    assert str(tmp_path) in last
    assert "directory" in last  # no such one, or it is one
    assert "Traceback" not in err


LINES = {
    "json": [b"{", b"\xff", b"[" * 200_000, b"nope", b'"' + b"x" * 100_000],
    "hex": [b"0", b"zz", b"\xff", b"0g" * 100_000],
    "quoted": [b"bare", b'"open', b'"a" b', b'"' + b"\\" * 99_999, b"\xff"],
    "msgpack": [b"{", b"\xff", b"[" * 200_000, b"18446744073709551616", rb'"\ud800"'],
}


@pytest.mark.parametrize(
    ("form", "number"), [(form, n) for form, lines in LINES.items() for n in range(len(lines))]
)
def test_a_line_that_is_not_of_its_format_is_one_line(form: str, number: int) -> None:
    if form == "msgpack":
        pytest.importorskip("msgpack")
    with pytest.raises(CommandError) as caught:
        named(form).parts(LINES[form][number])
    assert len(str(caught.value)) < 300
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("seed", range(5))
def test_any_bytes_are_read_as_a_format_or_refused(form: str, seed: int) -> None:
    """And any message is shown in one line, or refused."""
    if form == "msgpack":
        pytest.importorskip("msgpack")
    chance = random.Random(seed)
    known = named(form)
    signs = b'"\\x0a{}[]:,0123456789abcdef \t\xff\xc3\xbc\x00\x81\x92\xc4\xd9'
    for _ in range(500):
        data = bytes(chance.choices(signs, k=chance.randrange(40)))
        with suppress(CommandError):
            known.parts(data)
        with suppress(CommandError):
            line = known.line([data, data])
            assert form in ("text", "raw") or line.index(b"\n") == len(line) - 1


def test_half_a_surrogate_pair_is_written_as_json_has_it() -> None:
    line = named("json").line([rb'"\ud800"'])
    assert line == b'"\\ud800"\n'
    assert json.loads(line) == "\ud800"


@needs_curve
def test_a_file_that_is_no_key_is_refused(tmp_path: Path) -> None:
    files = {
        "short.key_secret": b'curve\n public-key = "abc"\n secret-key = "def"\n',
        "odd.key_secret": b'curve\n public-key = "' + b"\xff" * 40 + b'"\n secret-key = "'
        + b"\x01" * 40 + b'"\n',
        "huge.key_secret": b"#" * (1 << 20),
        "binary.key_secret": bytes(range(256)) * 10,
    }  # fmt: skip
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
        for words in (["--key-file", name], ["--server-key", name]):
            code, _, err = run("pull", "-b", TCP, "-q", "-T", "20ms", *words, cwd=str(tmp_path))
            assert code in (1, 2), (name, words)
            assert "Traceback" not in err
            assert err.count("\n") == 1
        code, out, _ = run("doctor", "--key-file", name, cwd=str(tmp_path))
        assert code == 1, out
        assert any(line.startswith("WRONG") and name in line for line in out.splitlines())
    code, _, err = run("pull", "-b", TCP, "--key-file", "/dev/zero", "-T", "20ms")
    assert (code, "too large to be a certificate" in err) == (2, True)
    with pytest.raises(ValueError, match="too large"):
        load_certificate(tmp_path / "huge.key_secret")


VALUES = ["", "-1", "99999999999999999999", "0x7fffffff", "x", "\udcff", "y" * 300, "é"]


@pytest.mark.parametrize("value", VALUES, ids=ascii)
def test_any_value_of_any_option_is_set_or_refused(
    value: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for row in SOCKET_OPTIONS:
        if not row.writable:
            continue
        words = [
            "pull",
            "-b",
            "inproc://x",
            "-T",
            "1ms",
            "-q",
            "-o",
            f"{row.name.lower()}={value}",
        ]
        try:
            code = main(words)
        except SystemExit as end:
            code = int(end.code or 0)
        assert code in (1, 2, 124), words
        assert capsys.readouterr().err, words


ADDRESSES = [
    "", "x", "tcp://", "tcp://*", "tcp://127.0.0.1:-1", "tcp://127.0.0.1:99999999999999999999",
    "tcp://[::1]:*", "tcp://\udcff:1", f"tcp://{'a' * 70}:1", "ipc://", f"ipc://{'x' * 200}",
    "ipc:///none/x", "inproc://", "udp://x", "ws://127.0.0.1:9/é", "pgm://x", "a\nb",
]  # fmt: skip


@pytest.mark.parametrize("verb", ["pull", "push", "doctor", "record", "ping"])
def test_any_address_is_taken_or_refused(verb: str, capfd: pytest.CaptureFixture[str]) -> None:
    for address in ADDRESSES:
        words = {
            "pull": ["-b", address, "-q"],
            "push": ["-c", address, "-q", "x"],
            "doctor": [address],
            "record": ["-", "-c", address, "-q"],
            "ping": ["-c", address, "-n", "1"],
        }[verb]
        code = main([verb, *words, "-T", "10ms"])
        assert code in (1, 2, 124) or (code, verb) == (0, "doctor"), address
        assert capfd.readouterr() != ("", ""), address
