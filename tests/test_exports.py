"""What `import zmqlite` gives, and what it costs."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import textwrap
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import zmqlite
from zmqlite import constants, error
from zmqlite._native import info

ROOF = Path(zmqlite.__file__)

# Floors 0 to 2, as `sys.modules` shows them after a bare import.
LOADED = """
_build _loops _loops.names _native _native.address _native.core _native.info
_serialize
options.attributes options.check options.context options.keywords options.rows options.socket
options.overflow options.table
_threads _version constants context endpoint enums error frame monitor options poller
proxy proxy.objects proxy.process proxy.sides proxy.steering proxy.thread
security security.hardening security.keys security.preflight
socket socket.address_errors socket.answers socket.monitor_events socket.peers socket.requests
socket.stats
"""

# What a messaging library has no need of before the first message.
TOO_HEAVY = """
argparse asyncio cffi concurrent.futures ctypes dataclasses difflib email gevent hashlib hmac http
importlib.metadata inspect logging multiprocessing random select selectors socket ssl subprocess
tempfile tokenize tornado trio typing_extensions unittest urllib uuid
"""


def run(code: str, *options: str) -> str:
    """Run a program in a fresh interpreter that finds the same zmqlite, and return its output."""
    env = {**os.environ, "PYTHONPATH": str(ROOF.parents[1])}
    done = subprocess.run(
        [sys.executable, *options, "-c", code],
        capture_output=True, text=True, check=False, env=env, cwd=ROOF.anchor,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def reexports() -> Iterator[tuple[str, str]]:
    """Yield (module, name) for each name that the roof takes from a floor, also by what it shares
    with the modules of event loops; those that are private there are for that file alone."""
    for file in (ROOF, ROOF.parent / "_loops" / "names.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.level and node.module:
                for alias in node.names:
                    name = alias.asname or alias.name
                    if (file == ROOF or name[0] != "_") and node.module != "_loops.names":
                        yield node.module, name


def test_all_names_exist_once() -> None:
    names = zmqlite.__all__
    assert len(names) == len(set(names))
    missing = [name for name in names if not hasattr(zmqlite, name)]
    assert not missing


def test_star_import_gives_what_all_says() -> None:
    space: dict[str, Any] = {}
    exec("from zmqlite import *", space)
    assert set(space) - {"__builtins__"} == set(zmqlite.__all__)


def test_each_name_is_reexported_once_and_listed() -> None:
    seen: dict[str, str] = {}
    for module, name in reexports():
        if name == "*":
            assert module in ("constants", "error", "_native.info")
            continue
        assert seen.get(name, module) == module, f"{name} comes from {seen[name]}, too"
        seen[name] = module
    twice = set(seen) & set(constants.__all__)
    assert not twice
    private = {name for name in seen if name.startswith("_") and name != "__version__"}
    assert not private
    others = {"SyncContext", "SyncSocket", *error.__all__, *info.__all__, *constants.__all__}
    assert set(seen) | others == set(zmqlite.__all__)


@pytest.mark.parametrize(("module", "name"), [e for e in reexports() if e[1] != "*"])
def test_a_reexport_is_public_where_it_comes_from(module: str, name: str) -> None:
    home = importlib.import_module(f"zmqlite.{module}")
    assert getattr(home, name) is getattr(zmqlite, name)
    if hasattr(home, "__all__"):
        assert name in home.__all__


def test_nothing_else_is_public() -> None:
    """A name of the package that is neither listed nor a submodule has leaked."""
    leaked = {
        name
        for name, value in vars(zmqlite).items()
        if not name.startswith("_")
        and name not in zmqlite.__all__
        and not isinstance(value, types.ModuleType)
    }
    assert leaked <= {"TYPE_CHECKING"}


def test_public_modules_list_their_names() -> None:
    for module in ("constants", "context", "endpoint", "error", "frame", "monitor", "options",
                   "poller", "proxy", "security", "socket"):  # fmt: skip
        home = importlib.import_module(f"zmqlite.{module}")
        assert [name for name in home.__all__ if not hasattr(home, name)] == []


def test_import_loads_floors_zero_to_two_only() -> None:
    code = (
        "import json, sys; before = set(sys.modules); import zmqlite; "
        "print(json.dumps(sorted(set(sys.modules) - before)))"
    )
    loaded = set(json.loads(run(code)))
    ours = {name for name in loaded if name.split(".")[0] == "zmqlite"}
    assert ours == {"zmqlite"} | {f"zmqlite.{name}" for name in LOADED.split()}
    heavy = sorted(loaded.intersection(TOO_HEAVY.split()))
    assert not heavy, f"import zmqlite loads {heavy}"


def test_import_starts_no_thread_and_opens_no_descriptor() -> None:
    if not Path("/proc/self/fd").exists():
        pytest.skip("needs /proc")
    code = (
        "import os, threading\n"
        "fds = lambda: len(os.listdir('/proc/self/fd'))\n"
        "before = fds()\n"
        "import zmqlite\n"
        "print(fds() - before, len(os.listdir('/proc/self/task')), threading.active_count())"
    )
    assert run(code).split() == ["0", "1", "1"]


def test_import_time_is_reported(record_property: Any) -> None:
    """Tell what the import costs over a bare interpreter; a budget would only measure the load."""
    code = (
        "import time; start = time.perf_counter(); import zmqlite; "
        "print((time.perf_counter() - start) * 1000)"
    )
    best = min(float(run(code)) for _ in range(5))
    record_property("import_ms", round(best, 1))
    print(f"import zmqlite: {best:.1f} ms (best of 5)")
    assert best < 2000, "something waits during the import"


def test_silent_under_dev_mode() -> None:
    assert run("import zmqlite", "-X", "dev", "-W", "error") == ""


def test_an_unbuilt_tree_says_so(tmp_path: Path) -> None:
    """As when Python starts in the root of a clone that was installed, not built in place."""
    ours = shutil.ignore_patterns("core.*", "__pycache__", "_build.py")
    shutil.copytree(ROOF.parent, tmp_path / "zmqlite", ignore=ours)
    code = "import sys; sys.path.insert(0, sys.argv[1])\nimport zmqlite"
    words = [sys.executable, "-c", code, str(tmp_path)]
    done = subprocess.run(words, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert "ImportError: zmqlite in" in done.stderr
    assert "pip install -e ." in done.stderr


def test_help_shows_contracts() -> None:
    """Every public class and function says what it does where `help()` looks."""
    for name in zmqlite.__all__:
        value = getattr(zmqlite, name)
        if isinstance(value, (type, types.FunctionType, types.BuiltinFunctionType)):
            assert (value.__doc__ or "").strip(), f"{name} has no docstring"


def test_help_begins_with_an_example_that_works() -> None:
    text = zmqlite.__doc__ or ""
    assert len(text.splitlines()) <= 40
    example = textwrap.dedent(text.partition("\n\n")[2].partition("\n\nWhere")[0])
    assert example.startswith("import zmqlite as zmq\n")
    assert len(list(filter(None, example.splitlines()))) == 5
    assert run(example, "-X", "dev").strip() == example.rpartition("# ")[2]


def test_help_names_what_exists() -> None:
    text = zmqlite.__doc__ or ""
    for path in re.findall(r"\bzmqlite\.(\w+)", text):
        assert importlib.util.find_spec(f"zmqlite.{path}"), path
    for name in re.findall(r"\bzmq\.(\w+)", text):
        assert name in zmqlite.__all__, name
    methods = re.search(r"zmq\.Socket  +(.*) and more", text)
    assert methods is not None
    assert [name for name in methods[1].split(", ") if not hasattr(zmqlite.Socket, name)] == []
