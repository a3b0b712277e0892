"""Contexts and sockets as arguments of a function, made when it is called and ended after it.

@context()
@socket(zmq.PUSH)
def produce(ctx, push): ...
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from ..context import Context as _AnyContext
from .sugar.context import Context

__all__ = ("context", "socket")

_CallableT = TypeVar("_CallableT", bound=Callable[..., Any])
_Decorator = Callable[[_CallableT], _CallableT]


def context(*args: Any, name: str | None = None, **kwargs: Any) -> _Decorator[Any]:
    """Give a function a new context, as its next positional argument or as the keyword `name`.

    A str as the first argument is the name; all else goes to `Context(...)`. When the function
    ends, so does the context, as a `with` statement would have it.
    """
    name, args = _name_in(name, args)

    def make(_args: Any, _kwargs: Any) -> Any:
        return Context(*args, **kwargs)

    return _giving(make, name)


def socket(
    *args: Any, name: str | None = None, context_name: str = "context", **kwargs: Any
) -> _Decorator[Any]:
    """Give a function a new socket, as its next positional argument or as the keyword `name`.

    A str as the first argument is the name; all else goes to `Context.socket(...)`. The context
    is the function's keyword argument `context_name`, or else its first positional argument that
    is a context, or else `Context.instance()`. The socket is closed when the function ends.
    """
    name, args = _name_in(name, args)

    def make(given: tuple[Any, ...], named: dict[str, Any]) -> Any:
        home: Any = next(filter(_is_context, (named.get(context_name), *given)), None)
        if home is None:
            home = Context.instance()
        return home.socket(*args, **kwargs)

    return _giving(make, name)


def _is_context(value: object) -> bool:
    return isinstance(value, _AnyContext)


def _name_in(name: str | None, args: tuple[Any, ...]) -> tuple[str | None, tuple[Any, ...]]:
    """Take the name from the positional arguments, if it stands there."""
    if name is None and args and isinstance(args[0], str):
        return args[0], args[1:]
    return name, args


def _giving(
    make: Callable[[tuple[Any, ...], dict[str, Any]], Any], name: str | None
) -> _Decorator[Any]:
    """Return a decorator that calls the function inside `with make(args, kwargs) as thing`."""

    def decorate(function: Any) -> Any:
        @wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            if name is not None and name in kwargs:
                raise TypeError(f"{function.__name__}() got multiple values for argument {name!r}")
            with make(args, kwargs) as thing:
                if name is None:
                    return function(*args, thing, **kwargs)
                return function(*args, **kwargs, **{name: thing})

        return wrapper

    return decorate
