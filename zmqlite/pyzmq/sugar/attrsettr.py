"""Options as attributes, for classes of one's own that have `get` and `set`."""

from __future__ import annotations

from errno import EFAULT
from typing import TYPE_CHECKING, Any

from ... import constants
from ...error import ZMQError
from ...options.socket import declares

__all__ = ["AttributeSetter"]


class AttributeSetter:
    """A mixin that turns `obj.linger = 0` into `obj.set(zmq.LINGER, 0)`.

    Any constant will do, in any case. What the class defines or annotates, and what the object
    has already, goes before. The sockets and contexts of zmqlite do not need this: their options
    are attributes that the class defines.
    """

    def get(self, option: int) -> Any:
        """Return an option: for the class to define."""
        raise NotImplementedError("override in subclass")

    def set(self, option: int, value: Any) -> None:
        """Set an option: for the class to define."""
        raise NotImplementedError("override in subclass")

    def _get_attr_opt(self, name: str, opt: int) -> Any:
        """Return the option for an attribute; a class may choose another way."""
        return self.get(opt)

    def _set_attr_opt(self, name: str, opt: int, value: Any) -> None:
        """Set the option for an attribute; a class may choose another way."""
        self.set(opt, value)

    if not TYPE_CHECKING:  # checkers see misspelt names best without these

        def __getattr__(self, name: str) -> Any:
            option = None if name.startswith("_") else getattr(constants, name.upper(), None)
            if option is None:
                raise self._unknown(name)
            try:
                return self._get_attr_opt(name.upper(), option)
            except ZMQError as error:
                if error.errno not in (constants.EINVAL, EFAULT):
                    raise
                raise AttributeError(f"{name} attribute is write-only") from None

        def __setattr__(self, name: str, value: Any) -> None:
            if name.startswith("_") or name in self.__dict__ or declares(type(self), name):
                super().__setattr__(name, value)
                return
            option = getattr(constants, name.upper(), None)
            if option is None:
                raise self._unknown(name)
            self._set_attr_opt(name.upper(), option, value)

    def _unknown(self, name: str) -> AttributeError:
        return AttributeError(f"{type(self).__name__} has no such option: {name.upper()}")
