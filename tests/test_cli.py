"""The command line: what it prints, what it returns, and that it notices what goes wrong."""

from __future__ import annotations

import errno
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import warnings
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from support import FACTOR, needs_curve, wait_until

import zmqlite as zmq
from zmqlite.cli import app, main
from zmqlite.cli.demo import command as demo
from zmqlite.cli.demo import patterns
from zmqlite.cli.demo.run import Run

STEPS = [(p.title, transport) for p in patterns.PATTERNS for transport in p.transports]
NAMES = [pattern.name for pattern in patterns.PATTERNS]
LIMIT = 60 * FACTOR
PATIENCE = str(10 * FACTOR)


def command(*words: str, **environment: str) -> subprocess.Popen[str]:
    """Start `python -m zmqlite` as a user would, in a session of its own."""
    path = os.pathsep.join(filter(None, sys.path))
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-m", "zmqlite", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": path, **environment},
        start_new_session=True,
    )


# --- demo -----------------------------------------------------------------------------------


def test_demo_prints_a_row_for_every_step_and_succeeds() -> None:
    process = command("demo", "--quick", "--patience", PATIENCE)
    output, progress = process.communicate(timeout=LIMIT)
    assert process.returncode == 0, output + progress
    lines = output.splitlines()
    header = next(number for number, line in enumerate(lines) if line.startswith("pattern"))
    assert lines[header].split() == [
        *("pattern", "over", "sent", "received", "messages/s", "result", "between"),
    ]
    rows = [line.split(maxsplit=6) for line in lines[header + 1 : header + 1 + len(STEPS)]]
    assert [(row[0], row[1]) for row in rows] == STEPS
    for row in rows:
        if row[0] == "PAIR+CURVE" and not zmq.has("curve"):
            assert row[-1] == "skipped"
            continue
        sent, received, rate = (int(cell.replace(",", "")) for cell in row[2:5])
        assert sent == received > 0
        assert rate > 0
        assert row[5] == "ok"
        assert ("in threads" if row[1] == "inproc" else "in processes") in row[6]
    assert re.search(r"All [\d,]+ messages arrived, in \d+\.\d s", lines[-1])
    # not a terminal, so one plain line a step
    titles = [f"[{n}/{len(STEPS)}] {step[0]} over {step[1]}" for n, step in enumerate(STEPS, 1)]
    assert progress.splitlines() == titles


def test_demo_gives_figures_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["demo", "--quick", "--json", "--only", "reqrep", "--only", "pubsub"]
    assert main([*arguments, "--patience", PATIENCE]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["ok"] is True
    assert document["zmqlite"] == zmq.__version__
    assert document["libzmq"] == zmq.zmq_version()
    assert document["seconds"] > 0
    scenarios = document["scenarios"]
    assert [(s["pattern"], s["transport"]) for s in scenarios] == STEPS[:6]
    for scenario in scenarios:
        assert set(scenario) == {
            *("pattern", "transport", "status", "reason", "parties", "sent", "received"),
            *("seconds", "messages_per_second"),
        }
        assert scenario["status"] == "ok"
        assert scenario["sent"] == scenario["received"]
        assert scenario["messages_per_second"] > 0
        assert scenario["reason"] is None


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=needs_curve) if n == "curve" else n for n in NAMES]
)
def test_demo_fails_when_a_message_is_lost(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["demo", "--quick", "--json", "--only", name, "--lose", name]
    assert main([*arguments, "--patience", str(FACTOR)]) == 1
    output, errors = capsys.readouterr()
    document = json.loads(output)
    assert document["ok"] is False
    for scenario in document["scenarios"]:
        assert scenario["status"] == "FAILED"
        assert scenario["sent"] - scenario["received"] == 1
        assert "1 of" in scenario["reason"]
    assert "FAILED" in errors


def test_demo_tells_why_it_failed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--quick", "--only", "reqrep", "--lose", "reqrep"]) == 1
    last = capsys.readouterr().out.splitlines()[-2:]
    assert re.fullmatch(r"FAILED: REQ/REP over tcp: 1 of \d+ messages .*", last[0])
    assert last[1].startswith("3 of 3 scenarios failed")


def test_demo_succeeds_without_what_is_not_built_in(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another libzmq may have no CURVE: that pattern is left out, and said to be."""
    monkeypatch.setattr(demo, "has", lambda name: False)
    assert main(["demo", "--quick", "--only", "curve"]) == 0
    last = capsys.readouterr().out.splitlines()[-2:]
    assert last[0] == "skipped: PAIR+CURVE over tcp: this libzmq has no CURVE"
    assert last[1].startswith("All 0 messages arrived")


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT for one process")
@pytest.mark.parametrize("step", [1, 4, 8, 11])
def test_ctrl_c_ends_the_demo_at_any_step(step: int) -> None:
    # not tmp_path: the paths of ipc endpoints must be short
    with tempfile.TemporaryDirectory() as folder:
        process = command("demo", "--quick", TMPDIR=folder)
        assert process.stderr is not None
        while f"[{step}/" not in process.stderr.readline():
            assert process.poll() is None
        os.killpg(process.pid, signal.SIGINT)
        _, errors = process.communicate(timeout=20 * FACTOR)
        assert process.returncode == 130, errors
        assert errors.splitlines()[-1] == "zmqlite: interrupted"
        assert "Traceback" not in errors
        assert list(Path(folder).iterdir()) == []


def test_ctrl_c_in_a_finalizer_is_no_failure(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It ends nothing there; what fails a moment later fails for its sake."""

    def run(words: list[str], came: list[int]) -> int:
        with suppress(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        if words == ["raises"]:
            raise BrokenPipeError(errno.EPIPE, "a worker is gone")
        return 1

    monkeypatch.setattr(app, "run", run)
    assert app.main(["raises"]) == 130
    assert capsys.readouterr().err == "zmqlite: interrupted\n"
    assert app.main(["demo"]) == 130
    assert capsys.readouterr().err == "zmqlite: interrupted\n"
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT for one process")
def test_ctrl_c_in_a_finalizer_strikes_again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Python ignores what a finalizer raises: the command would go on as if nothing had come."""

    class Ending:
        def __del__(self) -> None:
            signal.raise_signal(signal.SIGINT)

    def run(words: list[str], came: list[int]) -> int:
        Ending()
        assert came == [signal.SIGINT]
        threading.Event().wait(LIMIT)
        return 0

    monkeypatch.setattr(app, "run", run)
    hook = sys.unraisablehook
    assert app.main(["demo"]) == 130
    assert capsys.readouterr().err == "zmqlite: interrupted\n"
    assert sys.unraisablehook is hook
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_what_ctrl_c_leaves_unclosed_is_no_news(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It may strike when a context is made and nobody has it yet, or when a call has not taken
    its first step; warnings may be errors."""

    async def begin() -> None:
        pass

    def run(words: list[str], came: list[int]) -> int:
        context, call = zmq.Context(), begin()
        with suppress(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        del context, call
        return 1

    monkeypatch.setattr(app, "run", run)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        filters = list(warnings.filters)
        assert app.main(["demo"]) == 130
        assert warnings.filters == filters, "the process goes on, and would miss its warnings"
    assert capsys.readouterr().err == "zmqlite: interrupted\n"


# --- its workers ----------------------------------------------------------------------------


@pytest.mark.parametrize("transport", ["inproc", "tcp"])
def test_a_job_that_fails_tells_why(transport: str) -> None:
    """In a thread as in a process."""
    with Run(transport, "", 0, 10 * FACTOR) as run:
        run.start(patterns.square, tasks="nonsense://x", results="inproc://x")
        if transport == "inproc":
            wait_until(lambda: run.troubles, what="the thread's failure")
        else:
            run.processes[0].wait(LIMIT)
    assert re.match("a (thread|process) failed.*: .*nonsense", run.troubles[0])


@pytest.mark.skipif(sys.platform == "win32", reason="no signals")
def test_a_worker_that_dies_is_noticed() -> None:
    with Run("tcp", "", 0, 10 * FACTOR) as run:
        run.start(patterns.answer, kind="REP", endpoint="tcp://127.0.0.1:9")
        run.processes[0].kill()
        run.processes[0].wait(LIMIT)
    assert run.troubles == ["a process failed with status -9"]


# --- version and usage ----------------------------------------------------------------------


def test_version_names_the_parts(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["version"]) == 0
    output = capsys.readouterr().out
    assert zmq.__version__ in output
    assert zmq.zmq_version() in output


def test_version_names_what_is_missing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    lacks = (("faults/x.patch", "Nobody dies."), ("speed/y.patch", "It is quick."))
    monkeypatch.setattr("zmqlite.cli.version.LIBZMQ_LACKS", lacks)
    assert main(["version"]) == 0
    output = capsys.readouterr().out
    assert "; 2 are missing" in output
    assert (
        "\n          faults/x.patch: Nobody dies.\n          speed/y.patch: It is quick." in output
    )
    assert main(["version", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["libzmq_lacks"] == dict(lacks)


def test_version_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["version", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["zmqlite"] == zmq.__version__
    assert facts["libzmq"] == zmq.zmq_version()
    assert ("curve" in facts["features"]) == bool(zmq.has("curve"))


@pytest.mark.parametrize(
    ("words", "complaint"),
    [([], "required"), (["nonsense"], "nonsense"), (["demo", "--only", "x"], "--only")],
)
def test_a_faulty_command_line_is_explained(
    words: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as error:
        main(words)
    assert error.value.code == 2
    assert complaint in capsys.readouterr().err


@pytest.mark.parametrize("patience", ["-1", "0", "nan", "inf", "1e300", "soon"])
def test_a_patience_that_is_none_is_refused_at_once(
    patience: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as error:
        main(["demo", "--patience", patience])
    assert error.value.code == 2
    output, errors = capsys.readouterr()
    assert "argument --patience: " in errors
    assert (output, "[1/" in errors) == ("", False)


# --- an output that takes nothing -----------------------------------------------------------

WORDS = [
    ["version"],
    ["version", "--json"],
    ["--version"],
    ["--help"],
    ["demo", "--help"],
    ["demo", "--quick", "--only", "reqrep"],
    ["demo", "--quick", "--only", "reqrep", "--json"],
]
GUESTS = [["zmqlite.pyzmq", "status"], ["zmqlite.pyzmq", "--help"]]
GUESTS += [["zmqlite.pyzmq.curve_keygen"]] if zmq.has("curve") else []
COMMANDS = [["zmqlite", *words] for words in WORDS] + GUESTS


def ended(words: list[str], shell: str, **options: Any) -> tuple[int, list[str]]:
    """Return the exit code of `python -m WORDS` under a shell's redirection, and what it said on
    standard error, without the demo's progress."""
    path = os.pathsep.join(filter(None, sys.path))
    done = subprocess.run(
        ["bash", "-c", f'"$@" {shell}', "bash", sys.executable, "-X", "dev", "-m", *words],
        capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": path},
        timeout=LIMIT, **options,
    )  # fmt: skip
    return done.returncode, [line for line in done.stderr.splitlines() if line[:1] != "["]


needs_bash = pytest.mark.skipif(sys.platform == "win32", reason="needs a shell of Unix")


@needs_bash
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_a_full_output_is_one_line_and_a_failure(words: list[str]) -> None:
    code, errors = ended(words, "> /dev/full")
    text = os.strerror(errno.ENOSPC)
    assert (code, errors) == (1, [f"zmqlite: cannot write to standard output: {text}"])


@needs_bash
@pytest.mark.parametrize("words", [WORDS[0], WORDS[3], WORDS[5]], ids=" ".join)
def test_a_closed_pipe_is_one_line_and_a_failure(words: list[str]) -> None:
    reads, writes = os.pipe()
    os.close(reads)
    try:
        code, errors = ended(["zmqlite", *words], f">&{writes}", pass_fds=[writes])
    finally:
        os.close(writes)
    text = os.strerror(errno.EPIPE)
    assert (code, errors) == (1, [f"zmqlite: cannot write to standard output: {text}"])


@needs_bash
def test_no_output_at_all_is_one_line_and_a_failure() -> None:
    code, errors = ended(["zmqlite", "version"], ">&-")
    assert (code, errors) == (1, ["zmqlite: cannot write to standard output: it is closed"])


@needs_bash
@pytest.mark.parametrize("shell", ["2>&-", "2> /dev/full"])
def test_the_demo_does_not_mind_that_its_progress_is_not_shown(shell: str) -> None:
    if "full" in shell and not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    words = ["zmqlite", "demo", "--quick", "--only", "reqrep", "--patience", PATIENCE]
    assert ended(words, shell) == (0, [])
