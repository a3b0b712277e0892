"""The sockets of zmqlite for trio: the same names; awaiting is the only difference.

    import zmqlite.trio as zmq

    async with zmq.Context() as context, context.socket(zmq.REP) as server:
        server.bind("tcp://127.0.0.1:5555")
        async for request in server:
            await server.send(request.upper())

Every data call is an async function and a checkpoint. Cancelled, it has done nothing: a receive
took no message, a send did not happen. To let other tasks run costs more than a message does, so a
call that can be done at once does it only when this pass of the run has had its share; see
`set_fairness`. How tasks wait: `_trio_link`.
"""

# pyright: reportIncompatibleMethodOverride=false
from __future__ import annotations

import json
import pickle
import warnings
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Literal, TypeVar, overload

import trio as _trio
from trio.lowlevel import current_trio_token, enable_ki_protection

from .. import constants
from .._loops.requests import AwaitedRequests
from .._native import core
from .._serialize import refuse_timeout
from ..constants import *  # noqa: F403
from ..context import Context as _Context
from .binding import budget_of_run
from .gate import GateService
from .socket import AwaitedSocket
from .socket import SocketClosed as SocketClosed
from .wakeup import Wakeup

if not TYPE_CHECKING:  # a list would hide the constants from checkers
    __all__ = ["Context", "Socket", "SocketClosed", "set_fairness"]
    __all__ += constants.__all__

_T = TypeVar("_T")
_LOSSLESS = "surrogateescape"


def set_fairness(*, seconds: float | None = None, count: int | None = None) -> None:
    """Set how much of one pass of the current run its sockets may use before other tasks run.

    A flooded socket never has to wait, so its task would never pause by itself. After ``seconds``
    (1 ms unless set) or ``count`` (4096) operations that could be done at once, the next one is a
    full checkpoint. ``count=0`` makes every call one, as trio's own are.
    """
    budget = budget_of_run()
    if seconds is not None:
        budget.seconds = seconds
    if count is not None:
        budget.count = count
    budget.reset()


class Socket(AwaitedRequests, AwaitedSocket):  # type: ignore[misc]
    """A ZeroMQ socket whose data calls are awaited; see `zmqlite.Socket` for all else.

    Any number of tasks may use it at once; those that wait for one direction are served in order.
    It belongs to the trio run that uses it and moves to another when nobody waits on it. RCVTIMEO,
    SNDTIMEO and DONTWAIT are honoured (`Again`). Closing it ends what waits with `SocketClosed`.
    """

    _repr_cls = "zmqlite.trio.Socket"
    _sleep = staticmethod(_trio.sleep)
    _new_wakeup: Any = Wakeup
    _request = enable_ki_protection(AwaitedRequests._request)
    _closed_error = SocketClosed

    async def aclose(self) -> None:
        """Close the socket. A checkpoint; closes also when cancelled."""
        self.close()
        await _trio.lowlevel.checkpoint()

    async def __aenter__(self) -> Socket:
        return self

    async def __aexit__(self, *exc: object) -> None:
        self.close()

    # -- receiving -------------------------------------------------------------------------------

    @enable_ki_protection
    async def recv_string(self, flags: int = 0, encoding: str = "utf-8") -> str:  # type: ignore[override]
        """Receive one part as text."""
        part: bytes = await self.recv(flags)
        return part.decode(encoding, _LOSSLESS)

    recv_unicode = recv_string  # type: ignore[assignment]

    @enable_ki_protection
    async def recv_strings(self, flags: int = 0, encoding: str = "utf-8") -> list[str]:  # type: ignore[override]
        """Receive all parts of a message as texts."""
        return [part.decode(encoding, _LOSSLESS) for part in await self.recv_multipart(flags)]

    @enable_ki_protection
    async def recv_json(self, flags: int = 0, **kwargs: Any) -> Any:
        """Receive one part and decode it as JSON; one that is none is consumed (`ValueError`)."""
        refuse_timeout(kwargs)
        return json.loads(await self.recv(flags), **kwargs)

    @enable_ki_protection
    async def recv_pyobj(self, flags: int = 0) -> Any:
        """Receive one part and unpickle it. Never from peers that you do not trust."""
        return pickle.loads(await self.recv(flags))

    @overload  # type: ignore[override]
    async def recv_serialized(
        self, deserialize: Callable[[list[bytes]], _T], flags: int = 0, copy: Literal[True] = True
    ) -> _T: ...
    @overload
    async def recv_serialized(
        self,
        deserialize: Callable[[list[core.Frame]], _T],
        flags: int = 0,
        *,
        copy: Literal[False],
    ) -> _T: ...
    @overload
    async def recv_serialized(
        self, deserialize: Callable[[Any], _T], flags: int = 0, copy: bool = True
    ) -> _T: ...
    @enable_ki_protection
    async def recv_serialized(
        self, deserialize: Callable[[Any], Any], flags: int = 0, copy: bool = True
    ) -> Any:
        """Receive a message and pass its parts through ``deserialize``."""
        return deserialize(await self.recv_multipart(flags, copy))

    @enable_ki_protection
    async def recv_envelope(self, flags: int = 0) -> tuple[list[bytes], list[bytes]]:  # type: ignore[override]
        """Receive a message as (envelope, body), parted behind the first empty part."""
        parts: list[bytes] = await self.recv_multipart(flags)
        cut = parts.index(b"") + 1 if b"" in parts else 0
        return parts[:cut], parts[cut:]

    # -- sending ---------------------------------------------------------------------------------

    async def send_string(  # type: ignore[override]
        self, u: str, flags: int = 0, copy: bool = True, encoding: str = "utf-8", **kwargs: Any
    ) -> core.MessageTracker | None:
        """Send text as one part; ``kwargs`` are those of `send`."""
        if not isinstance(u, str):
            raise TypeError(f"send_string() sends str, not {type(u).__name__}: use send()")
        return await self.send(u.encode(encoding, _LOSSLESS), flags, copy, **kwargs)

    send_unicode = send_string  # type: ignore[assignment]

    async def send_strings(  # type: ignore[override]
        self,
        strings: Iterable[str],
        flags: int = 0,
        copy: bool = True,
        encoding: str = "utf-8",
        **kwargs: Any,
    ) -> core.MessageTracker | None:
        """Send texts as the parts of one message."""
        if isinstance(strings, str):
            raise TypeError("send_strings() takes a list of strings: use send_string() for one")
        parts = [text.encode(encoding, _LOSSLESS) for text in strings]
        return await self.send_multipart(parts, flags, copy, **kwargs)

    async def send_json(  # type: ignore[override]
        self,
        obj: Any,
        flags: int = 0,
        *,
        routing_id: int | None = None,
        group: str | bytes | None = None,
        **kwargs: Any,
    ) -> core.MessageTracker | None:
        """Send ``json.dumps(obj, **kwargs)`` as one part."""
        data = json.dumps(obj, **kwargs).encode("utf-8", _LOSSLESS)
        return await self.send(data, flags, routing_id=routing_id, group=group)

    async def send_pyobj(  # type: ignore[override]
        self,
        obj: Any,
        flags: int = 0,
        protocol: int = pickle.DEFAULT_PROTOCOL,
        copy: bool = True,
        **kwargs: Any,
    ) -> core.MessageTracker | None:
        """Send ``pickle.dumps(obj, protocol)`` as one part; ``kwargs`` are those of `send`."""
        return await self.send(pickle.dumps(obj, protocol), flags, copy, **kwargs)

    async def send_serialized(  # type: ignore[override]
        self,
        msg: _T,
        serialize: Callable[[_T], Sequence[core.Data]],
        flags: int = 0,
        copy: bool = True,
        **kwargs: Any,
    ) -> core.MessageTracker | None:
        """Send the parts that ``serialize(msg)`` returns."""
        return await self.send_multipart(serialize(msg), flags, copy, **kwargs)


class Context(_Context[Socket]):
    """A context whose `socket` makes trio sockets; one context serves sockets of every kind.

    ``Context.shadow(other)`` gives this view of any context, for inproc between the worlds.
    """

    _socket_class = Socket
    _gate_service = GateService
    _repr_cls = "zmqlite.trio.Context"
    _instance = None

    @enable_ki_protection
    async def aclose(self) -> None:
        """Close all sockets and end the context, waiting for unsent messages as linger says.

        A checkpoint. Cancelled, it returns at once, and the rest happens in the background.
        """
        for socket in self.sockets():
            socket.close()
        ended = _trio.Event()
        token = current_trio_token()
        errors: list[BaseException] = []

        def end() -> None:
            self.term()

        def report(outcome: Any) -> None:
            try:
                outcome.unwrap()
            except BaseException as error:
                errors.append(error)
            with suppress(_trio.RunFinishedError):
                token.run_sync_soon(ended.set)

        _trio.lowlevel.start_thread_soon(end, report)
        await ended.wait()
        if errors:
            raise errors[0]

    async def __aenter__(self) -> Context:
        return self

    async def __aexit__(self, kind: Any, *exc: object) -> None:
        if kind is None:  # what an exception leaves open is no news
            for socket in self.sockets():
                message = f"leaving the context with unclosed socket {socket!r}"
                warnings.warn(message, ResourceWarning, stacklevel=2, source=socket)
        await self.aclose()
