"""A proxy as an object: started, paused, resumed and stopped, in a thread or in a process.

What runs it is behind four calls, its runner: a thread here, a process (`ProcessRunner`), tasks of
an event loop (`_loops/proxies.py`). The sockets belong to it from the start to the end.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Generator, Iterable
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from importlib import import_module
from itertools import count
from typing import TYPE_CHECKING, Any, ClassVar

from .._native import core
from ..context import Context
from ..enums import SocketType
from ..error import Again, ContextTerminated, StateError, ZMQError
from ..proxy import ProxyStatistics, Steering, _counter
from ..socket import Socket

if TYPE_CHECKING:
    from typing import TypeAlias

    from typing_extensions import Self

    # A socket; or a type, where it is bound, and maybe its options.
    Where: TypeAlias = str | Iterable[str] | None
    Address: TypeAlias = tuple[int | str, Where] | tuple[int | str, Where, dict[str, Any]]
    Side: TypeAlias = core.Socket | Address

__all__ = ["Proxy", "ProxyBase"]

_numbers = count(1)
_LINGER = 1000  # ms; of sockets that a proxy has made itself
_STEP = 0.02  # seconds between looks whether the other end is still there
_NONE = ProxyStatistics(0, 0, 0, 0, 0, 0, 0, 0)


def _is_address(side: Any) -> bool:
    return isinstance(side, tuple) and 2 <= len(side) <= 3  # pyright: ignore[reportUnknownArgumentType]


class Sides:
    """The sockets of a proxy: those it was given, and those it makes and closes itself."""

    def __init__(self, sides: tuple[Any, ...]) -> None:
        for side, name in zip(sides, ("frontend", "backend", "capture"), strict=True):
            socket = isinstance(side, core.Socket) or (side is None and name == "capture")
            if not socket and not (_is_address(side)):
                raise TypeError(
                    f"Proxy() takes sockets, or addresses as ('ROUTER', 'tcp://*:5555'); "
                    f"{name} is neither: {side!r:.80}"
                )
        self.given = sides
        self.all: list[Any] = []
        self._made = ExitStack()

    def open(self, make_context: Any, end: Any = Context.term) -> None:
        """Make the sockets that are given as addresses, in the context of the others.

        If there are no others the context is made here, too, and ended by ``end``.
        """
        context: Any = next(
            (side.context for side in self.given if isinstance(side, core.Socket)), None
        )
        with ExitStack() as made:
            if context is None:
                context = make_context()
                made.callback(end, context)
            for side in self.given:
                if side is None or isinstance(side, core.Socket):
                    self.all.append(side)
                    continue
                kind, endpoint, *rest = side
                options: dict[str, Any] = {"linger": _LINGER, **(rest[0] if rest else {})}
                socket: Any = context.socket(kind, bind=endpoint, **options)
                made.callback(socket.close)
                self.all.append(socket)
            self._made = made.pop_all()

    @property
    def endpoints(self) -> tuple[tuple[str, ...], ...]:
        return tuple(side.endpoints for side in self.all if side is not None)

    def close(self, everything: bool) -> None:
        """Close what was made here; ``everything`` if the context ends."""
        if everything:
            for socket in self.all:
                if socket is not None:
                    with suppress(ZMQError):
                        socket.close()
        self._made.close()


class ThreadRunner:
    """Runs a proxy in a thread, with the loop of `proxy`."""

    def __init__(self, sides: Sides) -> None:
        self.sides = sides
        self.error: BaseException | None = None
        self.endpoints: tuple[tuple[str, ...], ...] = ()
        # entered again by a signal handler that stops it
        self._lock, self._over = threading.RLock(), threading.Event()
        self._pid, self._inside = os.getpid(), 0  # the thread that is in a call
        self._owed = 0  # answers that have not been read
        self._left = False  # the loop has ended, and answers no more
        self._totals: list[int] = []
        self._steering: Any = None

    def start(self) -> None:
        """Begin, and come back when the sockets are the proxy's."""
        self.sides.open(Context)
        self.endpoints = self.sides.endpoints
        frontend, backend, _ = self.sides.all
        with ExitStack() as unless_it_runs:
            unless_it_runs.callback(self.sides.close, False)
            make: Any = Socket
            near, far = (
                unless_it_runs.enter_context(make(frontend.context, SocketType.PAIR))
                for _ in range(2)
            )
            near.linger = far.linger = 0
            near.connect(far.bind(f"inproc://zmqlite.proxy-{next(_numbers)}-{id(self):x}"))
            self._steering = Steering(near)
            name = f"proxy of {frontend._subject()} and {backend._subject()}"
            thread = threading.Thread(target=self._run, args=(far,), name=name, daemon=True)
            unless_it_runs.push(partial(self._not_begun, thread))
            thread.start()
            self.statistics()  # it answers when it is inside
            unless_it_runs.pop_all()
        if self._left and self.error is not None:
            self._over.wait()
            raise self.error

    def _not_begun(self, thread: threading.Thread, *exc: object) -> None:
        """Ctrl-C, say, came in the middle: what runs has the sockets until it has ended."""
        if thread.ident is not None:
            self.order("terminate")
            self._over.wait()

    def _run(self, far: Any) -> None:
        ends = False
        try:
            frontend, backend, capture = self.sides.all
            core._own_proxy(frontend, backend, capture, far, self._totals)
        except ContextTerminated:
            ends = True
        except BaseException as error:
            self.error = error
        self._left = True
        with self._lock:  # first: a call that holds it may still send, since `far` is there
            self._steering.control.close()
        far.close()
        try:
            self.sides.close(ends)
        except BaseException as error:
            self.error = self.error or error
        self._over.set()

    def wait(self, seconds: float | None) -> bool:
        """Wait until it is over; return whether it is. In the child of a fork it is.

        A signal handler in the middle of another call cannot wait: it would be for itself.
        """
        if self._inside == threading.get_ident():
            seconds = 0
        return self._pid != os.getpid() or self._over.wait(seconds)

    @contextmanager
    def _call(self) -> Generator[None, None, None]:
        with self._lock:
            before, self._inside = self._inside, threading.get_ident()
            try:
                yield
            finally:
                self._inside = before

    def order(self, order: str) -> None:
        """Pause, resume or terminate; nothing if it is over."""
        with suppress(ZMQError), self._call():
            getattr(self._steering, order)()
            if order == "pause":  # nothing moves any more when it returns
                self._ask()

    def statistics(self) -> ProxyStatistics:
        """Return what was moved."""
        with suppress(ZMQError), self._call():
            return self._ask()
        self.wait(None)
        return ProxyStatistics(*self._totals) if self._totals else _NONE

    def _ask(self) -> ProxyStatistics:
        control = self._steering.control
        control.rcvtimeo = int(_STEP * 1000)
        self._owed += 1
        control.send(b"STATISTICS")
        while True:
            with suppress(Again):
                numbers = control.recv_multipart()
                self._owed -= 1
                if self._owed <= 0:  # else it is the answer to a question that was interrupted
                    return ProxyStatistics(*map(_counter, numbers))
                continue
            if self._left:
                raise StateError("the proxy is over")


class ProcessRunner:
    """Runs a proxy in a process of its own, which makes the sockets."""

    def __init__(self, sides: Sides) -> None:
        if any(isinstance(side, core.Socket) for side in sides.given):
            raise TypeError(
                "a proxy in a process makes its sockets there: give it addresses, such as "
                "('ROUTER', 'tcp://*:5555')"
            )
        self.sides = sides
        self.error: BaseException | None = None
        self.endpoints: tuple[tuple[str, ...], ...] = ()
        self._lock, self._last = threading.Lock(), _NONE
        self._process: Any = None
        self._line: Any = None

    def start(self) -> None:
        """Begin, and come back when its sockets are bound."""
        spawn = import_module("multiprocessing").get_context("spawn")
        self._line, line = spawn.Pipe()
        self._process = spawn.Process(
            target=serve, args=(line, self.sides.given), daemon=True, name="zmqlite proxy"
        )
        self._process.start()
        line.close()
        answer = self._hear()
        if answer is None:
            self.wait(None)
            raise self.error or RuntimeError("the process of the proxy did not start")
        self.endpoints = answer

    def _hear(self) -> Any:
        """Return the next answer; None if there will be none."""
        with suppress(EOFError, OSError):
            kind, value = self._line.recv()
            if kind == "answer":
                return value
            if kind == "over":
                self._last = value
            else:
                self.error = value
        return None

    def wait(self, seconds: float | None) -> bool:
        """Wait until it is over; return whether it is."""
        self._process.join(seconds)
        code = self._process.exitcode
        if code is None:
            return False
        with self._lock:
            if not self._line.closed:
                while self._line.poll(0) and self._hear() is not None:
                    pass
                self._line.close()
                if code and self.error is None:
                    self.error = RuntimeError(f"the process of the proxy ended with {code}")
        return True

    def order(self, order: str) -> None:
        """Pause, resume or terminate; nothing if it is over."""
        with self._lock, suppress(OSError, ValueError):
            self._line.send(order)
            if order != "terminate":
                self._hear()

    def statistics(self) -> ProxyStatistics:
        """Return what was moved."""
        with self._lock, suppress(OSError, ValueError):
            self._line.send("statistics")
            found = self._hear()
            if found is not None:
                self._last = found
        return self._last


class ProxyBase:
    """What the proxies of all worlds have in common; see `Proxy`."""

    _thread_runner: ClassVar[Any] = ThreadRunner  # or what runs it in an event loop

    def __init__(self, frontend: Side, backend: Side, capture: Side | None = None) -> None:
        self._runner: Any = self._thread_runner(Sides((frontend, backend, capture)))
        self._state, self._paused, self._told = "new", False, False

    @classmethod
    def in_process(
        cls, frontend: Address, backend: Address, capture: Address | None = None
    ) -> Self:
        """Return a proxy that runs in a process of its own, with sockets that are made there.

        Each side is a type, where it is bound, and maybe a dict of options (``connect`` among
        them): ``("ROUTER", "tcp://*:5555", {"rcvhwm": 100})``. Ctrl-C does not reach it; it ends
        with the process that started it. The process is spawned, so a program's main module needs
        its ``if __name__ == "__main__"``.
        """
        self = cls.__new__(cls)
        self._runner = ProcessRunner(Sides((frontend, backend, capture)))
        self._state, self._paused, self._told = "new", False, False
        return self

    def start(self) -> Self:
        """Begin to move messages, and return the proxy. From now on the sockets are its own."""
        if self._state != "new":
            raise StateError("a proxy starts once: make another one with the same sockets")
        self._state = "failed"
        self._runner.start()
        self._state = "started"
        return self

    def pause(self) -> None:
        """Stop moving messages: when it returns nothing moves any more. They wait in the sockets'
        queues, and none is lost."""
        self._order("pause")
        self._paused = True

    def resume(self) -> None:
        """Move messages again after `pause`."""
        self._order("resume")
        self._paused = False

    def statistics(self) -> ProxyStatistics:
        """Return how many messages and bytes were moved so far, in each direction."""
        return self._runner.statistics() if self._state == "started" else _NONE

    @property
    def running(self) -> bool:
        """Whether it was started and has not ended."""
        return self._state == "started" and not self._runner.wait(0)

    @property
    def paused(self) -> bool:
        """Whether it was told to pause."""
        return self._paused

    @property
    def endpoints(self) -> tuple[tuple[str, ...], ...]:
        """The endpoints of frontend, backend and capture, once it is started."""
        found: tuple[tuple[str, ...], ...] = self._runner.endpoints
        return found

    def _order(self, order: str) -> None:
        self._need_start(order)
        self._runner.order(order)

    def _need_start(self, operation: str) -> None:
        if self._state != "started":
            raise StateError(f"{operation}() of a proxy that was not started: start() it first")

    def _tell(self) -> None:
        """It is over: raise what ended it, once."""
        error = self._runner.error
        if error is not None and not self._told:
            self._told = True
            raise error


class Proxy(ProxyBase):
    """Moves messages between two sockets, both ways, in a thread of its own.

    Each side is a socket, or a type and where it is bound, such as ``("ROUTER", "tcp://*:5555")``;
    what is given so is made and closed by the proxy. ``capture`` gets a copy of every message.
    From `start` to the end the sockets belong to the proxy, and other uses raise `ThreadMisuse`.
    After `stop` they are as they were, open. When their context ends, the proxy ends and closes
    them. What goes wrong inside is raised by `wait`, `stop` or the end of the ``with``.
    """

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until it ends by itself, with its context or an error; return whether it has.

        ``timeout`` in milliseconds, None for ever. Raises what ended it.
        """
        self._need_start("wait")
        over: bool = self._runner.wait(None if timeout is None or timeout < 0 else timeout / 1000)
        if over:
            self._tell()
        return over

    def stop(self) -> None:
        """End it, and wait until it has ended. Messages that it has not taken stay in the queues.

        One in each direction may be lost: taken from one side, with no room at the other. Raises
        what ended it before, unless `wait` has done so. Nothing if it was not started.
        """
        if self._state == "started":
            self._runner.order("terminate")
            self._runner.wait(None)
            self._tell()

    def __enter__(self) -> Self:
        return self if self._state == "started" else self.start()

    def __exit__(self, kind: Any, *exc: object) -> None:
        self._told = self._told or kind is not None
        self.stop()


def serve(line: Any, given: tuple[Any, ...]) -> None:
    """Run a proxy in this process, for the parent at the other end of the line."""
    signal: Any = import_module("signal")
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # which is for the parent, who stops this
    try:
        with Proxy(*given) as proxy:
            line.send(("answer", proxy.endpoints))
            while not proxy.wait(0):
                if not line.poll(_STEP * 10):
                    continue
                order = line.recv()
                if order == "terminate":
                    break
                answer = getattr(proxy, order)()
                line.send(("answer", answer or True))
        line.send(("over", proxy.statistics()))
    except EOFError:  # the parent is gone
        pass
    except Exception as error:
        with suppress(OSError):
            line.send(("error", error))
