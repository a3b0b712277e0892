"""`request` and `reply`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import click

from ...enums import SocketType
from ...error import NoAnswer
from ...socket.requests import times_sent
from ..command import FAILURE, SUCCESS, TIMEOUT, CommandError
from ..output import write_bytes
from ..shared.asking import socket_settings
from ..shared.formats import Format, as_bytes, named
from ..shared.opening import Opening, milliseconds, state_of
from ..shared.running import Program
from ..shared.sources import MESSAGES, Source, format_settings, message_settings
from ..shared.values import COUNT, COUNT_OR_NONE, PERIOD, SIZE
from ..shared.verb import Example, option, verb

__all__ = ["reply", "request"]

Answer: TypeAlias = Callable[[list[bytes]], list[bytes]]


@verb(
    "request",
    Example("Ask once", "zmqlite request -c tcp://127.0.0.1:5558 hello"),
    Example(
        "Ask with each line of a file, and wait two seconds at most for an answer",
        "zmqlite request -c tcp://127.0.0.1:5558 -T 2 < lines.txt",
    ),
)
@message_settings
@option(
    "-r", "--retries", type=COUNT_OR_NONE, default=0, metavar="N", section=MESSAGES,
    help="Send a request again, N times at most, when --timeout is over for it.",
)  # fmt: skip
@socket_settings(SocketType.REQ, timeout="Give up when an answer takes longer: 2, 250ms.")
def request(opening: Opening, source: Source, retries: int) -> int:
    """Ask.

    Each message is a request, as with send; the answer is printed before the next is sent. The
    exit code is 124 when an answer does not come in time. With --retries that is the time for each
    try, and the server may get a request more than once.
    """
    if retries and opening.timeout is None:
        raise click.UsageError("--retries needs --timeout TIME, after which to try again")
    limit = None if opening.timeout is None else milliseconds(opening.timeout)
    with opening.open() as socket:
        opening.await_peer(socket)
        for parts in source:
            try:
                answer = socket.request(parts, timeout=limit, retries=retries)
            except NoAnswer as error:
                opening.refuse_vain(socket)
                tries = f"{times_sent(error.tries)} in {error.waited:.0f} ms"
                raise CommandError(f"no answer, {tries}{state_of(socket)}", TIMEOUT) from None
            write_bytes(source.format.line(answer))
    return SUCCESS


@verb(
    "reply",
    Example("Send every request back", "zmqlite reply -b tcp://127.0.0.1:5558 --echo"),
    Example(
        "Answer with what a command makes of the request",
        "zmqlite reply -b tcp://127.0.0.1:5558 --exec 'tr a-z A-Z'",
    ),
    Example(
        "Answer clients whose keys are in a folder, and no others",
        "zmqlite reply -b tcp://*:5558 --key-file server.key_secret --allow keys --echo",
    ),
    Example("Answer one request, and show it", "zmqlite reply -b tcp://*:5558 -n 1 -s pong"),
)
@click.argument("text", required=False, metavar="[TEXT]")
@option("--echo", is_flag=True, section=MESSAGES, help="Send each request back.")
@option(
    "-e", "--exec", "command", metavar="COMMAND", section=MESSAGES,
    help="Run this by the shell; the request is its standard input, its output the answer.",
)  # fmt: skip
@option(
    "--limit", type=SIZE, default="16MiB", metavar="SIZE", section=MESSAGES, show_default=True,
    help="The longest output of COMMAND that is an answer; one that says more has failed.",
)  # fmt: skip
@option(
    "--exec-timeout", "seconds", type=PERIOD, metavar="TIME", section=MESSAGES,
    help="How long COMMAND may take; one that takes longer is ended, and has failed.",
)  # fmt: skip
@option(
    "--fail", is_flag=True, section=MESSAGES,
    help="End with 1 when COMMAND fails, after that answer.",
)  # fmt: skip
@option("-s", "--show", is_flag=True, section=MESSAGES, help="Print the requests.")
@option("-n", "--count", type=COUNT, metavar="N", section=MESSAGES, help="End after N requests.")
@format_settings
@socket_settings(SocketType.REP, timeout="Give up when no request comes in this time.")
def reply(
    opening: Opening,
    text: str | None,
    echo: bool,
    command: str | None,
    limit: int,
    seconds: float | None,
    fail: bool,
    show: bool,
    count: int | None,
    format_name: str,
    separator: str | None,
) -> int:
    """Answer.

    With --exec, a COMMAND that succeeds answers with its standard output, without the last line
    end (with --format raw, with it). One that fails answers with two parts: its output, and
    "exit status N". Of one that says more than --limit the answer is the beginning, and
    "more output than SIZE"; of one that takes longer than --exec-timeout it is the output so far,
    and "no end within TIME".
    """
    if seconds is not None and command is None:
        raise click.UsageError("--exec-timeout is for --exec COMMAND")
    form = named(format_name, separator)
    opening.delivers = True
    program = None if command is None else Program(command, limit, form.name == "raw", seconds)
    answer = _answer(text, echo, program, form)
    with opening.open() as socket:
        left = count
        while left is None or left:
            opening.await_message(socket, "request")
            parts = socket.recv_multipart()
            if show:
                write_bytes(form.line(parts))
            socket.send_multipart(answer(parts))
            left = None if left is None else left - 1
            if fail and program is not None and program.failed:
                return FAILURE
    return SUCCESS


def _answer(text: str | None, echo: bool, program: Program | None, form: Format) -> Answer:
    """Return what answers a request."""
    if (text is not None) + echo + (program is not None) != 1:
        raise click.UsageError("say what to answer: TEXT, --echo, or --exec COMMAND")
    if text is not None:
        fixed = form.word(as_bytes(text))
        return lambda parts: fixed
    return program or (lambda parts: parts)
