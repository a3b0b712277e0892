"""`reply --exec` leaves nothing running, whatever ends the command or the reply."""

from __future__ import annotations

import os
import shlex
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from command_line import LIMIT, Started, Terminal, run
from support import FACTOR, wait_until

import zmqlite as zmq

TCP = "tcp://127.0.0.1:*"
PATIENCE = str(20 * FACTOR)


class Command:
    """A command of the shell that says too much, and stays."""

    def __init__(self, folder: Path) -> None:
        self.file, self.asked = folder / "pid", folder / "asked"
        file, asked = shlex.quote(str(self.file)), shlex.quote(str(self.asked))
        # its number is there when the signals are ignored, its output when the number is there
        # (if it stays, it does not hold the standard error that a test reads)
        quiet = "exec 2>/dev/null"
        self.obedient = f"{quiet}; echo $$ >{file}; printf abcd; exec sleep 1000"
        self.stubborn = f"trap '' TERM PIPE; {self.obedient}"
        self.parent = f"{quiet}; sh -c {shlex.quote(self.stubborn)} & wait"
        self.noting = (
            f"{quiet}; trap 'echo >{asked}' TERM; echo $$ >{file}; while :; do sleep 0.1; done"
        )

    def pid(self) -> int:
        """Wait until it runs; return its process."""

        def written() -> str:
            text = self.file.read_text() if self.file.exists() else ""
            return text if text.endswith("\n") else ""

        return int(wait_until(written, 20, "the command"))

    def wait_gone(self) -> None:
        number = self.pid()
        wait_until(lambda: gone(number), 20, "the end of the command")


def gone(number: int) -> bool:
    """Whether a process has ended; the parent it has now may be one that buries nobody."""
    try:
        os.kill(number, 0)
        state = Path(f"/proc/{number}/stat")
        return state.parents[1].joinpath("self").exists() and ") Z " in state.read_text()
    except (ProcessLookupError, FileNotFoundError):
        return True


@pytest.fixture
def command(tmp_path: Path) -> Iterator[Command]:
    made = Command(tmp_path)
    yield made
    with suppress(FileNotFoundError, ValueError, ProcessLookupError):
        os.kill(int(made.file.read_text()), signal.SIGKILL)


@pytest.mark.parametrize("kind", ["obedient", "stubborn", "parent"])
def test_one_that_says_too_much(command: Command, kind: str) -> None:
    """Also one that ignores SIGTERM, and what one that does not has started."""
    reply = ["reply", "-b", TCP, "-T", PATIENCE, "--limit", "3", "-n", "1"]
    with Started(*reply, "--exec", getattr(command, kind)) as server:
        asked = run("request", "-c", server.endpoint(), "-T", PATIENCE, "x", "-f", "quoted")
        assert asked == (0, '"abc" "more output than 3 B"\n', "")
        command.wait_gone()
        assert server.end()[0] == 0


def replying(command: str) -> list[str]:
    return ["reply", "-b", TCP, "-T", PATIENCE, "--exec", command]


@pytest.fixture
def asking(context: zmq.SyncContext) -> zmq.SyncSocket:
    """One who asks, and goes away."""
    return context.socket(zmq.REQ, linger=0)


def ask(asking: zmq.SyncSocket, endpoint: str) -> None:
    asking.connect(endpoint)
    asking.send(b"x")


def test_two_interruptions(command: Command, asking: zmq.SyncSocket) -> None:
    """The second comes while the command has its time to end."""
    with Started(*replying(command.noting)) as server:
        ask(asking, server.endpoint())
        command.pid()
        server.interrupt()
        wait_until(command.asked.exists, 20, "the request to end")
        server.interrupt()
        assert server.end()[0] == 130
    command.wait_gone()


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
@pytest.mark.parametrize("kind", ["obedient", "parent"])
def test_a_signal(command: Command, asking: zmq.SyncSocket, name: str, kind: str) -> None:
    number = getattr(signal, name)
    with Started(*replying(getattr(command, kind))) as server:
        ask(asking, server.endpoint())
        command.pid()
        server.process.send_signal(number)
        assert server.end()[0] == 128 + number
    command.wait_gone()


def test_a_signal_that_is_ignored(command: Command, asking: zmq.SyncSocket) -> None:
    """As by nohup."""

    def ignore() -> None:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)

    with Started(*replying(command.obedient), preexec_fn=ignore) as server:
        ask(asking, server.endpoint())
        number = command.pid()
        server.process.send_signal(signal.SIGHUP)
        server.process.send_signal(signal.SIGTERM)
        assert server.end()[0] == 128 + signal.SIGTERM
        wait_until(lambda: gone(number), 20, "the end of the command")


def test_a_signal_between_two_commands(asking: zmq.SyncSocket) -> None:
    """It ends the reply as it ends any program."""
    with Started(*replying("cat")) as server:
        ask(asking, server.endpoint())
        assert asking.poll(int(LIMIT * 1000))
        server.process.send_signal(signal.SIGTERM)
        assert server.end()[0] == -signal.SIGTERM


def test_a_terminal_that_is_closed(command: Command, asking: zmq.SyncSocket) -> None:
    with Terminal(*replying(command.obedient)) as terminal:
        seen = terminal.wait_for(lambda drawn: "is bound to " in drawn and "\n" in drawn)
        ask(asking, seen.partition("is bound to ")[2].split()[0].rstrip(","))
        command.pid()
        terminal.hang_up()
        assert terminal.process.wait(LIMIT) == 128 + signal.SIGHUP
    command.wait_gone()
