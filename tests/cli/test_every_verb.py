"""What holds for every verb: Ctrl-C, a full disk, a closed pipe, no standard output, odd bytes.

A new verb fails here until the tables below know it.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from command_line import Started, Terminal, plain, run
from support import FACTOR, in_time, needs_curve, needs_drafts

from zmqlite.cli import main
from zmqlite.cli.table import VERBS

TCP = "tcp://127.0.0.1:*"
NOBODY = "tcp://127.0.0.1:9"
PATIENCE = str(20 * FACTOR)
ADAPTED = {"monitor": needs_drafts, "keygen": needs_curve}

WAITING = {
    "send": ["send", "-b", TCP, "x"],
    "recv": ["recv", "-b", TCP],
    "request": ["request", "-b", TCP, "x"],
    "reply": ["reply", "-b", TCP, "--echo"],
    "pub": ["pub", "-b", TCP, "x"],
    "sub": ["sub", "-b", TCP],
    "push": ["push", "-b", TCP],
    "pull": ["pull", "-b", TCP],
    "proxy": ["proxy", "--frontend", TCP, "--backend", TCP],
    "record": ["record", "-", "-b", TCP],
    "replay": ["replay", "{recording}", "-b", TCP],
    "rate": ["rate", "-b", TCP],
    "ping": ["ping", "-b", TCP, "-T", "100"],
    "bench": ["bench", "--serve", "-b", TCP],
    "monitor": ["monitor", "-b", TCP],
    "doctor": ["doctor", "{deaf}", "-T", "1000"],
}
AT_ONCE = {"keygen", "completion"}
"""They wait for nothing."""

PRINTING = {
    "recv": (["recv", "-b", TCP, "-n", "1"], ["push", "-c", "{}", "x"]),
    "request": (["request", "-c", "{reply}", "x"], []),
    "reply": (["reply", "-b", TCP, "--echo", "-s"], ["request", "-c", "{}", "-T", "2", "x"]),
    "sub": (["sub", "-b", TCP], ["pub", "-c", "{}", "x"]),
    "pull": (["pull", "-b", TCP, "-f", "raw"], ["push", "-c", "{}", "x"]),
    "record": (["record", "-", "-b", TCP, "--for", "10ms"], []),
    "rate": (["rate", "-b", TCP, "-n", "1", "-i", "10ms"], []),
    "ping": (["ping", "-c", NOBODY, "-n", "1", "-T", "20ms"], []),
    "bench": (["bench", "-t", "inproc", "-s", "16", "--seconds", "10ms"], []),
    "monitor": (["monitor", "-t", "pull", "-b", TCP], []),
    "keygen": (["keygen", "me", "--dir", "{folder}"], []),
    "doctor": (["doctor"], []),
    "completion": (["completion", "bash"], []),
}
SILENT = {"send", "pub", "push", "proxy", "replay"}
"""They have nothing to say on standard output but their help."""


def each(names: Any) -> list[Any]:
    return [pytest.param(name, marks=ADAPTED.get(name, ())) for name in names]


def test_the_tables_know_every_verb() -> None:
    assert set(WAITING) | AT_ONCE == set(VERBS)
    assert set(PRINTING) | SILENT == set(VERBS)


@contextmanager
def deaf() -> Generator[tuple[str, Callable[[], Any]], None, None]:
    """Yield an address where someone listens and says nothing, and a wait for a client."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(20 * FACTOR)
        taken: list[Any] = []
        yield f"tcp://127.0.0.1:{server.getsockname()[1]}", lambda: taken.append(server.accept())
        for client, _ in taken:
            client.close()


@pytest.mark.parametrize("verb", each(WAITING))
def test_ctrl_c_is_clean_and_quick(verb: str, recording: str) -> None:
    def attempt() -> float:
        with deaf() as (place, met):
            words = [word.format(recording=recording, deaf=place) for word in WAITING[verb]]
            with Started(*words) as started:
                if verb == "doctor":
                    met()
                else:
                    started.endpoint(int(verb == "proxy"))
                start = time.monotonic()
                started.interrupt()
                code, _, err = started.end()
        assert code == 130, err
        assert err.splitlines()[-1] == "zmqlite: interrupted"
        assert "Traceback" not in err
        assert "Warning" not in err
        return time.monotonic() - start

    in_time(1.0, attempt)


FULL = "/dev/full"
OUTPUTS = {
    "full": "No space left on device",
    "pipe": "Broken pipe",
    "none": "it is closed",
}


@contextmanager
def output(kind: str) -> Generator[dict[str, Any], None, None]:
    """Yield how to start a process whose standard output takes nothing."""
    if kind == "full":
        if not Path(FULL).exists():
            pytest.skip(f"no {FULL} here")
        with Path(FULL).open("wb") as file:
            yield {"stdout": file}
    elif kind == "pipe":
        reads, writes = os.pipe()
        os.close(reads)
        try:
            yield {"stdout": writes}
        finally:
            os.close(writes)
    else:
        yield {"preexec_fn": lambda: os.close(1)}


@contextmanager
def answering(wanted: bool) -> Generator[str, None, None]:
    """Yield where requests are answered, where that is wanted."""
    if not wanted:
        yield ""
        return
    with Started("reply", "-b", TCP, "--echo") as server:
        yield server.endpoint()


@pytest.mark.parametrize("kind", OUTPUTS)
@pytest.mark.parametrize("verb", each(PRINTING))
def test_an_output_that_takes_nothing_is_one_line(verb: str, kind: str, tmp_path: Path) -> None:
    words, feeding = PRINTING[verb]
    with answering("{reply}" in words) as place, output(kind) as options:
        words = [word.format(reply=place, folder=tmp_path) for word in words]
        with Started(*words, **options) as printing:
            if feeding:
                run(*(word.format(printing.endpoint()) for word in feeding))
            code, _, err = printing.end()
    lines = [line for line in err.splitlines() if not talk(line)]
    assert code == 1
    assert lines == [f"zmqlite: cannot write to standard output: {OUTPUTS[kind]}"]


def talk(line: str) -> bool:
    words = ("is bound to", "messages, ", "is to be given away", "[1/1]")
    return any(text in line for text in words)


@pytest.mark.parametrize("verb", VERBS)
def test_so_is_its_help(verb: str) -> None:
    kind = list(OUTPUTS)[list(VERBS).index(verb) % len(OUTPUTS)]
    with output(kind) as options:
        code, _, err = run(verb, "--help", **options)
    assert (code, err) == (1, f"zmqlite: cannot write to standard output: {OUTPUTS[kind]}\n")


@pytest.mark.parametrize("verb", sorted(SILENT))
def test_what_prints_nothing_needs_no_output(verb: str, recording: str) -> None:
    """Nor does it fail for the lack of a standard input or error that it does not use."""
    words = {
        "proxy": ["--frontend", TCP, "--backend", TCP],
        "replay": [recording, "-t", "dealer", "-w", "0", "-c", NOBODY, "-T", "20ms"],
    }
    given = words.get(verb, ["-c", NOBODY, "-T", "20ms", "-w", "0", "x"])

    def without() -> None:
        for number in (0, 1):
            os.close(number)

    with Started(verb, *given, stdin=None, preexec_fn=without) as started:
        if verb == "proxy":
            started.endpoint(1)
            started.interrupt()
        code, out, err = started.end()
    assert code == {"proxy": 130, "pub": 0}.get(verb, 124), err
    assert out == ""
    assert "Traceback" not in err


@pytest.mark.parametrize("words", [["push", "-c", NOBODY], ["replay", "-", "-b", TCP]])
def test_no_standard_input_is_one_line(words: list[str]) -> None:
    code, _, err = run(*words, "-q", data=None, stdin=None, preexec_fn=lambda: os.close(0))
    line = "zmqlite: there is no standard input to take messages from\n"
    assert (code, err) == (1, line)


@pytest.mark.skipif(not Path(FULL).exists(), reason=f"no {FULL} here")
def test_a_recording_on_a_full_disk_names_the_file() -> None:
    code, _, err = run("record", FULL, "--force", "-b", TCP, "--for", "10ms", "-q")
    assert (code, err) == (1, f"zmqlite: cannot write to {FULL}: No space left on device\n")


@pytest.mark.skipif(not Path(FULL).exists(), reason=f"no {FULL} here")
def test_a_plot_on_a_full_disk_names_the_file(tmp_path: Path) -> None:
    words = ["bench", "-t", "inproc", "-s", "16", "--seconds", "10ms", "-q", "--plot"]
    code, out, err = run(*words, FULL)
    assert (code, err) == (1, f"zmqlite: cannot write to {FULL}: No space left on device\n")
    assert "16 B" in out
    code, out, err = run(*words, str(tmp_path / "none" / "x.svg"))
    assert (code, out) == (1, ""), "it is known before anything is measured"
    assert err.startswith(f"zmqlite: cannot write to {tmp_path}/none/x.svg: No such file")


# -- words and terminals of all kinds ------------------------------------------------------------

LIVE = {
    "rate": ["rate", "-b", TCP, "-i", "50ms"],
    "proxy": ["proxy", "--frontend", TCP, "--backend", TCP, "-i", "50ms"],
    "bench": ["bench", "-t", "inproc", "-s", "16", "--seconds", "60"],
    "ping": ["ping", "-c", "{reply}", "--forever"],
}
DRAWN = {"rate": "(all)", "proxy": "backend  ", "bench": "[1/1]", "ping": "round trips"}
HIDE, SHOW = "\x1b[?25l", "\x1b[?25h"


@pytest.mark.parametrize("columns", [10, 40, 200])
@pytest.mark.parametrize("verb", LIVE)
def test_a_live_view_ends_cleanly_on_ctrl_c_however_wide(verb: str, columns: int) -> None:
    with answering(verb == "ping") as place:
        words = [word.format(reply=place) for word in LIVE[verb]]
        with Terminal(*words, columns=columns, rows=12) as screen:
            bench = verb == "bench"
            drawn = "\x1b[2K" if columns == 10 and not bench else DRAWN[verb]
            screen.wait_for(lambda seen: seen.count(drawn) >= (1 if bench else 3))
            screen.press_ctrl_c()
            code, seen = screen.end()
    assert code == 130
    assert plain(seen).rstrip().endswith("zmqlite: interrupted")
    assert seen.rfind(SHOW) > seen.rfind(HIDE) or HIDE not in seen
    assert "Traceback" not in seen


@pytest.mark.parametrize("verb", LIVE)
def test_no_live_view_where_the_terminal_is_dumb(verb: str) -> None:
    with answering(verb == "ping") as place:
        words = [word.format(reply=place) for word in LIVE[verb]]
        words = [*words[:-1], "-n", "3"] if verb == "ping" else words
        with Terminal(*words, TERM="dumb") as screen:
            screen.wait_for({"proxy": "bound"}.get(verb, DRAWN[verb]))
            if verb != "ping":  # it draws at its end alone
                screen.press_ctrl_c()
            code, seen = screen.end()
    assert code == (0 if verb == "ping" else 130)
    assert "\x1b" not in seen


POOR = {
    "C": {"LC_ALL": "C"},
    "C without UTF-8": {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
    "ASCII": {"PYTHONIOENCODING": "ascii:strict", "PYTHONUTF8": "0"},
    "Latin-1": {"PYTHONIOENCODING": "latin-1:strict", "PYTHONUTF8": "0"},
}
ODD = b"\xff\xfe \xe2\x82\xac\xf0\x9f\x90\x8d"


@pytest.mark.parametrize("locale", POOR)
def test_any_bytes_go_through_any_locale(locale: str) -> None:
    """As messages, and as topics in a table."""
    words = ["pull", "-b", TCP, "-n", "2", "-T", PATIENCE]
    with Started(*words, env=POOR[locale]) as printing:
        feed = ["push", "-c", printing.endpoint(), "-T", PATIENCE, "-n", "2", ODD]
        assert run(*feed, env=POOR[locale])[0] == 0
        code, out, err = printing.end()
    assert (code, out.encode(errors="surrogateescape")) == (0, (ODD + b"\n") * 2), err
    words = ["rate", "-t", "pull", "-b", TCP, "-i", "50ms", "--split", b"\xff\xff"]
    with Started(*words, env=POOR[locale]) as counting:
        assert run("push", "-c", counting.endpoint(), "-T", PATIENCE, ODD)[0] == 0
        counting.read_until(lambda printed: r"\xff\xfe" in printed)
        counting.interrupt()
        code, out, err = counting.end()
    assert code == 130, err
    assert "Traceback" not in err


@pytest.mark.parametrize("locale", POOR)
@pytest.mark.parametrize("verb", ["doctor", "ping", "bench"])
def test_tables_and_bars_are_for_any_encoding(verb: str, locale: str) -> None:
    words = PRINTING[verb][0]
    with answering(verb == "ping") as place:
        if verb == "ping":
            words = ["ping", "-c", place, "-n", "20", "-T", PATIENCE]
        code, out, err = run(*words, env={**POOR[locale], "COLUMNS": "40"})
    assert code == 0, err
    assert "Traceback" not in err
    assert locale == "C" or out.isascii()


@pytest.mark.parametrize("verb", sorted(set(VERBS) - {"completion", "keygen"}))
def test_words_that_are_no_utf8_are_no_traceback(
    verb: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In every place that takes a word."""
    monkeypatch.chdir(tmp_path)
    options = {"doctor": [], "proxy": ["--frontend"], "bench": ["--plot"]}.get(verb, ["-b"])
    assert ends(verb, *options, b"\xff://\xfe", b"\xfd") in (1, 2)
    words = {
        "recv": ["-S", b"\xff"], "sub": ["--topic", b"\xff"], "rate": ["--split", b"\xff"],
        "request": [b"\xff"], "reply": [b"\xff"], "push": ["-S", b"\xff", b"a\xffb"],
        "pull": ["--server-key", b"\xff" * 40], "send": ["-o", b"\xff=\xff"],
        "monitor": ["--until", b"\xff"], "pub": ["-o", b"xpub_welcome_msg=\xff"],
    }.get(verb)  # fmt: skip
    if words is not None:
        assert ends(verb, "-b", TCP, "-T", "20ms", "-q", *words) in (0, 1, 2, 124)


def ends(*words: str | bytes) -> int:
    """Return the exit code of a command in this process."""
    try:
        return main([os.fsdecode(word) for word in words])
    except SystemExit as end:
        return int(end.code or 0)
