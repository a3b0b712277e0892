"""Sending and receiving what is not bytes yet: text, JSON, pickles, and formats of your own.

Written once for every kind of socket. What sends ends in `send` and `send_multipart`, what
receives in `_receive` and `_receive_parts`: a call returns what those return, a value, a Future or
a coroutine, and what they say about blocking, flags, threads and errors holds here.

Text is UTF-8 with `surrogateescape`: any bytes become a string and come back the same, so the
identity that a ROUTER receives may be read and sent back as text.
"""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from operator import methodcaller
from typing import Any, Literal, TypeVar, overload

from ._native import core

__all__ = ["PayloadSocket"]

_T = TypeVar("_T")
_LOSSLESS = "surrogateescape"
_as_text = core.as_text


class PayloadSocket(core.Socket):
    """The half of `Socket` that converts; see `Socket`."""

    def send_string(
        self,
        u: str,
        flags: int = 0,
        copy: bool = True,
        encoding: str = "utf-8",
        **kwargs: Any,
    ) -> core.MessageTracker | None:
        """Send text as one part; `kwargs` are those of `send`."""
        if not isinstance(u, str):
            raise TypeError(f"send_string() sends str, not {type(u).__name__}: use send()")
        if encoding != "utf-8":
            _check_encoding("send_string", encoding)
        data = u.encode(encoding, _LOSSLESS)
        return self.send(data, flags, copy, **kwargs) if kwargs else self.send(data, flags, copy)

    def recv_string(self, flags: int = 0, encoding: str = "utf-8") -> str:
        """Receive one part as text."""
        convert: Callable[[bytes], str] = _as_text
        if encoding != "utf-8":
            _check_encoding("recv_string", encoding)
            convert = methodcaller("decode", encoding, _LOSSLESS)
        return self._receive(convert, flags)

    send_unicode = send_string
    recv_unicode = recv_string

    def send_strings(
        self,
        strings: Iterable[str],
        flags: int = 0,
        copy: bool = True,
        encoding: str = "utf-8",
        **kwargs: Any,
    ) -> core.MessageTracker | None:
        """Send texts as the parts of one message; `kwargs` are those of `send_multipart`."""
        if isinstance(strings, str):
            raise TypeError("send_strings() takes a list of strings: use send_string() for one")
        if not hasattr(strings, "__iter__"):
            kind = type(strings).__name__
            raise TypeError(f"send_strings() takes a list of strings, not {kind!r}")
        if encoding != "utf-8":
            _check_encoding("send_strings", encoding)
        parts = [_encoded(text, encoding) for text in strings]
        return self.send_multipart(parts, flags, copy, **kwargs)

    def recv_strings(self, flags: int = 0, encoding: str = "utf-8") -> list[str]:
        """Receive all parts of a message as texts."""
        if encoding == "utf-8":
            return self._receive_parts(core.as_texts, flags)
        _check_encoding("recv_strings", encoding)

        def texts(parts: list[bytes]) -> list[str]:
            return [part.decode(encoding, _LOSSLESS) for part in parts]

        return self._receive_parts(texts, flags)

    def send_json(
        self,
        obj: Any,
        flags: int = 0,
        *,
        routing_id: int | None = None,
        group: str | bytes | None = None,
        **kwargs: Any,
    ) -> core.MessageTracker | None:
        """Send `json.dumps(obj, **kwargs)` as one part."""
        if "timeout" in kwargs:
            raise TypeError(
                "send_json() got an unexpected keyword argument 'timeout': "
                "set sndtimeo on the socket (in ms), or wait with poll(ms, POLLOUT) before"
            )
        data = json.dumps(obj, **kwargs).encode("utf-8", _LOSSLESS)
        return self.send(data, flags, routing_id=routing_id, group=group)

    def recv_json(self, flags: int = 0, **kwargs: Any) -> Any:
        """Receive one part and return `json.loads(part, **kwargs)`.

        Raises `ValueError` (`json.JSONDecodeError`) for a part that is no JSON; it is consumed.
        """
        if not kwargs:
            return self._receive(json.loads, flags)
        if "timeout" in kwargs:  # json would refuse it with the part consumed
            raise TypeError(
                "recv_json() got an unexpected keyword argument 'timeout': "
                "set rcvtimeo on the socket (in ms), or wait with poll(ms) before"
            )
        if kwargs and "cls" not in kwargs:
            try:
                json.JSONDecoder(**kwargs)
            except TypeError as error:
                raise TypeError(f"recv_json() hands its keywords to json: {error}") from None
        return self._receive(partial(json.loads, **kwargs), flags)

    def send_pyobj(
        self,
        obj: Any,
        flags: int = 0,
        protocol: int = pickle.DEFAULT_PROTOCOL,
        copy: bool = True,
        **kwargs: Any,
    ) -> core.MessageTracker | None:
        """Send `pickle.dumps(obj, protocol)` as one part; `kwargs` are those of `send`."""
        return self.send(pickle.dumps(obj, protocol), flags, copy, **kwargs)

    def recv_pyobj(self, flags: int = 0) -> Any:
        """Receive one part and unpickle it. Never do this with peers you do not trust:

        unpickling runs whatever code the sender put in.
        """
        return self._receive(pickle.loads, flags)

    def send_serialized(
        self,
        msg: _T,
        serialize: Callable[[_T], Sequence[core.Data]],
        flags: int = 0,
        copy: bool = True,
        **kwargs: Any,
    ) -> core.MessageTracker | None:
        """Send the parts that `serialize(msg)` returns; `kwargs` are those of `send_multipart`."""
        if not callable(serialize):
            raise TypeError(
                "send_serialized() takes a function that makes a list of parts, "
                f"not {type(serialize).__name__!r}"
            )
        return self.send_multipart(serialize(msg), flags, copy, **kwargs)

    @overload
    def recv_serialized(
        self, deserialize: Callable[[list[bytes]], _T], flags: int = 0, copy: Literal[True] = True
    ) -> _T: ...
    @overload
    def recv_serialized(
        self,
        deserialize: Callable[[list[core.Frame]], _T],
        flags: int = 0,
        *,
        copy: Literal[False],
    ) -> _T: ...
    @overload
    def recv_serialized(
        self, deserialize: Callable[[Any], _T], flags: int = 0, copy: bool = True
    ) -> _T: ...
    def recv_serialized(
        self, deserialize: Callable[[Any], Any], flags: int = 0, copy: bool = True
    ) -> Any:
        """Receive all parts of a message and return `deserialize(parts)`."""
        if not callable(deserialize):  # it would be found out with the message consumed
            raise TypeError(
                "recv_serialized() takes a function of the list of parts, "
                f"not {type(deserialize).__name__!r}"
            )
        return self._receive_parts(deserialize, flags, copy)

    def recv_envelope(self, flags: int = 0) -> tuple[list[bytes], list[bytes]]:
        """Receive a message and return (envelope, body), parted at the first empty part.

        The envelope ends with that empty part, so that `send_multipart(envelope + reply)`
        answers whom it came from. Without one, all of the message is body.
        """
        return self._receive_parts(_part_envelope, flags)


def _encoded(text: str, encoding: str) -> bytes:
    if not isinstance(text, str):
        raise TypeError(
            f"send_strings() sends texts, not {type(text).__name__}: "
            "use send_multipart() for parts of bytes"
        )
    return text.encode(encoding, _LOSSLESS)


def _check_encoding(operation: str, encoding: object) -> None:
    """Refuse what is no encoding before a message is received: it would be consumed."""
    try:
        "".encode(encoding)  # type: ignore[arg-type]
    except TypeError:
        raise TypeError(
            f"{operation}() takes the name of an encoding, such as 'utf-8', not {encoding!r:.80}"
        ) from None
    except LookupError as error:
        raise LookupError(f"{operation}(): {error}") from None


def _part_envelope(parts: list[bytes]) -> tuple[list[bytes], list[bytes]]:
    cut = parts.index(b"") + 1 if b"" in parts else 0
    return parts[:cut], parts[cut:]
