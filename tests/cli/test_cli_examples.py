"""The examples of the help: each is run as it stands, but for its ports, beside what it needs.

They stand in docs/command-line.md too.
"""

from __future__ import annotations

import importlib
import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
from command_line import ENVIRONMENT, FORKS, LIMIT, forked, free_port, reachable
from support import FACTOR, wait_until

import zmqlite as zmq
from zmqlite.cli.table import VERBS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "command-line.md"


class Case(NamedTuple):
    """What runs beside an example, what it prints; one that goes on gets a Ctrl-C then."""

    beside: str = ""
    prints: str = ""
    goes_on: bool = False


ECHO = "reply -q -b tcp://*:5558 --echo"
SECRET = "--key-file server.key_secret"
CASES = {
    "send -c tcp://127.0.0.1:5555 one two": Case("recv -b tcp://*:5555 -n 2"),
    "send -t dealer": Case("recv -t dealer -b tcp://*:5555 -n 1"),
    "send -c tcp://127.0.0.1:5555 --server-key": Case(f"recv -b tcp://*:5555 -n 2 {SECRET}"),
    "pub -b tcp://127.0.0.1:5556 --topic": Case("sub -c tcp://127.0.0.1:5556 -n 1"),
    "pub -b tcp://127.0.0.1:5556 -w 0": Case("", "PUB is bound", True),
    "push -b": Case("pull -c tcp://127.0.0.1:5557 -n 3"),
    "push -c": Case("pull -b tcp://*:5557 -f msgpack -n 2"),
    "recv -b tcp://*:5555": Case("push -c tcp://127.0.0.1:5555 x", "x\n", True),
    "recv -t dealer": Case("send -t dealer -c tcp://127.0.0.1:5555 x", '"x"\n'),
    "recv -b tcp://*:5555 --key-file": Case(
        "push -c tcp://127.0.0.1:5555 --server-key server.key x", "x\n", True
    ),
    "sub -c tcp://127.0.0.1:5556": Case("pub -b tcp://*:5556 x", "x\n", True),
    "sub -c tcp://127.0.0.1:5556 --topic": Case(
        "pub -b tcp://*:5556 -n 5 --topic sports 3:2", "sports\t3:2\n" * 5
    ),
    "pull -c": Case("push -b tcp://*:5557 x", "x\n", True),
    "pull -b": Case("push -c tcp://127.0.0.1:5557 x"),
    "request -c tcp://127.0.0.1:5558 hello": Case(ECHO, "hello\n"),
    "request -c tcp://127.0.0.1:5558 -T": Case(ECHO, "first\nsecond\n"),
    "reply -b tcp://127.0.0.1:5558 --echo": Case("", "REP is bound", True),
    "reply -b tcp://127.0.0.1:5558 --exec": Case("", "REP is bound", True),
    "reply -b tcp://*:5558 --key-file": Case(
        "request -c tcp://127.0.0.1:5558 --server-key server.key --key-file me.key_secret x",
        "REP is bound",
        True,
    ),
    "reply -b tcp://*:5558 -n 1": Case("request -c tcp://127.0.0.1:5558 ping", "ping\n"),
    "proxy --frontend": Case("", "the backend is bound", True),
    "proxy --types forwarder": Case("", "the backend is bound", True),
    "proxy --types streamer": Case("", "the capture is bound", True),
    "record talk": Case("pub -b tcp://*:5556 x", "", True),
    "record tasks": Case("push -c tcp://127.0.0.1:5557 -n 100 x"),
    "replay talk": Case("sub -c tcp://127.0.0.1:5556 -n 1"),
    "replay tasks": Case("pull -b tcp://*:5557 -n 1"),
    "rate -c tcp://127.0.0.1:5556": Case("pub -b tcp://*:5556 x", "x\n", True),
    "rate -c tcp://127.0.0.1:5556 --topic": Case("", '{"time": '),
    "ping -c tcp://127.0.0.1:5558": Case(ECHO, "100 round trips of 64 B"),
    "ping -c tcp://127.0.0.1:5558 -n": Case(ECHO, '"answers": 1000'),
    "bench": Case("", "1 MiB"),
    "bench -t tcp": Case("", "round_trips"),
    "bench --serve": Case("", "the bench is bound", True),
    "bench -c": Case("bench -q --serve -b tcp://*:5570", "64 KiB"),
    "monitor -c tcp://127.0.0.1:5556": Case("", "connecting", True),
    "monitor -t pull": Case("", "listening", True),
    "monitor -c tcp://127.0.0.1:5556 --server-key": Case(
        f"pub -q -b tcp://*:5556 -w 2 {SECRET} x", "handshake done"
    ),
    "keygen server": Case(),
    "keygen alice": Case(),
    "doctor": Case("", "Nothing is wrong."),
    "doctor tcp://127.0.0.1:5558": Case(ECHO, "ZeroMQ is there"),
    "doctor tcp://127.0.0.1:5558 --server-key": Case(f"{ECHO} {SECRET}", "CURVE handshake"),
    "completion bash": Case(),
    "completion fish": Case(),
}


def examples() -> list[tuple[str, str]]:
    """Return each verb with each of its examples."""
    found: list[tuple[str, str]] = []
    for name, entry in VERBS.items():
        module = importlib.import_module(f"zmqlite.cli.verbs.{entry.module}")
        found += [(name, example.command) for example in getattr(module, name).examples]
    return found


def case_for(command: str) -> Case:
    """Return the case whose words the command begins with: the longest of them."""
    words = re.sub(r'^eval "\$\((.*)\)"$', r"\1", command).removeprefix("zmqlite ")
    fitting = [known for known in CASES if f"{words} ".startswith(f"{known} ")]
    fitting += [known for known in CASES if words.startswith(known) and known not in fitting]
    assert fitting, f"no case for {command}"
    return CASES[max(fitting, key=len)]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with what the examples take for granted: the command, keys, files."""
    script = tmp_path / "bin" / "zmqlite"
    script.parent.mkdir()
    start = shlex.join([sys.executable, *(forked() if FORKS else ["-m", "zmqlite"])])
    script.write_text(f'#!/bin/sh\nexec {start} "$@"\n')
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{script.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".config" / "fish" / "completions").mkdir(parents=True)
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "lines.txt").write_text("first\nsecond\n")
    (tmp_path / "values.json").write_text('{"a": 1}\n[2]\n')
    monkeypatch.chdir(tmp_path)
    return tmp_path


def prepare(folder: Path, command: str) -> None:
    if "key" in command and not command.startswith("zmqlite keygen"):
        for name in ("server", "me"):
            subprocess.run(["zmqlite", "keygen", "-q", name], check=True, stdout=subprocess.PIPE)
        (folder / "keys").mkdir()
        (folder / "me.key").rename(folder / "keys" / "me.key")
    if command.startswith("zmqlite replay"):
        words = ["zmqlite", "record", "-q", "talk.zmqrec", "-t", "pull", "-b", "inproc://x"]
        subprocess.run([*words, "--for", "1ms"], check=True)
        one = b"\0" * 8 + b"\1\0\0\0" + b"\1" + b"\0" * 7 + b"x"
        with (folder / "talk.zmqrec").open("ab") as file:
            file.write(one)
        (folder / "tasks.zmqrec").write_bytes((folder / "talk.zmqrec").read_bytes())


def start(folder: Path, command: str, name: str) -> subprocess.Popen[bytes]:
    with (folder / f"{name}.out").open("wb") as out:
        return subprocess.Popen(
            ["bash", "-c", command], stdin=subprocess.DEVNULL, stdout=out,
            stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip


@pytest.mark.parametrize(("verb", "command"), examples(), ids=lambda text: text[:60])
def test_the_example_works(verb: str, command: str, here: Path) -> None:
    case = case_for(command)
    if "key" in command + case.beside and not zmq.has("curve"):
        pytest.skip("built without CURVE")
    if "msgpack" in command:
        pytest.importorskip("msgpack")
    if verb == "monitor" and not zmq.DRAFT_API:
        pytest.skip("built without drafts")
    prepare(here, command)
    ports = {port: str(free_port()) for port in re.findall(r":(55\d\d)\b", command + case.beside)}
    line, beside = (
        re.sub(r":(55\d\d)\b", lambda found: f":{ports[found[1]]}", text).replace(
            "://*", "://127.0.0.1"
        )
        for text in (command, case.beside)
    )
    output = here / "main.out"
    first = [start(here, f"zmqlite {beside}", "beside")] if verb == "doctor" and beside else []
    running = list(first)
    try:
        if first:  # a doctor does not wait for those who come
            wait_until(lambda: all(map(reachable, ports.values())), LIMIT / FACTOR, beside)
        running.insert(0, start(here, line, "main"))
        if beside and not first:
            running.append(start(here, f"zmqlite {beside}", "beside"))
        if case.goes_on:
            wait_until(lambda: case.prints in output.read_text(), LIMIT / FACTOR, command)
            if verb == "record":
                running[1].wait(LIMIT)
            os.killpg(running[0].pid, signal.SIGINT)
        code = running[0].wait(LIMIT)
    finally:
        for process in running:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
    said = output.read_text()
    assert code == (130 if case.goes_on else 0), said
    assert case.prints in said
    assert "Traceback" not in said


def test_no_case_is_left_over() -> None:
    used = {id(case_for(command)) for _, command in examples()}
    assert len(used) == len(examples()) == len(CASES)


def test_the_page_has_a_section_for_each_verb_with_its_examples() -> None:
    sections = re.split(r"^## ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    titles = {
        verb: text for text in sections for verb in re.findall(r"`(\w+)`", text.splitlines()[0])
    }
    assert set(VERBS) <= set(titles)
    for verb, command in examples():
        assert f"\n{command}\n" in titles[verb], f"{verb}: {command}"
