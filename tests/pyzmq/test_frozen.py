"""Programs that a freezer packs, where modules may lie in no folder: `import zmq` works there."""

from __future__ import annotations

import ast
import importlib.util
import runpy
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest
from programs import run_program

import zmqlite
from zmqlite.pyzmq import _freezing

PACKAGE = Path(zmqlite.__file__).parent / "pyzmq"

USE = """
    import asyncio, importlib.metadata
    import zmq, zmq.asyncio, zmq.auth.thread, zmq.devices, zmq.utils.jsonapi
    from zmq.utils import monitor

    async def main():
        with zmq.asyncio.Context() as context:
            with context.socket(zmq.PULL) as pull, context.socket(zmq.PUSH) as push:
                push.connect("tcp://127.0.0.1:%d" % pull.bind_to_random_port("tcp://127.0.0.1"))
                await push.send_json([1])
                assert await asyncio.wait_for(pull.recv_json(), 20) == [1]

    asyncio.run(main())
    assert zmq.__name__ == "zmqlite.pyzmq", zmq
    print("fine")
"""


def test_modules_that_lie_in_no_folder_are_found() -> None:
    """As in freezers that have a finder of their own, and packages without a usable path."""
    finder = """
        import importlib.machinery, sys
        import zmqlite.pyzmq

        class Frozen:
            places = {"zmqlite": None}
            def find_spec(self, name, path=None, target=None):
                if not name.startswith("zmqlite.pyzmq."):
                    return None
                inner = name.replace(".", "/").partition("/")[2].rpartition("/")[0]
                where = zmqlite.__path__[0] + "/" + inner
                spec = importlib.machinery.PathFinder.find_spec(name, [where])
                if spec and spec.submodule_search_locations:
                    spec.submodule_search_locations[:] = ["nowhere"]
                return spec

        sys.meta_path.insert(0, Frozen())
        zmqlite.pyzmq.__path__ = ["nowhere"]
        for name in [name for name in sys.modules if name.startswith("zmqlite.pyzmq.utils")]:
            del sys.modules[name]
        import zmqlite.pyzmq.auto
    """
    code = textwrap.dedent(finder) + textwrap.dedent(USE)
    assert run_program(code) == "fine\n"


class Api:
    """What PyInstaller gives to a hook."""

    def __init__(self, *known: str) -> None:
        self.__name__ = "zmqlite.pyzmq"
        self.__path__ = (str(PACKAGE),)
        self.graph = self
        self.known = known
        self.imports: list[str] = []
        self.datas: list[tuple[str, str]] = []

    def find_node(self, name: str) -> Any:
        return name if name in self.known else None

    def add_imports(self, *names: str) -> None:
        self.imports += names

    def add_datas(self, datas: list[tuple[str, str]]) -> None:
        self.datas += datas


def collected(*known: str) -> Api:
    api = Api(*known)
    [folder] = _freezing.hook_dirs()
    runpy.run_path(str(Path(folder) / "hook-zmqlite.pyzmq.py"))["hook"](api)
    return api


def test_the_hook_takes_every_module_but_those_of_foreign_loops() -> None:
    api = collected()
    files = (file.relative_to(PACKAGE).with_suffix("").parts for file in PACKAGE.rglob("*.py"))
    names = {".".join(part for part in parts if part != "__init__") for parts in files}
    left = ("green", "eventloop", "auth.ioloop", "_freezing", "_path.zmq")
    wanted = {name for name in names if name and not name.startswith(left)}
    assert {name.removeprefix("zmqlite.pyzmq.") for name in api.imports} == wanted
    [(file, folder)] = api.datas
    assert Path(file).read_text().startswith("Metadata")
    assert Path(folder) == Path("zmqlite", "pyzmq", "_path", Path(file).parent.name)


def test_the_hook_takes_the_modules_of_a_loop_that_the_program_has() -> None:
    assert "zmqlite.pyzmq.eventloop.zmqstream" in collected("tornado").imports
    assert "zmqlite.pyzmq.green.eventloop" not in collected("tornado").imports
    assert "zmqlite.pyzmq.green.eventloop.zmqstream" in collected("tornado", "gevent").imports
    assert "zmqlite.pyzmq.green" in collected("zmq.green").imports
    assert "zmqlite.pyzmq.green.eventloop" not in collected("zmq.green").imports


def test_the_hook_knows_which_modules_need_a_loop() -> None:
    """A module that imports tornado, or the gevent of zmqlite, stands in its table."""
    [folder] = _freezing.hook_dirs()
    needed = runpy.run_path(str(Path(folder) / "hook-zmqlite.pyzmq.py"))["needed"]
    for file in PACKAGE.rglob("*.py"):
        parts = file.relative_to(PACKAGE).with_suffix("").parts
        name = ".".join(part for part in parts if part != "__init__")
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ImportFrom):
                top = (node.module or "").partition(".")[0]
                if top == "tornado":
                    assert "tornado" in needed(name), name
                if (node.level > 1 and node.module == "green") or top == "gevent":
                    assert "gevent" in needed(name), name


AWAITED = """
    import asyncio
    import zmqlite.asyncio as zmq

    async def answer(server):
        async for request in server:
            await server.send(request.upper())

    async def main():
        with zmq.Context() as context:
            with context.socket(zmq.REP) as server, context.socket(zmq.REQ) as client:
                client.connect(server.bind("tcp://127.0.0.1:*"))
                task = asyncio.create_task(answer(server))
                await client.send(b"hello")
                assert await asyncio.wait_for(client.recv(), 20) == b"HELLO"
                task.cancel()

    asyncio.run(main())
    print("fine")
"""
VERSION = 'assert importlib.metadata.version("pyzmq") == zmq.__version__\n'
PROGRAMS = {
    "activated": f"import zmqlite.pyzmq.auto\n{textwrap.dedent(USE)}{VERSION}",
    "asyncio": textwrap.dedent(AWAITED),
}


@pytest.fixture(scope="module", params=list(PROGRAMS))
def frozen(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A program that PyInstaller has packed; that takes longer than a test may."""
    if importlib.util.find_spec("PyInstaller") is None:
        pytest.skip("PyInstaller is not installed")
    folder = tmp_path_factory.mktemp("frozen")
    (folder / "app.py").write_text(PROGRAMS[request.param])
    words = ["-y", "--log-level", "ERROR", "--onedir", "--paths", str(PACKAGE.parents[1])]
    subprocess.run([sys.executable, "-m", "PyInstaller", *words, "app.py"], cwd=folder, check=True)
    return folder / "dist" / "app" / ("app.exe" if sys.platform == "win32" else "app")


@pytest.mark.slow
def test_a_program_that_pyinstaller_has_frozen_runs(frozen: Path) -> None:
    done = subprocess.run([frozen], capture_output=True, text=True, check=False, cwd=frozen.parent)
    assert (done.returncode, done.stdout) == (0, "fine\n"), done.stderr
