"""A socket with callbacks in a loop of tornado.

    stream = ZMQStream(socket)
    stream.on_recv(lambda parts: print(parts))
    stream.send(b"hello")

In one pass of the loop a stream receives at most one message and sends at most one, so that a
flooded one leaves time for the others. Callbacks may be coroutines.
"""

from __future__ import annotations

import json
import pickle
import warnings
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Literal, TypeVar, overload

from tornado.ioloop import IOLoop
from tornado.log import gen_log

from ... import asyncio as _aio
from ..._loops.operations import IN, OUT
from ...error import Again, ContextTerminated, ZMQError
from ...frame import Frame, MessageTracker
from ..sugar import Socket
from ._callbacks import Caller, check_callback
from ._descriptor import Descriptor

__all__ = ["ZMQStream"]

_Part = TypeVar("_Part", bound="bytes | Frame")
_StreamT = TypeVar("_StreamT", bound="ZMQStream")
_OnSend = Callable[[list[Any], "MessageTracker | None"], object]

_DONTWAIT = 1
_LATER = 0.05  # seconds: the next try when a socket says it is ready and refuses all the same


class ZMQStream:
    """Calls back when its socket has received, and when it has sent what was queued.

    Sending never blocks: what a socket cannot take waits in a queue. An asynchronous socket is
    used through a blocking handle, with a RuntimeWarning. For use in the thread of its loop.
    """

    socket: Socket[Any]
    """The socket; None when the stream is closed."""
    io_loop: IOLoop

    def __init__(self, socket: Socket[Any], io_loop: IOLoop | None = None) -> None:
        given: Any = socket
        if isinstance(given, _aio.Socket):
            warnings.warn(
                "ZMQStream takes a blocking socket and makes a handle on this one: give it "
                "zmq.Socket(other), or make the socket with socket_class=zmq.Socket",
                RuntimeWarning,
                stacklevel=2,
            )
            socket = Socket[Any].shadow(given)
        self.socket = socket
        self.io_loop = io_loop or IOLoop.current()
        self._loop: Any = self.io_loop  # whose callbacks tornado gives no types
        self._ended = False
        self._send_queue: deque[tuple[Any, dict[str, Any]]] = deque()
        self._recv_callback: Callable[[Any], object] | None = None
        self._send_callback: Callable[..., object] | None = None
        self._close_callback: Callable[[], object] | None = None
        self._recv_copy = True
        self._flushed = False  # the callbacks have had their turn in this pass of the loop
        self._due = False  # the loop will come back
        self._refused = False  # it said that it could send, and did not
        self._caller = Caller(self, self.io_loop)
        self._descriptor = Descriptor(socket, self.close)
        self.io_loop.add_handler(self._descriptor, self._handle_events, self.io_loop.READ)

        self.bind = socket.bind
        self.bind_to_random_port = socket.bind_to_random_port
        self.connect = socket.connect
        self.setsockopt = socket.setsockopt
        self.getsockopt = socket.getsockopt
        self.setsockopt_string = socket.setsockopt_string
        self.getsockopt_string = socket.getsockopt_string
        self.setsockopt_unicode = socket.setsockopt_unicode
        self.getsockopt_unicode = socket.getsockopt_unicode

    # -- callbacks -------------------------------------------------------------------------------

    @overload
    def on_recv(
        self, callback: Callable[[list[bytes]], object] | None, copy: Literal[True] = True
    ) -> None: ...
    @overload
    def on_recv(
        self, callback: Callable[[list[Frame]], object] | None, copy: Literal[False]
    ) -> None: ...
    @overload
    def on_recv(
        self, callback: Callable[[list[_Part]], object] | None, copy: bool = True
    ) -> None: ...
    def on_recv(self, callback: Callable[[Any], object] | None, copy: bool = True) -> None:
        """Call `callback(parts)` for each message from now on; None stops receiving.

        It replaces the one before it. With ``copy=False`` the parts are Frames.
        """
        self._check_closed()
        check_callback(callback)
        self._recv_callback = callback
        self._recv_copy = copy
        self._rebuild_io_state()

    @overload
    def on_recv_stream(
        self,
        callback: Callable[[ZMQStream, list[bytes]], object] | None,
        copy: Literal[True] = True,
    ) -> None: ...
    @overload
    def on_recv_stream(
        self, callback: Callable[[ZMQStream, list[Frame]], object] | None, copy: Literal[False]
    ) -> None: ...
    @overload
    def on_recv_stream(
        self, callback: Callable[[ZMQStream, list[_Part]], object] | None, copy: bool = True
    ) -> None: ...
    def on_recv_stream(
        self, callback: Callable[[Any, Any], object] | None, copy: bool = True
    ) -> None:
        """As `on_recv`, with this stream before the message: `callback(stream, parts)`."""
        bound = None if callback is None else partial(callback, self)
        self.on_recv(bound, copy=copy)

    def on_send(self, callback: _OnSend | None) -> None:
        """Call `callback(parts, status)` for each message that is sent; None stops that.

        The status is what `Socket.send_multipart` returned, or the `ZMQError` that it raised.
        """
        self._check_closed()
        check_callback(callback)
        self._send_callback = callback

    def on_send_stream(
        self: _StreamT,
        callback: Callable[[_StreamT, list[Any], MessageTracker | None], object] | None,
    ) -> None:
        """As `on_send`, with this stream in front: `callback(stream, parts, status)`."""
        self.on_send(None if callback is None else partial(callback, self))

    def stop_on_recv(self) -> None:
        """Receive no more."""
        self.on_recv(None)

    def stop_on_send(self) -> None:
        """Call nobody when something is sent."""
        self.on_send(None)

    def on_err(self, callback: Callable[..., object]) -> None:
        """Deprecated: do nothing."""
        gen_log.warning("ZMQStream.on_err does nothing")

    def stop_on_err(self) -> None:
        """Deprecated: do nothing."""
        gen_log.warning("ZMQStream.stop_on_err does nothing")

    def set_close_callback(self, callback: Callable[[], object] | None) -> None:
        """Call `callback()` when the stream closes."""
        self._close_callback = callback

    # -- sending ---------------------------------------------------------------------------------

    def send(
        self,
        msg: Any,
        flags: int = 0,
        copy: bool = True,
        track: bool = False,
        callback: _OnSend | None = None,
        **kwargs: Any,
    ) -> None:
        """Queue a message of one part; see `send_multipart`."""
        self.send_multipart([msg], flags, copy, track, callback, **kwargs)

    def send_multipart(
        self,
        msg: Sequence[Any],
        flags: int = 0,
        copy: bool = True,
        track: bool = False,
        callback: _OnSend | None = None,
        **kwargs: Any,
    ) -> None:
        """Queue a message, to be sent in a later pass of the loop, in order.

        `callback` becomes that of `on_send`.
        """
        self._check_closed()
        self._send_queue.append((msg, {**kwargs, "flags": flags, "copy": copy, "track": track}))
        if callback is not None:
            self.on_send(callback)
        self._rebuild_io_state()

    def send_string(
        self,
        u: str,
        flags: int = 0,
        encoding: str = "utf-8",
        callback: _OnSend | None = None,
        **kwargs: Any,
    ) -> None:
        """Queue a text."""
        if not isinstance(u, str):
            raise TypeError(f"send_string() takes a str, not {type(u).__name__}")
        self.send(u.encode(encoding), flags, callback=callback, **kwargs)

    send_unicode = send_string

    def send_json(
        self, obj: Any, flags: int = 0, callback: _OnSend | None = None, **kwargs: Any
    ) -> None:
        """Queue an object as JSON."""
        self.send(json.dumps(obj).encode(), flags, callback=callback, **kwargs)

    def send_pyobj(
        self,
        obj: Any,
        flags: int = 0,
        protocol: int = -1,
        callback: _OnSend | None = None,
        **kwargs: Any,
    ) -> None:
        """Queue an object as a pickle."""
        self.send(pickle.dumps(obj, protocol), flags, callback=callback, **kwargs)

    # -- state -----------------------------------------------------------------------------------

    def receiving(self) -> bool:
        """Whether someone is called for what arrives."""
        return self._recv_callback is not None

    def sending(self) -> bool:
        """Whether something waits to be sent."""
        return bool(self._send_queue)

    def closed(self) -> bool:
        """Whether the stream is closed. It closes when its socket was closed elsewhere."""
        if not self._ended and self.socket.closed:
            self.close()
        return self._ended

    def close(self, linger: int | None = None) -> None:
        """Close the stream and its socket; what is still queued here is not sent."""
        if self._ended:
            return
        self._ended = True
        self._unwatch()
        self.socket.close(linger)
        self.socket = None  # type: ignore[assignment]
        if self._close_callback is not None:
            self._run_callback(self._close_callback)

    def flush(self, flag: int = IN | OUT, limit: int | None = None) -> int:
        """Receive and send now what can be received and sent, and return how many messages.

        `flag` says which: POLLIN, POLLOUT or both. With POLLIN, messages are received (and
        dropped) even if nobody is called for them. At most about `limit` messages, if given.
        """
        self._check_closed()
        flushed_before, self._flushed = self._flushed, False
        count = 0
        while not self._ended and not (limit and count >= limit):
            wanted = flag & IN | (flag & OUT if self.sending() else 0)
            events = self.socket._poll_events(wanted, 0) if wanted else 0
            if not events:
                break
            before = count
            if events & IN:
                count += self._handle_recv()
            if events & OUT and not self.closed() and self.sending():
                count += self._handle_send()
            if count == before:
                break  # it refused after all
        if count and not flushed_before:
            self._loop.add_callback(self._finish_flush)
        self._flushed = bool(count) or flushed_before
        self._rebuild_io_state()
        return count

    def _finish_flush(self) -> None:
        self._flushed = False

    # -- in the loop -----------------------------------------------------------------------------

    def _rebuild_io_state(self) -> None:
        """Have the loop come back if there is something to do now; else the descriptor tells.

        EVENTS are read after each use of the socket, which may have silenced the descriptor.
        """
        wanted = IN if self.receiving() else 0
        if self.sending() and not self._refused:
            wanted |= OUT
        if wanted and not self._due and self._events() & wanted:
            self._due = True
            self._loop.add_callback(self._handle_events)

    def _handle_events(self, fd: Any = 0, events: int = 0) -> None:
        """Receive one message, send one, and see whether there is more."""
        self._due = False
        ready = self._events()
        if not ready:
            return
        try:
            if ready & IN and self.receiving() and not self._flushed:
                self._handle_recv()
            if ready & OUT and not self._ended and self.sending() and not self._flushed:
                self._handle_send()
        finally:
            self._rebuild_io_state()

    def _events(self) -> int:
        """Read EVENTS, which silences the descriptor; 0 if the socket has come to an end."""
        if self._ended:
            return 0
        try:
            return self._descriptor.events()
        except ContextTerminated:
            gen_log.warning("the context of %r was terminated", self.socket)
            self._unwatch()  # such a descriptor never falls silent
        except ZMQError as error:
            gen_log.warning("a stream has a closed socket: %s", error)
            socket = self.socket
            self.closed()
            warnings.warn(
                f"events of a stream came after closing socket {socket!r}: close the stream",
                RuntimeWarning,
                stacklevel=2,
            )
        return 0

    def _handle_recv(self) -> int:
        """Receive one message and call back; return how many it were."""
        try:
            parts: Any = self.socket.recv_multipart(_DONTWAIT, copy=self._recv_copy)
        except Again:
            return 0
        if self._recv_callback is not None:
            self._run_callback(self._recv_callback, parts)
        return 1

    def _handle_send(self) -> int:
        """Send one message of the queue and call back; return how many it were."""
        parts, kwargs = self._send_queue[0]
        status: Any
        try:
            status = self.socket.send_multipart(
                parts, **{**kwargs, "flags": kwargs["flags"] | _DONTWAIT}
            )
        except ZMQError as error:
            if isinstance(error, Again) and not kwargs["flags"] & _DONTWAIT:
                # a ROUTER with ROUTER_MANDATORY, say: ready, though this one peer is full
                self._refused = True
                self._loop.call_later(_LATER, self._try_again)
                return 0
            gen_log.error("%r did not send: %s", self.socket, error)
            status = error
        except BaseException:
            self._send_queue.popleft()  # no message at all
            raise
        self._send_queue.popleft()
        if self._send_callback is not None:
            self._run_callback(self._send_callback, parts, status)
        return 1

    def _try_again(self) -> None:
        self._refused = False
        self._rebuild_io_state()

    def _run_callback(self, callback: Callable[..., object], *args: Any, **kwargs: Any) -> None:
        self._caller.call(callback, *args, **kwargs)

    def _check_closed(self) -> None:
        if self._ended:
            raise OSError("the stream is closed")

    def _unwatch(self) -> None:
        """Give the descriptor back."""
        if self._descriptor.open:
            self.io_loop.remove_handler(self._descriptor)
            self._descriptor.release()
