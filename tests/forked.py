"""Commands without the quarter of a second of a core that importing them takes.

A process that has imported the command line forks for each command; what a test starts is a small
program that asks it to, hands its standard streams over, passes signals on, and ends as the
command does. Only what happens before `main` is missing: tests about that, or about an odd start,
have an interpreter start. ZMQLITE_TEST_FORKED=0, as every night, has all do so.
"""

import _socket
import marshal
import os
import signal
import sys
from array import array

_STREAMS = (0, 1, 2)
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


# -- the small program: nothing else is imported -------------------------------------------------


def ask(path: str, words: list[str]) -> None:
    """Have a command run, and end as it does."""
    pending: list[int] = []
    command = 0

    def pass_on(number: int, _: object) -> None:
        if command:
            os.kill(command, number)
        else:
            pending.append(number)

    for number in _SIGNALS:
        signal.signal(number, pass_on)
    connection = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    connection.connect(path)
    connection.settimeout(0.05)
    folder = os.getcwdb()  # noqa: PTH109 - pathlib is slow to import
    facts = [os.fsencode(word) for word in words], folder, dict(os.environb)
    data = marshal.dumps(facts)
    rights = [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, array("i", _STREAMS))]
    connection.sendmsg([len(data).to_bytes(8, "little")], rights)
    connection.sendall(data)
    command = _number(connection)
    for number in pending:
        os.kill(command, number)
    code = _number(connection)
    if code < 0:
        signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code)


def _number(connection: _socket.socket) -> int:
    return int.from_bytes(_exactly(connection, 4), "little", signed=True)


def _exactly(connection: _socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        try:
            piece = connection.recv(size - len(data))
        except TimeoutError:  # a signal that came just before recv() is heard now
            continue
        if not piece:
            sys.exit("the process that forks has gone")
        data += piece
    return data


# -- the process that forks ----------------------------------------------------------------------


def serve(path: str) -> list[str]:
    """Fork for each who asks; return the words of the command, in its process.

    Ends when standard input does.
    """
    import select
    import socket
    from importlib import import_module

    from zmqlite.cli import table

    import_module("zmqlite.cli.group")
    for entry in table.VERBS.values():
        import_module(f"zmqlite.cli.verbs.{entry.module}")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(path)
        listener.listen(64)
        os.write(1, b"ready\n")
        while True:
            listens = select.select([listener, 0], [], [], 1.0)[0]
            _bury()
            if 0 in listens:
                os._exit(0)
            if listener not in listens:
                continue
            connection = listener.accept()[0]
            if os.fork():
                connection.close()
                continue
            listener.close()
            return _command(connection)


def _bury() -> None:
    """Take leave of those who have ended."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def _command(connection: _socket.socket) -> list[str]:
    """Fork the command, and tell who asked how it ends; when they have gone, it is killed."""
    import select
    import socket

    assert isinstance(connection, socket.socket)
    head, streams, _, _ = socket.recv_fds(connection, 8, len(_STREAMS))
    words, folder, environment = marshal.loads(
        _exactly(connection, int.from_bytes(head, "little"))
    )
    lives, living = os.pipe()  # its end is the end of the command
    process = os.fork()
    if not process:
        connection.close()
        os.close(lives)
        os.setsid()
        _begin(streams, folder, environment)
        return [os.fsdecode(word) for word in words]
    for number in (living, *streams, *_STREAMS):
        os.close(number)
    connection.sendall(process.to_bytes(4, "little"))
    if connection in select.select([connection, lives], [], [])[0]:
        os.kill(process, signal.SIGKILL)
    code = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    try:
        connection.sendall(code.to_bytes(4, "little", signed=True))
    finally:
        os._exit(0)


def _begin(streams: list[int], folder: bytes, environment: dict[bytes, bytes]) -> None:
    """Have the standard streams, the folder and the environment of who asked."""
    for number, stream in zip(_STREAMS, streams, strict=True):
        os.dup2(stream, number)
        os.close(stream)
    os.chdir(folder)
    os.environb.clear()
    os.environb.update(environment)
    # as an interpreter in UTF-8 mode opens them
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        errors = "backslashreplace" if number == 2 else "surrogateescape"
        stream = open(  # noqa: SIM115 - for as long as the process lives
            number, "w" if number else "r", encoding="utf-8", errors=errors, closefd=False
        )
        if number == 2:
            stream.reconfigure(line_buffering=True)
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)


if __name__ == "__main__":
    _, task, place, *rest = sys.argv
    if task == "ask":
        ask(place, rest)
    sys.argv = ["zmqlite", *serve(place)]
    from zmqlite.cli import main

    sys.exit(main())
