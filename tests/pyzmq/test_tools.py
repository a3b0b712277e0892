"""The small modules: utils, decorators, backend, versions, the key generator, the draft types."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support import FACTOR, needs_curve, wait_until

import zmqlite
import zmqlite.pyzmq

ROOT = Path(zmqlite.__file__).parents[1]


def run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *words], capture_output=True, text=True, check=False,
        timeout=30 * FACTOR, cwd=ROOT,
    )  # fmt: skip


# -- utils ----------------------------------------------------------------------------------------


def test_z85(tree: Any) -> None:
    z85 = tree("utils.z85")
    assert z85.encode(b"\x86\x4f\xd2\x6f\xb5\x59\xf7\x5b") == b"HelloWorld"
    assert (
        z85.decode(b"HelloWorld")
        == z85.decode("HelloWorld")
        == b"\x86\x4f\xd2\x6f\xb5\x59\xf7\x5b"
    )
    with pytest.raises(ValueError, match="4"):
        z85.encode(b"abc")
    with pytest.raises(ValueError, match="5"):
        z85.decode(b"abc")
    with pytest.raises(TypeError):
        z85.encode("abcd")
    assert len(z85.Z85CHARS) == len(set(z85.Z85CHARS)) == 85
    assert [z85.encode(bytes([0, 0, 0, n]))[-1] for n in range(85)] == list(z85.Z85CHARS)
    assert z85.Z85MAP[z85.Z85CHARS[84]] == 84


def test_jsonapi(tree: Any) -> None:
    jsonapi = tree("utils.jsonapi")
    assert jsonapi.dumps({"a": [1, "é"]}) == b'{"a": [1, "\\u00e9"]}'
    assert jsonapi.dumps([1], indent=1) == b"[\n 1\n]"
    assert jsonapi.loads(b'{"a": 1}') == jsonapi.loads('{"a": 1}') == {"a": 1}
    assert jsonapi.jsonmod is json


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_strtypes(tree: Any) -> None:
    strtypes = tree("utils.strtypes")
    for encode in (strtypes.cast_bytes, strtypes.b, strtypes.asbytes):
        assert encode("é") == encode("é".encode()) == "é".encode()
    for decode in (strtypes.cast_unicode, strtypes.u):
        assert decode("é".encode()) == decode("é") == "é"
    assert strtypes.cast_bytes("é", "latin-1") == b"\xe9"
    assert strtypes.cast_unicode(b"\xff", errors="replace") == "\ufffd"
    for cast in (strtypes.cast_bytes, strtypes.cast_unicode):
        with pytest.raises(TypeError):
            cast(5)
    assert (strtypes.bytes, strtypes.unicode, strtypes.basestring) == (bytes, str, (str,))


def test_interop(tree: Any) -> None:
    cast_int_addr = tree("utils.interop").cast_int_addr
    assert (cast_int_addr(5), cast_int_addr(0)) == (5, 0)
    for wrong in (None, "x", 1.5):
        with pytest.raises(ValueError, match=r"(?i)cast|expected"):
            cast_int_addr(wrong)
    import cffi

    ffi = cffi.FFI()
    assert cast_int_addr(ffi.cast("void *", 4096)) == 4096


def test_allow_interrupt_is_a_context_manager(tree: Any) -> None:
    with tree("utils.win32").allow_interrupt(lambda: None) as nothing:
        assert nothing is None
    with tree("utils.win32").allow_interrupt():
        pass


def test_garbage_collector(tree: Any, tree_ctx: Any) -> None:
    zmq, gc = tree(""), tree("utils.garbage").gc
    one, other = tree_ctx.socket(zmq.PAIR), tree_ctx.socket(zmq.PAIR)
    one.bind("inproc://garbage")
    other.connect("inproc://garbage")
    body = b"x" * 100_000
    tracker = one.send(body, copy=False, track=True)
    assert [ref.obj for ref in gc.refs.values() if ref.obj is body] == [body]
    other.recv()
    tracker.wait(5)
    wait_until(lambda: all(ref.obj is not body for ref in gc.refs.values()))
    gc.stop()
    assert not gc.is_alive()


def test_the_collector_shows_what_libzmq_reads() -> None:
    zmq, gc = zmqlite.pyzmq, zmqlite.pyzmq.utils.garbage.gc
    before = set(gc.refs)  # a libzmq without our patches may keep what earlier tests sent

    def shown() -> list[Any]:
        return [gc.refs[key].obj for key in gc.refs if key not in before]

    small, buffer = bytes(20), bytearray(b"y" * 100_000)
    frames = [zmq.Frame(small, copy=False), zmq.Frame(buffer, copy=False)]
    assert len(shown()) == 2
    assert shown().count(small) == shown().count(None) == 1
    assert "gcref(obj=b'" in repr(gc.refs)
    frames.pop()
    assert shown() == [small]
    frames.pop()
    assert not shown()
    with pytest.raises(KeyError):
        gc.refs[0]


@pytest.mark.filterwarnings("ignore:zmq.Stopwatch is deprecated")
def test_stopwatch(tree: Any) -> None:
    watch = tree("").Stopwatch()
    watch.start()
    first = watch.stop()
    assert isinstance(first, int)
    wait_until(lambda: watch.stop() > 1000)
    watch.start()
    assert watch.stop() >= 0


def test_attribute_setter(tree: Any) -> None:
    zmq = tree("")

    class Own(tree("sugar.attrsettr").AttributeSetter):  # type: ignore[misc]
        declared: int

        def __init__(self) -> None:
            self.declared = 5
            self.__dict__["options"] = {}

        def get(self, option: int) -> Any:
            if option == zmq.MECHANISM:
                raise zmq.ZMQError(zmq.EINVAL)
            return self.options[option]

        def set(self, option: int, value: Any) -> None:
            self.options[option] = value

    own = Own()
    own.linger = 7
    assert own.LINGER == own.linger == 7
    assert own.options == {zmq.LINGER: 7}
    with pytest.raises(AttributeError):
        own.mechanism  # noqa: B018
    with pytest.raises(AttributeError):
        own.nonsense = 1
    with pytest.raises(AttributeError):
        own.nonsense  # noqa: B018


# -- versions and backend -------------------------------------------------------------------------


def test_versions(tree: Any) -> None:
    zmq, version = tree(""), tree("sugar.version")
    assert zmq.__version__ == zmq.pyzmq_version() == "27.3.0"
    assert zmq.pyzmq_version_info() == version.version_info == (27, 3, 0)
    assert zmq.pyzmq_version_info() >= (25,)
    assert (version.VERSION_MAJOR, version.VERSION_MINOR, version.VERSION_PATCH) == (27, 3, 0)
    assert zmq.zmq_version() == ".".join(map(str, zmq.zmq_version_info()))
    assert zmq.zmq_version_info() >= (4, 3, 4)


def test_backend(tree: Any) -> None:
    zmq, backend, select = tree(""), tree("backend"), tree("backend.select")
    assert set(backend.__all__) == set(select.public_api)
    assert set(select.select_backend(backend.__name__ + ".cython")) >= set(select.public_api)
    with pytest.raises((ImportError, AttributeError)):
        select.select_backend("json")
    assert issubclass(zmq.Socket, backend.Socket)
    assert issubclass(zmq.Context, backend.Context)
    assert issubclass(zmq.Frame, backend.Frame)


@needs_curve
def test_what_libzmq_has(zmq: Any) -> None:
    for name in ("ipc", "curve"):
        assert zmq.has(name) is True
    assert zmq.has("no such thing") is False


@needs_curve
def test_curve_keys(zmq: Any) -> None:
    public, secret = zmq.curve_keypair()
    assert (len(public), len(secret)) == (40, 40)
    assert zmq.curve_public(secret) == public == zmq.curve_public(secret.decode())
    with pytest.raises(ValueError, match="40"):
        zmq.curve_public(b"short")


def test_where_to_compile(zmq: Any) -> None:
    assert len(zmq.get_includes()) >= 2
    assert all(Path(folder).is_dir() for folder in zmq.get_includes())
    [folder] = zmq.get_library_dirs()
    assert Path(folder).is_dir()


# -- command line ---------------------------------------------------------------------------------


@needs_curve
@pytest.mark.parametrize("package", ["zmq", "zmqlite.pyzmq"])
def test_key_generator(package: str) -> None:
    lines = run(f"{package}.curve_keygen").stdout.splitlines()
    assert lines[0] == "== CURVE PUBLIC KEY =="
    assert lines[3] == "== CURVE SECRET KEY =="
    public, secret = lines[1], lines[4]
    assert zmqlite.curve_public(secret).decode() == public
    given = f"--secret={secret}"  # a key may begin with a dash
    made = json.loads(run(f"{package}.curve_keygen", "--json", given).stdout)
    assert made == {"public": public, "secret": secret}
    assert run(f"{package}.curve_keygen", "--secret", "short").returncode != 0


# -- decorators -----------------------------------------------------------------------------------


@pytest.fixture
def instance(tree: Any) -> Iterator[Any]:
    yield tree("").Context.instance()
    tree("").Context.instance().destroy(linger=0)


def test_decorators_append_or_name(tree: Any) -> None:
    zmq, decorators = tree(""), tree("decorators")

    @decorators.context()
    @decorators.socket(zmq.PUB)
    @decorators.socket(zmq.SUB, name="sub")
    def function(*args: Any, **kwargs: Any) -> Any:
        return args, kwargs

    args, kwargs = function(1, x=2)
    assert args[0] == 1
    assert isinstance(args[1], zmq.Context)
    assert args[2].type == zmq.PUB
    assert set(kwargs) == {"x", "sub"}
    assert args[1].closed
    assert args[2].closed
    assert kwargs["sub"].closed
    assert function.__name__ == "function"


def test_decorators_find_the_context(tree: Any, tree_ctx: Any, instance: Any) -> None:
    zmq, decorators = tree(""), tree("decorators")

    @decorators.context("ctx", 2)
    @decorators.socket("pub", zmq.PUB, context_name="ctx")
    def named(ctx: Any, pub: Any) -> Any:
        assert ctx.io_threads == 2
        return pub.context is ctx

    assert named()
    with pytest.raises(TypeError, match="ctx"):
        named(ctx=1)

    @decorators.socket(zmq.PUB)
    def positional(ctx: Any, pub: Any) -> Any:
        return pub.context is ctx

    assert positional(tree_ctx)

    @decorators.socket(zmq.PUB)
    def default(pub: Any) -> Any:
        return pub.context is instance

    assert default()

    class Method:
        @decorators.context(name="c", io_threads=3)
        @decorators.socket("s", zmq.PUB, context_name="c")
        def method(self, c: Any, s: Any) -> Any:
            assert isinstance(self, Method)
            return c.io_threads, s.context is c

    assert Method().method() == (3, True)


def test_a_decorated_function_may_raise(tree: Any) -> None:
    zmq, decorators = tree(""), tree("decorators")
    seen: list[Any] = []

    @decorators.context()
    @decorators.socket(zmq.PUB)
    def function(ctx: Any, pub: Any) -> None:
        seen.extend([ctx, pub])
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        function()
    assert all(thing.closed for thing in seen)


# -- drafts ---------------------------------------------------------------------------------------


def test_draft_names_are_always_there(zmq: Any) -> None:
    assert [zmq.SERVER, zmq.CLIENT, zmq.RADIO, zmq.DISH, zmq.CHANNEL] == [12, 13, 14, 15, 20]
    assert zmq.HELLO_MSG == 110


def test_draft_sockets_work_where_libzmq_has_them(our_ctx: Any, ours: Any) -> None:
    """In pyzmq's wheels they can be made and not used."""
    if not ours.DRAFT_API:
        with pytest.raises(ours.ZMQError):  # a distribution's libzmq may let it be made at least
            our_ctx.socket(ours.SERVER).send(b"you", routing_id=1)
        return
    server, client = our_ctx.socket(ours.SERVER), our_ctx.socket(ours.CLIENT)
    server.bind("inproc://drafts")
    client.connect("inproc://drafts")
    client.send(b"hello")
    frame = server.recv(copy=False)
    server.send(b"you", routing_id=frame.routing_id)
    assert client.recv() == b"you"
    radio, dish = our_ctx.socket(ours.RADIO), our_ctx.socket(ours.DISH)
    dish.bind("inproc://radio")
    dish.join("news")
    radio.connect("inproc://radio")

    def arrives() -> Any:  # what is sent before the dish has said what it wants is lost
        radio.send(b"hello", group="news")
        return dish.poll(10)

    wait_until(arrives)
    frame = dish.recv(copy=False)
    assert (frame.bytes, frame.group) == (b"hello", "news")


# -- imports --------------------------------------------------------------------------------------


@pytest.mark.parametrize("module", ["", "devices", "ssh", "ssh.tunnel", "log.handlers",
                                    "decorators",
                                    "utils.monitor", "utils.garbage"])  # fmt: skip
def test_imports_ask_for_nothing_optional(module: str) -> None:
    """Tornado, gevent, paramiko and pexpect are for those who use what needs them."""
    name = f"zmqlite.pyzmq.{module}".rstrip(".")
    code = (
        "import sys\n"
        "for name in ('tornado', 'gevent', 'paramiko', 'pexpect', 'trio', 'zmq'):\n"
        "    sys.modules[name] = None\n"
        f"import {name}\n"
        "print('asyncio' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False,
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout == "False\n"


def test_the_descriptor_of_a_draft_socket_is_emulated(our_ctx: Any, ours: Any) -> None:
    if not ours.DRAFT_API:
        pytest.skip("this libzmq was built without drafts")
    server, client = our_ctx.socket(ours.SERVER), our_ctx.socket(ours.CLIENT)
    server.bind("inproc://drafts")
    client.connect("inproc://drafts")
    with pytest.warns(ours.DraftFDWarning, match="EVENTS") as told:
        descriptor = server.fileno()
    assert told[0].filename == __file__
    assert server.fd == server.get(ours.FD) == descriptor, "it is made, and told, once"
    assert not server.events & ours.POLLIN
    client.send(b"hello")
    assert wait_until(lambda: select.select([descriptor], [], [], 1)[0]) == [descriptor]
    assert server.events & ours.POLLIN
    assert server.recv() == b"hello"
    server.close()
    with pytest.raises(ours.ZMQError):
        server.fileno()
