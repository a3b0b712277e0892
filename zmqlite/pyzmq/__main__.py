"""The switch: `python -m zmqlite.pyzmq run | activate | deactivate | status`."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib import metadata
from typing import Any

from .._version import __version__ as our_version
from ..cli.output import Parser, complain, guarded, write
from ._environment import ActivationError, activate, active_files, deactivate, is_owned, resolve
from ._path import FOLDER

PROGRAM = "python -m zmqlite.pyzmq"
RUN = "run a program with `import zmq` meaning zmqlite, in all processes that it starts, too"

UNOWNED = """,
  which this installation of zmqlite does not own: an earlier one or another user has left it, or
  there is no RECORD to enter it into. Uninstalling zmqlite leaves it; `deactivate` removes it"""


def run(words: Sequence[str]) -> int:  # noqa: RET503 - it may not return at all
    """Become `python WORDS` with our folder in front of PYTHONPATH; on Windows, start that."""
    if sys.flags.ignore_environment:
        raise ActivationError("`run` works through PYTHONPATH, which -E and -I switch off")
    path = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = FOLDER + (os.pathsep + path if path else "")
    own: Any = subprocess  # multiprocessing uses this, too, to hand on -W, -X and the like
    flags: list[str] = own._args_from_interpreter_flags()
    command = [sys.executable, *flags, *words]
    sys.stdout.flush()
    sys.stderr.flush()
    if sys.platform != "win32":
        os.execv(command[0], command)
    else:
        return _wait_for(command)


def _wait_for(command: Sequence[str]) -> int:
    """Run a program and return its exit code."""
    code = None
    with subprocess.Popen(command) as child:
        while code is None:
            # Ctrl-C reaches the child as well, which decides
            with suppress(KeyboardInterrupt):
                code = child.wait()
    return code


def show_status() -> int:
    """Say what `import zmq` gives in this environment; 0 if it is zmqlite, else 1."""
    found = resolve()
    if found.ours:
        write(f"import zmq gives zmqlite {our_version}, as pyzmq {found.version}")
    elif found.name:
        write(f"import zmq gives {found.name} {found.version} in {found.where}")
    else:
        write(f"import zmq gives an error: {found.where}")
    for path in active_files():
        write(f"switched by {path}{'' if is_owned(path) else UNOWNED}")
    write(f"pyzmq itself is {_installed_pyzmq()}")
    return 0 if found.ours else 1


def _installed_pyzmq() -> str:
    """Say which package in this environment answers to the name of pyzmq."""
    paths = [entry for entry in sys.path if entry != FOLDER]
    for distribution in metadata.distributions(name="pyzmq", path=paths):
        return f"installed: {distribution.version}"
    return "not installed"


def switch(words: Sequence[str]) -> int:
    """Parse and carry out what is not `run`."""
    parser = Parser(
        prog=PROGRAM, description="Let `import zmq` mean zmqlite, for programs that use pyzmq."
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    commands.add_parser("run", help=RUN, add_help=False)
    on = commands.add_parser("activate", help="switch this environment over to zmqlite")
    on.add_argument("--user", action="store_true", help="for this user alone")
    commands.add_parser("deactivate", help="undo `activate`")
    commands.add_parser("status", help="tell what `import zmq` gives here (exit code 0: zmqlite)")
    arguments = parser.parse_args(words)
    if arguments.command == "activate":
        left = [path for path in active_files() if not is_owned(path)]
        path = activate(arguments.user)
        write(f"import zmq now means zmqlite {our_version}, by {path}")
        for old in left:
            write(f"{old} was there already, left by an installation that is gone or by hand")
    elif arguments.command == "deactivate":
        removed = deactivate()
        write("\n".join(f"removed {path}" for path in removed) or "nothing to undo")
    else:
        return show_status()
    return 0


def main(words: Sequence[str]) -> int:
    """Run one command and return the exit code: 1 for a failure that stderr explains."""
    try:
        if words[:1] == ["run"]:
            return run(words[1:])  # its options are Python's, not ours
        return switch(words)
    except ActivationError as error:
        complain(f"zmqlite: {error}")
        return 1


if __name__ == "__main__":
    raise SystemExit(guarded(lambda: main(sys.argv[1:])))
