"""The command line as a whole: who parses, and what each way to end is as an exit code.

`demo` and `version` need nothing, and argparse reads them. The other verbs need the extra `cli`:
they are loaded when one of them is called, and where click is missing one line says how to get it.
"""

from __future__ import annotations

import argparse
import gc
import os
import signal
import sys
import threading
import warnings
from _thread import interrupt_main
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from ..error import Again, InvalidArgument, NotSupported, ZMQBaseError
from .command import FAILURE, INTERRUPTED, TIMEOUT, USAGE, Command, CommandError
from .demo.command import DEMO
from .output import Parser, complain, guarded
from .table import EXTRA, VERBS, how_to_get
from .version import VERSION, describe

COMMANDS: tuple[Command, ...] = (DEMO, VERSION)
NAMES = frozenset(command.name for command in COMMANDS)


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of what needs no extra, one subparser a command."""
    parser = Parser(
        prog="zmqlite",
        description="ZeroMQ for Python, from the command line.",
        epilog=f"{EXTRA} brings more: {', '.join(VERBS)}.",
    )
    parser.add_argument("-V", "--version", action="version", version=describe()[0])
    words = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for command in COMMANDS:
        word = words.add_parser(command.name, help=command.summary, description=command.summary)
        command.add_options(word)
        word.set_defaults(run=command.run)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return the exit code of the process.

    0 is success, 1 a failure that has been explained on stderr, a standard output that takes
    nothing among them, 124 a time limit that was reached, 130 an interruption by Ctrl-C. A faulty
    command line raises SystemExit(2), as argparse does.
    """
    if argv is None:  # the process has this command line, and ends with it
        return _ended(sys.argv[1:])
    filters: Any = warnings.filters
    before = list(filters)
    try:
        return _ended(list(argv))
    finally:
        if filters != before:  # by Ctrl-C: what it has left is collected without a word
            gc.collect()
            filters[:] = before


def _ended(words: list[str]) -> int:
    try:
        with _interrupts_noted() as came:
            try:
                code = guarded(lambda: run(words, came))
            except (CommandError, ZMQBaseError, OSError):
                if came:
                    raise KeyboardInterrupt from None
                raise
            if code == FAILURE and came:
                raise KeyboardInterrupt
            return code
    except KeyboardInterrupt:
        complain("zmqlite: interrupted")
        return INTERRUPTED
    except CommandError as error:
        complain(f"zmqlite: {error}")
        return error.code
    except (ZMQBaseError, OSError) as error:
        complain(f"zmqlite: {error}")
        return _code_of(error)
    except MemoryError:
        complain("zmqlite: there is not enough memory for this")
        return FAILURE


@contextmanager
def _interrupts_noted() -> Generator[list[int], None, None]:
    """Yield a list of the Ctrl-Cs that came. One that strikes in a finalizer ends nothing, so it
    strikes again a moment later; what fails until then (the workers had it, too) fails for it."""
    came: list[int] = []
    ended = threading.Event()

    def note(number: int, frame: Any) -> None:
        came.append(number)
        # it may strike between opening or beginning something and the next step; no news now
        warnings.simplefilter("ignore", ResourceWarning)
        warnings.filterwarnings("ignore", "coroutine .* was never awaited", RuntimeWarning)
        signal.default_int_handler(number, frame)

    def again(unraisable: sys.UnraisableHookArgs) -> None:
        if issubclass(unraisable.exc_type, KeyboardInterrupt):
            threading.Thread(target=_interrupt_later, args=(ended,), daemon=True).start()
        else:
            hook(unraisable)

    main_thread = threading.current_thread() is threading.main_thread()
    before, hook = signal.getsignal(signal.SIGINT), sys.unraisablehook
    if not main_thread or before is not signal.default_int_handler:
        yield came
        return
    sys.unraisablehook = again
    signal.signal(signal.SIGINT, note)
    try:
        yield came
    finally:
        ended.set()
        signal.signal(signal.SIGINT, before)
        sys.unraisablehook = hook


def _interrupt_later(ended: threading.Event) -> None:
    """Interrupt the main thread as Ctrl-C does, once the finalizer that had it is left."""
    if ended.wait(0.01):
        return
    if hasattr(signal, "pthread_kill"):  # which ends a wait in libzmq, too
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
    else:
        interrupt_main()


def run(words: list[str], came: list[int]) -> int:
    """Have the right parser read the words, and do what they say."""
    needs_none = bool(words) and words[0] in NAMES
    completes = "_ZMQLITE_COMPLETE" in os.environ  # the shell asks, by way of click
    if completes or not needs_none:
        group = _load_group(words, came)
        if group is not None:
            return int(group.run(words, COMMANDS))
    if words and words[0] in VERBS:
        complain(how_to_get(words[0]))
        raise SystemExit(USAGE)
    arguments = build_parser().parse_args(words)
    code: int = arguments.run(arguments)
    return code


def _load_group(words: list[str], came: list[int]) -> Any:
    """Return the module with the click group, None where the extra is missing; load the verb, too.

    A Ctrl-C meanwhile is an end here: it may strike where Python goes on after it.
    """
    try:
        group = import_module(f"{__package__}.group")
        if words and words[0] in VERBS:
            import_module(f"{__package__}.verbs.{VERBS[words[0]].module}")
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("click", "rich"):
            raise
        group = None
    finally:
        if came:
            raise KeyboardInterrupt
    return group


def _code_of(error: Exception) -> int:
    if isinstance(error, Again):
        return TIMEOUT
    addressed = getattr(error, "operation", "").startswith(("bind", "connect"))
    wrong = isinstance(error, InvalidArgument) or (addressed and isinstance(error, NotSupported))
    return USAGE if wrong else FAILURE
