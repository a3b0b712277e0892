"""Completion as a shell does it: bash on a terminal, fish and zsh where they are installed."""

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
    """A bash on a terminal."""

    def __init__(self, path: str, home: Path) -> None:
        self.seen = ""
        self.master, slave = pty.openpty()
        environment = {**os.environ, **ENVIRONMENT, "PATH": path, "HOME": str(home), "PS1": "> "}
        self.process = subprocess.Popen(
            ["bash", "--norc", "--noprofile", "-i"], stdin=slave, stdout=slave, stderr=slave,
            env={**environment, "TERM": "dumb"}, start_new_session=True,
        )  # fmt: skip
        os.close(slave)

    def press(self, keys: str, until: str) -> str:
        """Press keys, and return what is seen from then on, once it has a text in it."""
        self.seen = ""
        os.write(self.master, keys.encode())
        end = time.monotonic() + LIMIT
        while until not in self.seen:
            if not select.select([self.master], [], [], max(end - time.monotonic(), 0))[0]:
                pytest.fail(f"no {until!r} after {keys!r}, but {self.seen!r}")
            self.seen += plain(os.read(self.master, 4096).decode())
        return self.seen

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self.master)


@pytest.fixture(scope="module")
def bash(path: str, tmp_path_factory: pytest.TempPathFactory) -> Generator[Shell, None, None]:
    """One shell for all: each test empties its line."""
    if shutil.which("bash") is None:
        pytest.skip("no bash here")
    shell = Shell(path, tmp_path_factory.mktemp("home"))
    try:
        shell.press("bind 'set enable-bracketed-paste off'; echo re''ady\n", "ready")
        shell.press('eval "$(zmqlite completion bash)"; echo done\n', "done")
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
def test_bash_completes(bash: Shell, typed: str, completed: str) -> None:
    bash.press(f"\x15{typed}\t", completed)


def test_bash_lists_the_commands(bash: Shell) -> None:
    seen = bash.press("\x15zmqlite re\t\t", "request")
    assert {"recv", "record", "replay", "reply", "request"} <= set(seen.split())


def completed_by(shell: list[str], path: str, folder: Path) -> str:
    if shutil.which(shell[0]) is None:
        pytest.skip(f"no {shell[0]} here")
    done = subprocess.run(
        shell, capture_output=True, text=True, check=True, timeout=LIMIT,
        env={**os.environ, **ENVIRONMENT, "PATH": path, "HOME": str(folder)},
    )  # fmt: skip
    return done.stdout


def test_fish_completes(path: str, tmp_path: Path) -> None:
    script = 'zmqlite completion fish | source; complete -C "zmqlite mon"'
    found = completed_by(["fish", "--no-config", "-c", script], path, tmp_path)
    assert "monitor" in found.split()


def test_zsh_takes_its_script(path: str, tmp_path: Path) -> None:
    script = 'autoload -Uz compinit; compinit -u; eval "$(zmqlite completion zsh)"'
    found = completed_by(["zsh", "-f", "-c", f"{script}; echo $_comps[zmqlite]"], path, tmp_path)
    assert found.strip() == "_zmqlite_completion"


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
