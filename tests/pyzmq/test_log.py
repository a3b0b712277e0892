"""Logging over PUB: topics and texts on the wire, and the command that shows them."""

from __future__ import annotations

import logging
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pyzmq.conftest import LIMIT
from support import FACTOR, wait_until

import zmqlite as zmq
from zmqlite.pyzmq.log.handlers import PUBHandler, TopicLogger

ROOT = Path(zmq.__file__).parents[1]


class Wire:
    """A PUB socket and what hears it."""

    def __init__(self, context: Any, lib: Any) -> None:
        self.pub, self.sub = context.socket(lib.PUB), context.socket(lib.SUB)
        self.sub.rcvtimeo = LIMIT
        self.sub.subscribe(b"")
        self.pub.bind("inproc://log")
        self.sub.connect("inproc://log")
        wait_until(self.heard)

    def heard(self) -> Any:
        self.pub.send(b"is anybody there?")
        while self.sub.poll(10):
            self.sub.recv()
            if not self.sub.poll(0):
                return True
        return False

    def logger(self, handler: logging.Handler) -> logging.Logger:
        logger = logging.Logger("test", logging.DEBUG)
        logger.addHandler(handler)
        return logger


@pytest.fixture
def wire(tree: Any, tree_ctx: Any) -> Wire:
    return Wire(tree_ctx, tree(""))


def test_topics_and_texts(tree: Any, wire: Wire) -> None:
    handler = tree("log.handlers").PUBHandler(wire.pub)
    log = wire.logger(handler)
    log.info("hello %s", "world")
    assert wire.sub.recv_multipart() == [b"INFO", b"hello world\n"]
    log.info("sub::hello")
    assert wire.sub.recv_multipart() == [b"INFO.sub", b"hello\n"]
    log.warning("a::b::c")
    topic, text = wire.sub.recv_multipart()
    assert topic == b"WARNING.a"
    assert text.startswith(b"WARNING test_log.py:")
    assert text.endswith(b" - b::c\n")
    log.info(ValueError("an object"))  # type: ignore[arg-type]
    assert wire.sub.recv_multipart() == [b"INFO", b"an object\n"]
    try:
        raise KeyError("why")
    except KeyError:
        log.exception("failed")
    topic, text = wire.sub.recv_multipart()
    assert topic == b"ERROR"
    assert b"Traceback" in text
    assert b"KeyError: 'why'" in text


def test_root_topics(tree: Any, wire: Wire) -> None:
    handler = tree("log.handlers").PUBHandler(wire.pub, root_topic="app")
    log = wire.logger(handler)
    log.info("a")
    assert wire.sub.recv_multipart()[0] == b"app.INFO"
    handler.setRootTopic(b"bytes")
    log.info("sub::a")
    assert wire.sub.recv_multipart()[0] == b"bytes.INFO.sub"
    handler.root_topic = "é"
    assert handler.root_topic == "é"
    log.info("a")
    assert wire.sub.recv_multipart()[0] == "é.INFO".encode()


def test_formats(tree: Any, wire: Wire) -> None:
    handler = tree("log.handlers").PUBHandler(wire.pub)
    log = wire.logger(handler)
    handler.setFormatter(logging.Formatter("all: %(message)s"))
    handler.setFormatter(logging.Formatter("debug: %(message)s"), logging.DEBUG)
    log.debug("a")
    assert wire.sub.recv_multipart()[1] == b"debug: a"
    log.critical("a")
    assert wire.sub.recv_multipart()[1] == b"all: a"


def test_a_handler_that_binds(tree: Any, tree_ctx: Any) -> None:
    lib = tree("")
    handler = tree("log.handlers").PUBHandler("tcp://127.0.0.1:*", tree_ctx)
    assert handler.ctx is tree_ctx
    assert handler.socket.type == lib.PUB
    assert handler.socket.last_endpoint.startswith(b"tcp://127.0.0.1:")


def test_a_level_of_ones_own(our_ctx: Any, ours: Any) -> None:
    """pyzmq prints a KeyError and the record is lost."""
    wire = Wire(our_ctx, ours)
    handler = PUBHandler(wire.pub)
    wire.logger(handler).log(25, "between")
    assert wire.sub.recv_multipart() == [b"Level 25", b"between\n"]


def test_the_methods_of_topic_logger() -> None:
    """D6: in pyzmq only `log` works."""
    with zmq.Context() as context:
        wire = Wire(context, zmq)
        log = TopicLogger("topics", logging.DEBUG)
        log.addHandler(PUBHandler(wire.pub))
        for name in ("debug", "info", "warning", "warn", "error", "critical", "fatal"):
            getattr(log, name)("disk", "%d %% full", 90)
            topic, text = wire.sub.recv_multipart()
            assert topic.endswith(b".disk")
            assert b"90 % full" in text
        log.log(logging.INFO, "disk", "%s", "text")
        assert wire.sub.recv_multipart() == [b"INFO.disk", b"text\n"]
        try:
            raise KeyError("why")
        except KeyError:
            log.exception("disk", "failed")
        topic, text = wire.sub.recv_multipart()
        assert topic == b"ERROR.disk"
        assert b"KeyError" in text
        wire.pub.close()
        wire.sub.close()


def test_close_ends_the_handlers_own_socket() -> None:
    with zmq.Context() as context, context.socket(zmq.PUB) as given:
        own = PUBHandler("inproc://own", context)  # type: ignore[arg-type]
        own.close()
        assert own.socket.closed
        PUBHandler(given).close()  # type: ignore[arg-type]
        assert not given.closed
        assert not context.closed


def test_close_ends_the_handlers_own_context() -> None:
    own = PUBHandler("inproc://own")
    own.close()
    assert own.socket.closed
    assert own.ctx.closed
    own.close()


def test_close_does_not_wait_for_what_others_keep_open() -> None:
    own = PUBHandler("tcp://127.0.0.1:*")
    with own.ctx.socket(zmq.PAIR):  # kept open by someone: the context cannot end
        own.close()
        assert own.socket.closed
    own.ctx.term()
    assert own.ctx.closed


# -- the command ----------------------------------------------------------------------------------


@pytest.fixture
def publisher() -> Iterator[Any]:
    with zmq.Context() as context, context.socket(zmq.XPUB, linger=0) as pub:
        pub.rcvtimeo = int(20_000 * FACTOR)
        yield pub


def shown(publisher: Any, package: str, messages: list[list[bytes]], *words: str) -> str:
    """Return what the command prints of some records before Ctrl-C."""
    endpoint = publisher.bind("tcp://127.0.0.1:*")
    command = subprocess.Popen(
        [sys.executable, "-u", "-m", f"{package}.log", str(endpoint), *words],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT,
    )  # fmt: skip
    assert command.stdout is not None
    try:
        assert publisher.recv()[:1] == b"\1"  # it has subscribed
        for message in messages:
            publisher.send_multipart(message)
        lines = [command.stdout.readline() for _ in messages]
        command.send_signal(signal.SIGINT)
        out, err = command.communicate(timeout=20 * FACTOR)
    finally:
        command.kill()
        command.communicate()
    assert (command.returncode, err) == (0, "")
    return "".join([*lines, out])


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGINT")
@pytest.mark.parametrize("package", ["zmq", "zmqlite.pyzmq"])
def test_the_command_shows_records(publisher: Any, package: str) -> None:
    records = [[b"root.INFO.sub", b"hello\n"], [b"b", b"no newline"]]
    assert shown(publisher, package, records) == "root.INFO.sub | hello\nb | no newline\n"


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGINT")
@pytest.mark.parametrize("package", ["zmq", "zmqlite.pyzmq"])
def test_the_command_filters_and_dates(publisher: Any, package: str) -> None:
    records = [[b"other", b"unseen"], [b"mine", b"seen"]]
    words = ["--topic", "mine", "--timestamp", "--dateformat", "year %Y", "--separator", " > "]
    out = shown(publisher, package, records[1:], *words)
    assert out.startswith("year 2")
    assert out.endswith(" mine > seen\n")


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGINT")
def test_the_command_aligns_and_colors(publisher: Any) -> None:
    records = [[b"app.ERROR.disk", b"full\n"], [b"x", b"plain\n"]]
    out = shown(publisher, "zmqlite.pyzmq", records, "--align", "--color")
    assert out == "\x1b[31mapp.ERROR.disk | full\x1b[0m\nx              | plain\n"
