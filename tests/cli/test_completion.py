"""Completion as a shell does it: bash and zsh on a terminal, fish; where they are installed."""

from __future__ import annotations

import os
import pty
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import suppress
from pathlib import Path

import pytest
from command_line import ENVIRONMENT, LIMIT, plain

from zmqlite.cli import main
from zmqlite.cli.table import VERBS


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A PATH where `zmqlite` is this one."""
    script = tmp_path_factory.mktemp("path") / "bin" / "zmqlite"
    script.parent.mkdir()
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m zmqlite "$@"\n')
    script.chmod(0o755)
    return f"{script.parent}{os.pathsep}{os.environ['PATH']}"


class Shell:
    """A shell on a terminal."""

    def __init__(self, words: list[str], path: str, home: Path) -> None:
        self.seen = ""
        self.master, slave = pty.openpty()
        environment = {**os.environ, **ENVIRONMENT, "PATH": path, "HOME": str(home), "PS1": "> "}
        self.process = subprocess.Popen(
            words, stdin=slave, stdout=slave, stderr=slave,
            env={**environment, "TERM": "dumb"}, start_new_session=True,
        )  # fmt: skip
        os.close(slave)

    def press(self, keys: str, *until: str) -> None:
        """Press keys, and wait until what is seen from then on has these texts in it."""
        self.seen = ""
        os.write(self.master, keys.encode())
        end = time.monotonic() + LIMIT
        while not all(text in self.seen for text in until):
            if not select.select([self.master], [], [], max(end - time.monotonic(), 0))[0]:
                pytest.fail(f"no {until!r} after {keys!r}, but {self.seen!r}")
            self.seen += plain(os.read(self.master, 4096).decode())

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self.master)


SHELLS = {
    "bash": (["bash", "--norc", "--noprofile", "-i"], "bind 'set enable-bracketed-paste off'"),
    "zsh": (["zsh", "-f", "-i"], "unset zle_bracketed_paste; autoload -Uz compinit; compinit -u"),
}


@pytest.fixture(scope="module", params=SHELLS)
def shell(
    request: pytest.FixtureRequest, path: str, tmp_path_factory: pytest.TempPathFactory
) -> Generator[Shell, None, None]:
    """One shell for all: each test empties its line."""
    words, prepare = SHELLS[request.param]
    if shutil.which(words[0]) is None:
        pytest.skip(f"no {words[0]} here")
    shell = Shell(words, path, tmp_path_factory.mktemp("home"))
    try:
        shell.press(f"{prepare}; echo re''ady\n", "ready")
        shell.press(f"""eval "$(zmqlite completion {words[0]})"; echo do''ne\n""", "done")
        yield shell
    finally:
        shell.close()


@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("zmqlite mon", "zmqlite monitor "),
        ("zmqlite send --typ", "zmqlite send --type "),
        ("zmqlite send -t dea", "zmqlite send -t dealer "),
        ("zmqlite pull -o rcvhw", "zmqlite pull -o rcvhwm="),
        ("zmqlite demo --qu", "zmqlite demo --quick "),
        ("zmqlite version --js", "zmqlite version --json "),
    ],
)
def test_a_shell_completes(shell: Shell, typed: str, completed: str) -> None:
    shell.press(f"\x15{typed}\t", completed)


def test_a_shell_lists_the_commands(shell: Shell) -> None:
    shell.press("\x15zmqlite re\t\t", "recv", "record", "replay", "reply", "request")


def test_fish_completes(path: str, tmp_path: Path) -> None:
    if shutil.which("fish") is None:
        pytest.skip("no fish here")
    script = (
        'zmqlite completion fish | source; complete -C "zmqlite mon"; complete -C "zmqlite req"'
    )
    done = subprocess.run(
        ["fish", "--no-config", "-c", script],
        capture_output=True, text=True, check=True, timeout=LIMIT,
        env={**os.environ, **ENVIRONMENT, "PATH": path, "HOME": str(tmp_path)},
    )  # fmt: skip
    assert "monitor" in done.stdout.split()
    assert "request\tAsk, and print the answers." in done.stdout.splitlines()


@pytest.mark.parametrize("command", [*VERBS, "demo", "version"])
def test_every_command_completes_its_options(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with suppress(SystemExit):  # argparse, for demo and version
        main([command, "--help"])
    help_text = capsys.readouterr().out
    shell = {"COMP_WORDS": f"zmqlite {command} --", "COMP_CWORD": "2"}
    for name, value in {"_ZMQLITE_COMPLETE": "bash_complete", **shell}.items():
        monkeypatch.setenv(name, value)
    assert main([]) == 0
    words = capsys.readouterr().out.split()
    assert "plain,--help" in words
    assert all(word.removeprefix("plain,") in help_text for word in words)
