"""libzmq's own perf tools: the pace that no binding of the same libzmq can be expected to pass.

They are compiled from the perf/ folder of the tree that zmqlite was built from, against the very
archive that is linked into zmqlite, so both sides run the same machine code of libzmq. memory.cpp
is ours: it does in C++ what the memory cells do.
"""

from __future__ import annotations

import hashlib
import importlib
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from threading import Timer

from workloads import allow_descriptors

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
PERF = ("local_thr", "remote_thr", "inproc_thr", "local_lat", "remote_lat", "inproc_lat")
OWN = ("memory",)
STALL_SECONDS = 120
TRIES = 5


class ToolsMissing(Exception):
    """The tools cannot be built here; the text says what is missing."""


@dataclass(frozen=True, slots=True)
class Timing:
    """What one run of a tool took: seconds on the wall, CPU seconds and voluntary switches."""

    count: int
    seconds: float
    cpu: float
    switches: int
    more: dict[str, float] = field(default_factory=dict)


def build() -> Path:
    """Return the folder of the compiled tools, compiling them first if need be.

    Raises ToolsMissing when there is no unpacked libzmq, no fitting archive or no compiler.
    """
    tree = _find_tree()
    compiler = shutil.which(os.environ.get("CXX", "c++")) or shutil.which("g++")
    if compiler is None:
        raise ToolsMissing("no C++ compiler: set CXX")
    reason = ToolsMissing("no archive of libzmq in the build folder: build zmqlite here")
    for archives in _find_archives(tree.name.partition("-")[0])[:TRIES]:
        try:
            return _compile(compiler, tree, archives)
        except ToolsMissing as error:
            # built with a switch that needs more libraries; an older one may be the plain one
            reason = error
    raise reason


def _compile(compiler: str, tree: Path, archives: list[Path]) -> Path:
    """Compile all tools against these archives, into a folder named after all that goes in."""
    sources = {tool: tree / "perf" / f"{tool}.cpp" for tool in PERF}
    sources |= {tool: HERE / f"{tool}.cpp" for tool in OWN}
    ours = [(HERE / name).read_text() for name in ("hold.h", *(f"{tool}.cpp" for tool in OWN))]
    inputs = [tree.name, *(archive.name for archive in archives), *ours]
    folder = ROOT / "build" / f"perf-{hashlib.sha256(repr(inputs).encode()).hexdigest()[:12]}"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "platform.hpp").write_text("/* the tools only ask whether this is Windows */\n")
    for tool, source in sources.items():
        if (folder / tool).is_file():
            continue
        command = [compiler, "-O2", "-w", "-pthread", f"-I{folder}", f"-I{tree / 'include'}"]
        command += ["-include", str(HERE / "hold.h")] if tool == "remote_thr" else []
        command += [str(source), "-o", str(folder / f".{tool}")]
        done = subprocess.run([*command, *map(str, archives)], capture_output=True, text=True)
        if done.returncode:
            raise ToolsMissing(f"{tool} does not compile: {done.stderr.strip()[-300:]}")
        (folder / f".{tool}").replace(folder / tool)
    return folder


def _find_tree() -> Path:
    places = sorted(ROOT.glob("vendor/libzmq/unpacked/*/perf/local_thr.cpp"), key=_age)
    if not places:
        raise ToolsMissing("no unpacked libzmq with perf/ below vendor/: build zmqlite here")
    return places[-1].parent.parent


def _find_archives(version: str) -> list[list[Path]]:
    """Return what to link, the likeliest first.

    What this Python's zmqlite is linked to comes before the rest, which are this tree's builds,
    then those of the cache, each by age: the newest there may be of another tree.
    """
    folders = [ROOT / "build"]
    sys.path.insert(0, str(ROOT / "vendor"))
    try:
        folders.append(importlib.import_module("fetch").cache_folder() / "archives")
    except ImportError:
        pass  # a tree without vendor/fetch.py has its build folder only
    finally:
        sys.path.pop(0)

    def find(pattern: str) -> list[Path]:
        found = [p for folder in folders for p in sorted(folder.rglob(pattern), key=_age)[::-1]]
        return sorted(found, key=lambda path: path.name not in linked)

    try:
        linked = importlib.import_module("zmqlite._build").ARCHIVES
    except (ImportError, AttributeError):
        linked = ()
    sodium = find("libsodium-*.a")[:1]
    return [[archive, *sodium] for archive in find(f"libzmq-{version}-*.a")]


def _age(path: Path) -> float:
    return path.stat().st_mtime


def throughput(tools: Path, transport: str, endpoint: str, size: int, count: int) -> Timing:
    """Send `count` messages one way; the clock runs in the receiver, from its first message."""
    if transport == "inproc":
        output, used = _run([[str(tools / "inproc_thr"), str(size), str(count)]])
    else:
        rest = [endpoint, str(size), str(count)]
        pair = [[str(tools / name), *rest] for name in ("local_thr", "remote_thr")]
        output, used = _run(pair)
    rate = float(_number(r"mean throughput: (\d+) \[msg/s\]", output))
    return Timing(count, count / max(rate, 1.0), used[0], used[1])


def latency(tools: Path, transport: str, endpoint: str, size: int, count: int) -> Timing:
    """Make `count` round trips. The tool tells the mean of one way, half a trip."""
    if transport == "inproc":
        output, used = _run([[str(tools / "inproc_lat"), str(size), str(count)]])
    else:
        rest = [endpoint, str(size), str(count)]
        pair = [[str(tools / name), *rest] for name in ("remote_lat", "local_lat")]
        output, used = _run(pair)
    one_way = float(_number(r"average latency: ([\d.]+) \[us\]", output))
    return Timing(count, count * 2 * one_way / 1e6, used[0], used[1])


def memory(tools: Path, work: str, size: int, count: int) -> Timing:
    """Queue `count` messages or open `count` sockets; `more` has the bytes for each."""
    allow_descriptors(100 if work == "messages" else count + 200)
    output, used = _run([[str(tools / "memory"), work, str(size), str(count)]])
    more = {"memory": float(_number(r"memory: (-?[\d.]+)", output))}
    return Timing(count, float(_number(r"took: ([\d.]+)", output)), used[0], used[1], more)


def _number(pattern: str, output: str) -> str:
    found = re.search(pattern, output)
    if found is None:
        raise RuntimeError(f"a perf tool said: {output.strip()[:200] or 'nothing'}")
    return found[1]


def _run(commands: list[list[str]]) -> tuple[str, tuple[float, int]]:
    """Run one or two tools together; the first one tells when it is over.

    Returns its output, and CPU seconds and voluntary switches of all of them.
    """
    tools = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for command in commands
    ]
    watchdog = Timer(STALL_SECONDS, _kill, [tools])
    watchdog.start()
    cpu, switches, output = 0.0, 0, ""
    for tool in tools:
        assert tool.stdin is not None
        assert tool.stdout is not None
        tool.stdin.close()  # lets remote_thr close its socket: see hold.h
        output = output or tool.stdout.read()
        tool.stdout.close()
        _, status, used = os.wait4(tool.pid, 0)
        tool.returncode = os.waitstatus_to_exitcode(status)
        cpu += used.ru_utime + used.ru_stime
        switches += used.ru_nvcsw
    watchdog.cancel()
    if any(tool.returncode for tool in tools):
        raise RuntimeError(f"a perf tool failed or stalled: {output.strip()[:200]}")
    return output, (cpu, switches)


def _kill(tools: list[subprocess.Popen[str]]) -> None:
    for tool in tools:
        tool.kill()
