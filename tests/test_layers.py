"""The plan of the house, checked: who may import whom, who knows what.

The floors are the table below. A new file without a line in it fails, and so does an import that
goes up, sideways to a later neighbour, through the roof, or out of a window (inside a function).
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from sources import CHECKOUT, PACKAGE, native_files, parse, python_files

import zmqlite
from zmqlite.options import Kind

# Floor by floor; within a floor, a file may import those that stand before it.
FLOORS: dict[int, tuple[str, ...]] = {
    0: ("_version", "_build", "enums", "constants", "error", "_threads"),
    1: ("_native", "_native.core", "_native.info", "_native.address"),
    2: (
        "options.rows",
        "options.table",
        "options.check",
        "options.attributes",
        "endpoint",
        "security.keys",
        "security.preflight",
        "security.hardening",
        "security",
        "certs",
        "_serialize",
        "options.socket",
        "options.context",
        "options.keywords",
        "options.overflow",
        "options",
        "frame",
        "poller",
        "security.zap",
        "security.rules",
        "security.service",
        "auth",
        "monitor",
        "socket.peers",
        "socket.monitor_events",
        "socket.stats",
        "socket.answers",
        "socket.requests",
        "socket.address_errors",
        "socket",
        "context",
        "proxy.steering",
        "proxy.sides",
        "proxy.thread",
        "proxy.process",
        "proxy.objects",
        "proxy",
        "metrics",
        "_loops",
        "_loops.operations",
        "_loops.routing",
        "_loops.binding",
        "_loops.uses",
        "_loops.poller",
        "_loops.socket",
        "_loops.peers",
        "_loops.requests",
        "_loops.proxies",
        "_loops.names",
        "_loops.types",
    ),
    3: (
        "asyncio.selector_thread",
        "asyncio.operation",
        "asyncio.binding",
        "asyncio.wakeup",
        "asyncio.tasks",
        "asyncio.futures",
        "asyncio.receives",
        "asyncio.calls",
        "asyncio.gate",
        "asyncio.constants",
        "asyncio.poller",
        "asyncio",
        "trio.binding",
        "trio.wakeup",
        "trio.tasks",
        "trio.socket",
        "trio.gate",
        "trio.constants",
        "trio.poller",
        "trio",
        "green.binding",
        "green.wakeup",
        "green.tasks",
        "green.calls",
        "green.gate",
        "green.constants",
        "green.poller",
        "green",
    ),
    4: (
        "cli.output",
        "cli.command",
        "cli.version",
        "cli.demo.run",
        "cli.demo.patterns",
        "cli.demo.worker",
        "cli.demo.command",
        "cli.demo",
        "cli.table",
        "cli.shared.verb",
        "cli.shared.values",
        "cli.shared.formats",
        "cli.shared.screen",
        "cli.shared.reading",
        "cli.shared.running",
        "cli.shared.abilities",
        "cli.shared.allowing",
        "cli.shared.opening",
        "cli.shared.asking",
        "cli.shared.sources",
        "cli.shared.recording",
        "cli.shared",
        "cli.bench.server",
        "cli.bench.worker",
        "cli.bench.client",
        "cli.bench.plot",
        "cli.bench",
        "cli.doctor.finding",
        "cli.doctor.environment",
        "cli.doctor.places",
        "cli.doctor",
        "cli.verbs.send",
        "cli.verbs.recv",
        "cli.verbs.request",
        "cli.verbs.proxy",
        "cli.verbs.record",
        "cli.verbs.rate",
        "cli.verbs.ping",
        "cli.verbs.bench",
        "cli.verbs.monitor",
        "cli.verbs.keygen",
        "cli.verbs.doctor",
        "cli.verbs.completion",
        "cli.verbs",
        "cli.group",
        "cli.app",
        "cli",
        "__main__",
        # the guest room, from its ground up: what knows no loop
        "pyzmq.constants",
        "pyzmq.error",
        "pyzmq.utils",
        "pyzmq.utils.interop",
        "pyzmq.utils.jsonapi",
        "pyzmq.utils.strtypes",
        "pyzmq.utils.z85",
        "pyzmq.utils.monitor",
        "pyzmq.utils.win32",
        "pyzmq.backend.cython._zmq",
        "pyzmq.backend.cython",
        "pyzmq.backend.select",
        "pyzmq.backend",
        "pyzmq.sugar.attrsettr",
        "pyzmq.sugar.version",
        "pyzmq._path",
        "pyzmq._path.zmq",
        "pyzmq._activation",
        "pyzmq.sugar.stopwatch",
        "pyzmq.sugar.frame",
        "pyzmq.sugar.tracker",
        "pyzmq.sugar.poll",
        "pyzmq.sugar.socket",
        "pyzmq.sugar.context",
        "pyzmq.sugar",
        "pyzmq.utils.garbage",
        "pyzmq.decorators",
        "pyzmq.devices._side",
        "pyzmq.devices.basedevice",
        "pyzmq.devices.proxydevice",
        "pyzmq.devices.proxysteerabledevice",
        "pyzmq.devices.monitoredqueue",
        "pyzmq.devices.monitoredqueuedevice",
        "pyzmq.devices",
        "pyzmq.ssh._server",
        "pyzmq.ssh.forward",
        "pyzmq.ssh._openssh",
        "pyzmq.ssh._paramiko",
        "pyzmq.ssh.tunnel",
        "pyzmq.ssh",
        "pyzmq.log.handlers",
        "pyzmq.log.__main__",
        "pyzmq.log",
        "pyzmq.curve_keygen",
        "pyzmq",
        # the guest room: event loops and authentication
        "pyzmq._future",
        "pyzmq.asyncio",
        "pyzmq.eventloop",
        "pyzmq.eventloop.ioloop",
        "pyzmq.eventloop.future",
        "pyzmq.eventloop._callbacks",
        "pyzmq.eventloop._descriptor",
        "pyzmq.eventloop.zmqstream",
        "pyzmq.green.core",
        "pyzmq.green.poll",
        "pyzmq.green.device",
        "pyzmq.green",
        "pyzmq.green.eventloop.ioloop",
        "pyzmq.green.eventloop",
        "pyzmq.green.eventloop.zmqstream",
        "pyzmq.auth.certs",
        "pyzmq.auth.base",
        "pyzmq.auth",
        "pyzmq.auth.thread",
        "pyzmq.auth.asyncio",
        "pyzmq.auth.ioloop",
        # the guest room: activation
        "pyzmq._freezing",
        "pyzmq._freezing.hook-zmqlite.pyzmq",
        "pyzmq.auto",
        "pyzmq._record",
        "pyzmq._environment",
        "pyzmq.__main__",
    ),
    5: ("",),  # the roof: zmqlite/__init__.py
}
PLACE = {name: (floor, i) for floor, names in FLOORS.items() for i, name in enumerate(names)}


def module_name(path: Path) -> str:
    """Return the dotted name of a file inside the package; the roof is ""."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def target_of(node: ast.ImportFrom, path: Path) -> list[str]:
    """Return the modules of the package that a relative import reaches."""
    package = module_name(path).split(".") if module_name(path) else []
    if path.name != "__init__.py":
        package = package[:-1]
    base = package[: len(package) - (node.level - 1)] + (node.module or "").split(".")
    stem = ".".join(part for part in base if part)
    inside = [f"{stem}.{alias.name}".strip(".") for alias in node.names]
    found = [name for name in inside if name in PLACE]
    return found if len(found) == len(inside) else [*found, stem]


# Stubs without a module: what checkers read of names that are made at import. They have no floor.
FOR_CHECKERS = {"options._flat", "options._typed", "asyncio._typed", "trio._typed"}


def relative_imports(path: Path) -> Iterator[tuple[ast.ImportFrom, str]]:
    """Yield what a module imports from the package while it runs."""
    for node in ast.walk(parse(path)):
        if isinstance(node, ast.ImportFrom) and node.level:
            for name in set(target_of(node, path)) - FOR_CHECKERS:
                yield node, name


def core_imports() -> Iterator[tuple[str, str]]:
    """Yield (file, module) for what the compiled core imports from the package."""
    for path in native_files():
        for line in path.read_text(encoding="utf-8").splitlines():
            found = re.match(r"\s*from \.\.(\w*) import|\s*from zmqlite|\s*import zmqlite", line)
            if found:
                yield path.name, found[1] or ""


def ids(paths: list[Path]) -> list[str]:
    return [str(p.relative_to(PACKAGE)) for p in paths]


FILES = python_files()
each_file = pytest.mark.parametrize("path", FILES, ids=ids(FILES))


@each_file
def test_every_file_has_a_floor(path: Path) -> None:
    name = module_name(path)
    assert name in PLACE, f"{path.name} has no floor: give {name!r} a place in FLOORS"


def test_every_place_has_a_file() -> None:
    places = [name for names in FLOORS.values() for name in names]
    assert not [name for name in set(places) if places.count(name) > 1], "stands twice"
    have = {module_name(path) for path in FILES} | {"_native.core"}
    assert set(PLACE) == have


@each_file
def test_imports_go_down(path: Path) -> None:
    here = PLACE[module_name(path)]
    for node, name in relative_imports(path):
        there = PLACE.get(name)
        assert there is not None, f"line {node.lineno}: {name!r} is no module of the package"
        if path.parent != PACKAGE and name == module_name(path.parent / "__init__.py"):
            pytest.fail(f"line {node.lineno}: imports from its own package's __init__")
        assert there < here, f"line {node.lineno}: {name or 'the roof'} stands above, or later"


def test_the_core_imports_only_the_ground_floor() -> None:
    for file, name in core_imports():
        assert PLACE.get(name, (9, 9))[0] == 0, f"{file} imports {name!r}"


@each_file
def test_nobody_imports_the_package_by_name(path: Path) -> None:
    for node in ast.walk(parse(path)):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names = [node.module or ""]
        assert not any(n.split(".")[0] == "zmqlite" for n in names), f"line {node.lineno}"


@each_file
def test_no_import_of_our_own_is_late(path: Path) -> None:
    for function in ast.walk(parse(path)):
        if isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef)):
            for node in ast.walk(function):
                late = isinstance(node, ast.ImportFrom) and node.level
                assert not late, f"line {node.lineno}: an import inside {function.name}()"


@each_file
def test_only_the_core_touches_pointers(path: Path) -> None:
    allowed = {"_native.address": {"cffi"}}.get(
        module_name(path), set()
    )  # reads a caller's pointer
    used = top_level_imports(path) & {"ctypes", "cffi", "mmap"}
    assert used <= allowed


# Rooms of pyzmq's tree that are about a loop; they belong to the guest room all the same.
LOOP_GUESTS = ("pyzmq.asyncio", "pyzmq._future", "pyzmq.eventloop", "pyzmq.green", "pyzmq.auth")


@each_file
def test_only_floor_three_knows_a_loop(path: Path) -> None:
    used = top_level_imports(path) & {"asyncio", "trio", "gevent", "tornado", "selectors"}
    name = module_name(path)
    guest = any(name == room or name.startswith(f"{room}.") for room in LOOP_GUESTS)
    assert not used or guest or PLACE[name][0] == 3


def test_event_loops_are_strangers() -> None:
    """No module reaches two loops, by itself or through its neighbours."""
    knows: dict[str, set[str]] = {}
    for path in sorted(FILES, key=lambda p: PLACE.get(module_name(p), (9, 9))):
        reached = top_level_imports(path) & {"asyncio", "trio", "gevent"}
        for _, name in relative_imports(path):
            reached |= knows.get(name, set())
        knows[module_name(path)] = reached
        assert len(reached) <= 1, f"{path.name} reaches {sorted(reached)}"


def top_level_imports(path: Path) -> set[str]:
    """Return the packages that a file imports, wherever in it."""
    found = set()
    for node in ast.walk(parse(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add((node.module or "").split(".")[0])
    return found


@each_file
def test_only_the_room_of_options_names_a_kind_by_number(path: Path) -> None:
    """How a value travels is `Kind.FD` to all others; the core has its copy in options.pxi."""
    name = module_name(path)
    if name.startswith("options"):
        return
    for node in ast.walk(parse(path)):
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") in ACCESSORS:
            numbers = [arg.value for arg in node.args[:2] if isinstance(arg, ast.Constant)]
            assert not numbers, f"line {node.lineno}: {numbers}: write SocketOption.X, Kind.X"


ACCESSORS = ("_get_option", "_set_option")


def test_the_core_numbers_the_kinds_in_one_place_and_as_the_rows_do() -> None:
    found: dict[str, int] = {}
    for path in native_files():
        for name, number in re.findall(r"\bKIND_(\w+) = (\d+)", path.read_text(encoding="utf-8")):
            assert name not in found, f"{path.name} numbers {name} once more"
            found[name] = int(number)
    if found:  # an installed package has no sources
        ours = {name: number for name, number in vars(Kind).items() if name.isupper()}
        assert found == ours


FLAG = re.compile(r"(-f[a-z]|-W[a-z,]|-O[0-3sg]$|-std=|-march|-flto|-pthread$|/O2$|/std:|/EHsc)")


def test_only_setup_knows_a_compiler_flag() -> None:
    # vendor/ drives compilers (-c, -o, -I, -D are its words), setup.py alone tunes them
    paths = [*FILES, *CHECKOUT.glob("vendor/*.py")]
    for path in paths:
        for node in ast.walk(parse(path)):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                flag = FLAG.match(node.value)
                assert not flag, f"{path.name}, line {node.lineno}: {node.value!r}"


def test_the_roof_shows_the_same_plan() -> None:
    """`zmqlite.__doc__` names the floors in their order, and every module stands there."""
    text = zmqlite.__doc__ or ""
    shown: dict[int, str] = {}
    for line in text.splitlines():
        found = re.match(r"\s+floor (\d)\s+(.*)", line)
        if found:
            shown[int(found[1])] = found[2]
        elif shown and line.startswith(" " * 9):  # a floor of two lines
            shown[min(shown)] += " " + line.strip()
    for floor, names in FLOORS.items():
        if floor not in shown:
            assert floor == 5
            continue
        for name in names:
            top = name.split(".")[0]
            if not top.startswith("__"):
                assert re.search(rf"\b{top}\b", shown[floor]), f"the roof does not show {top}"
    assert sorted(shown, reverse=True) == list(shown), "the roof draws the floors top down"
