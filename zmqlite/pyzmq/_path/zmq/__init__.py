"""Found as `zmq` by way of PYTHONPATH or sys.path: hand the name over to `zmqlite.pyzmq`.

Another Python than the one that set PYTHONPATH may find this too. Where no zmqlite can be loaded,
it steps aside for whatever `zmq` comes next on the path.
"""

import os
import sys
from importlib import import_module, util

_HERE = os.path.abspath(os.path.dirname(__file__))  # noqa: PTH100, PTH120 - pathlib is slow to load
_PACKAGE = os.path.abspath(os.path.join(_HERE, *[os.pardir] * 3))  # noqa: PTH100, PTH118
_HOST, _GUEST = "zmqlite", "zmqlite.pyzmq"


def _load_from_here() -> None:
    """Import the zmqlite around this file, which this Python does not find by itself."""
    file = os.path.join(_PACKAGE, "__init__.py")  # noqa: PTH118
    spec = util.spec_from_file_location(_HOST, file, submodule_search_locations=[_PACKAGE])
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[_HOST] = util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[_HOST]
        raise


def _hand_over(name: str) -> None:
    """Put the guest room, or else the next `zmq` on the path, where this module stands."""
    try:
        if util.find_spec(_HOST) is None:
            _load_from_here()
        guest = import_module(_GUEST)
    except (ImportError, OSError):  # not built for this Python, or half of it is gone
        del sys.modules[name]
        folder = os.path.normcase(os.path.dirname(_HERE))  # noqa: PTH120
        sys.path[:] = [
            entry
            for entry in sys.path
            if os.path.normcase(os.path.abspath(entry)) != folder  # noqa: PTH100
        ]
        import_module(name)
    else:
        del sys.modules[name]
        guest.install()
        import_module(name)


def __getattr__(name: str) -> object:
    """Pass on what a thread asks that got hold of this module while it was handing over."""
    return getattr(sys.modules[__name__], name)


if __name__ == "zmq":  # and not when someone walks through the modules of zmqlite
    _hand_over(__name__)
