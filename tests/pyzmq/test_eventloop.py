"""The modules of pyzmq's event loops: what they are, and when they are loaded."""

from __future__ import annotations

import subprocess
import sys
import warnings
from collections.abc import Callable
from typing import Any

import pytest
from pyzmq.conftest import OURS

Tree = Callable[[str], Any]


def test_green_streams(tree: Tree) -> None:
    pytest.importorskip("gevent")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # pyzmq goes through its own ioloop
        module = tree("green.eventloop.zmqstream")
    assert issubclass(module.ZMQStream, tree("eventloop.zmqstream").ZMQStream)


@pytest.mark.parametrize("name", ["zmq", OURS[0]])
def test_ioloop_is_deprecated(name: str) -> None:
    code = f"""
import warnings
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    import {name}.eventloop.ioloop as ioloop
    ioloop.install()
import tornado.ioloop, {name}.eventloop
assert ioloop.ZMQIOLoop is ioloop.IOLoop is tornado.ioloop.IOLoop is {name}.eventloop.IOLoop
print([entry.category.__name__ for entry in caught])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['DeprecationWarning', 'DeprecationWarning']"


def test_tornado_is_loaded_when_it_is_used() -> None:
    code = """
import sys
import zmqlite.pyzmq.asyncio, zmqlite.pyzmq.eventloop, zmqlite.pyzmq.auth.thread
assert "tornado" not in sys.modules and "gevent" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)
