"""How commands end: Ctrl-C, an output that takes nothing; and what a terminal shows meanwhile."""

from __future__ import annotations

import os
import pty
import re
import sys
from pathlib import Path

import pytest
from command_line import ENVIRONMENT, Started, Terminal, plain, run
from support import FACTOR, needs_drafts

from zmqlite.cli.doctor.places import spoken
from zmqlite.cli.output import complain, for_reader
from zmqlite.cli.shared.opening import Opening
from zmqlite.cli.verbs import monitor
from zmqlite.enums import SocketType

TCP = "tcp://127.0.0.1:*"
NOBODY = "tcp://127.0.0.1:9"
PATIENCE = str(20 * FACTOR)


def test_ctrl_c_ends_a_bench_and_its_other_process() -> None:
    with Started("bench", "-t", "tcp", "--seconds", "60", "-s", "16") as bench:
        bench.wait_for("[1/1]")
        bench.interrupt()
        code, _, err = bench.end()
        assert code == 130
        assert "Traceback" not in err


SLOW = """
import sys
sys.stderr.write("importing\\n")
try:
    sys.stdin.read()
except KeyboardInterrupt:
    if {goes_on}:
        sys.path.remove({place!r})
        del sys.modules[__name__]
        __import__(__name__)  # the true one
    else:
        raise
"""


@pytest.mark.parametrize(
    ("module", "goes_on"), [("argparse", False), ("click", False), ("click", True)]
)
def test_ctrl_c_is_one_line_while_python_still_imports(
    module: str, goes_on: bool, tmp_path: Path
) -> None:
    """Also where Python goes on after it, as in the callback of a weak reference."""
    folder = tmp_path / "first"
    folder.mkdir()
    code = SLOW.format(goes_on=goes_on, place=str(folder))
    (folder / f"{module}.py").write_text(code)
    environment = {"PYTHONPATH": f"{folder}{os.pathsep}{ENVIRONMENT['PYTHONPATH']}"}
    words = ["recv", "-b", TCP]
    with Started(*words, env=environment, cwd=str(tmp_path)) as command:
        command.wait_for("importing\n")
        command.interrupt()
        code, out, err = command.end()
    assert (code, out, err) == (130, "", "importing\nzmqlite: interrupted\n")


def test_messages_into_a_closed_pipe_are_one_line() -> None:
    """As in `zmqlite pull ... | head -1`."""
    with Started("pull", "-b", TCP) as printing:
        place = printing.endpoint()
        assert printing.process.stdout is not None
        printing.process.stdout.close()
        printing.process.stdout = None
        assert run("push", "-c", place, "x", "-T", PATIENCE)[0] == 0
        code, _, err = printing.end()
        assert code == 1
        last = err.splitlines()[-1]
        assert last == "zmqlite: cannot write to standard output: Broken pipe"


# -- on a terminal -------------------------------------------------------------------------------

WIDTHS = [40, 80]


@pytest.mark.parametrize("columns", WIDTHS)
def test_rate_draws_a_table_that_fits(columns: int) -> None:
    with Terminal("rate", "-b", TCP, "-i", "100ms", columns=columns) as screen:
        place = plain(screen.wait_for("\n")).split()[-1]
        topic = "a.topic.with.a.name.that.is.wider.than.a.narrow.window.has.columns"
        assert run("pub", "-c", place, "-n", "1234", topic, "-T", PATIENCE)[0] == 0
        screen.wait_for(lambda seen: "(all)" in seen and "1,234" in plain(seen))
        screen.press_ctrl_c()
        code, seen = screen.end()
    assert code == 130
    drawn = plain(seen)
    assert "…" in drawn
    rows = [line for line in drawn.split("\n") if "messages/s" in line or "…" in line]
    assert all(len(row.replace("^C", "")) <= columns for row in rows), rows
    assert seen.rstrip().endswith("zmqlite: interrupted")


@pytest.mark.parametrize("columns", WIDTHS)
def test_ping_draws_and_ends_with_its_histogram(columns: int) -> None:
    with Started("reply", "--echo", "-b", TCP) as server:
        words = ["ping", "-c", server.endpoint(), "-n", "30", "-T", PATIENCE]
        with Terminal(*words, columns=columns) as screen:
            code, seen = screen.end()
    assert code == 0
    last = plain(seen).rpartition("30 round trips")[2].splitlines()
    assert any("█" in line for line in last)
    assert all(len(line) <= columns for line in last if "█" in line)


@pytest.mark.parametrize("columns", WIDTHS)
def test_proxy_shows_its_rates(columns: int) -> None:
    words = ["proxy", "--frontend", TCP, "--backend", TCP, "-i", "50ms"]
    with Terminal(*words, columns=columns) as screen:
        screen.wait_for(lambda seen: seen.count("frontend  ") > 2)
        screen.press_ctrl_c()
        code, seen = screen.end()
    assert code == 130
    assert plain(seen).splitlines()[-1] == "zmqlite: interrupted"
    assert "0 messages (0 B) from the frontend" in plain(seen)


@pytest.mark.parametrize("columns", WIDTHS)
def test_bench_draws_its_table_once_more_at_the_end(columns: int) -> None:
    words = ["bench", "-t", "inproc", "-t", "tcp", "-s", "16", "--seconds", "20ms"]
    with Terminal(*words, columns=columns) as screen:
        code, seen = screen.end()
    assert code == 0
    assert "[2/2] 16 B over tcp" in plain(seen)
    rows = [line.split() for line in plain(seen).rpartition("over ")[2].splitlines()]
    assert [row[0] for row in rows[1:] if row] == ["inproc", "tcp"]


def test_colours_are_for_terminals_that_want_them() -> None:
    with Terminal("doctor") as screen:
        assert "\x1b[32m" in screen.end()[1]
    with Terminal("doctor", NO_COLOR="1") as screen:
        assert "\x1b[32m" not in screen.end()[1]
    assert "\x1b" not in run("doctor")[1]
    with Terminal("send", "--help", NO_COLOR="1") as screen:
        assert "\x1b" not in screen.end()[1]


OBEYED = r'"\x1b[2J\x07\xc2\x9b\x9b1m\x7f"'  # quoted; C1 as UTF-8, and as a byte


def shown(seen: str) -> str:
    """Return what a terminal was given, which is to have nothing that it would obey."""
    assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffd]", seen), seen
    return seen


@pytest.mark.parametrize("form", ["text", "quoted"])
@pytest.mark.parametrize(("printing", "sending"), [("pull", "push"), ("sub", "pub")])
def test_a_terminal_is_shown_no_control_characters(printing: str, sending: str, form: str) -> None:
    words = [printing, "-b", TCP, "-n", "1", "-f", form, "-T", PATIENCE]
    with Terminal(*words) as screen:
        place = plain(screen.wait_for("\n")).split()[-1]
        assert run(sending, "-c", place, "-f", "quoted", "-T", PATIENCE, OBEYED)[0] == 0
        code, seen = screen.end()
    assert code == 0
    assert r"\x1b[2J\x07\xc2\x9b\x9b1m\x7f" in shown(seen)


def test_a_terminal_is_given_raw_bytes_where_they_are_asked_for() -> None:
    with Terminal("pull", "-b", TCP, "-n", "1", "-f", "raw", "-T", PATIENCE) as screen:
        place = plain(screen.wait_for("\n")).split()[-1]
        assert run("push", "-c", place, "-f", "quoted", OBEYED)[0] == 0
        assert "\x1b[2J\x07" in screen.end()[1]


def test_a_terminal_is_shown_no_control_characters_of_topics() -> None:
    with Terminal("rate", "-b", TCP, "-i", "100ms") as screen:
        place = plain(screen.wait_for("\n")).split()[-1]
        assert run("pub", "-c", place, "-f", "quoted", "-T", PATIENCE, OBEYED)[0] == 0
        seen = screen.wait_for(lambda seen: r"\x1b[2J\x07" in seen)
    assert "\x07" not in seen
    assert "\x1b[2J" not in seen


def test_a_terminal_obeys_nothing_of_what_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a monitor or an error says has texts of peers in it."""
    master, slave = pty.openpty()
    try:
        with os.fdopen(slave, "w", encoding="utf-8") as terminal:
            assert for_reader("a\tb\n\x1b[2J\x9b\r", terminal) == "a\tb\n\\x1b[2J\\x9b\\x0d"
            monkeypatch.setattr(sys, "stderr", terminal)
            complain("\x1b]0;title\x07")
            assert os.read(master, 100) == b"\\x1b]0;title\\x07\r\n"
    finally:
        os.close(master)
    assert for_reader("\x1b", None) == "\x1b"


@needs_drafts
def test_a_monitor_tells_a_terminal_nothing_that_it_obeys(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    master, slave = pty.openpty()
    watching = monitor.Watch(Opening(SocketType.SUB, bind=(TCP,), quiet=True), 1, None, False)
    watching.line = lambda event, now: "\x1b[2J\x9b"
    try:
        with os.fdopen(slave, "w", encoding="utf-8") as terminal:
            monkeypatch.setattr(sys, "stdout", terminal)
            assert watching.run() == 0
            assert os.read(master, 100) == b"\\x1b[2J\\x9b\r\n"
    finally:
        os.close(master)


def test_doctor_shows_nothing_that_a_terminal_obeys() -> None:
    greeting = b"\xff" + bytes(8) + b"\x7f\x03\x01" + b"\x1b[2J\x07".ljust(52, b"\0")
    assert spoken("there", greeting)[0].text.endswith(r"ZMTP 3.1, \x1b[2J\x07")
