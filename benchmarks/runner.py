"""Makes one measurement: fresh processes, a warm-up, a run of about the wanted length."""

from __future__ import annotations

import json
import os
import resource
import selectors
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Any

import cpptools
from cells import Cell
from growth_workloads import COUNTED_ONCE
from samples import Sample
from workloads import MODULES, Cannot

HERE = Path(__file__).resolve().parent
PEER = HERE / "peer.py"
STALL_SECONDS = 60
IMPORT_RUNS = 7
IMPORT_CODE = (
    "import time; wall, cpu = time.perf_counter(), time.process_time(); import {module}; "
    "print(time.perf_counter() - wall, time.process_time() - cpu)"
)


class Failed(Exception):
    """A measurement could not be made; the text says why."""


def measure(
    cell: Cell, library: str, number: int, seconds: float, build: str | None = None
) -> Sample:
    """Measure one cell for one library, in round `number`, for about so many seconds.

    `build` is a folder from which to import the library, for a comparison of several builds of it.
    Raises Failed when a process fails or stalls, Cannot when the work is impossible here.
    """
    busy = watch_others()
    if cell.work == "import":
        figures = _import_time(library)
    elif library == "libzmq":
        figures = _cpp(cell, seconds)
    else:
        figures = _python(cell, library, seconds, build)
    return Sample(cell.key, build or library, number, foreign=busy(), **figures)


def _grow(run: Callable[[int], float], start: int, seconds: float) -> None:
    """Run with growing counts until the last run has taken about `seconds`."""
    count = start
    while (taken := run(count)) < seconds * 0.1:
        count *= 4 if taken * 4 < seconds * 0.1 else 2
    run(max(2, round(count * seconds / taken)))


# --- libraries ------------------------------------------------------------------------------


def _environment(build: str | None) -> dict[str, str]:
    """Return the environment of a process that imports what lies in the folder `build` first."""
    return dict(os.environ) if build is None else {**os.environ, "PYTHONPATH": build}


class Peer:
    """A fresh process that obeys orders; see peer.py."""

    def __init__(self, spec: dict[str, Any]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(PEER), json.dumps(spec)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=_environment(spec["build"]),
        )
        self.name = f"{spec['library']} ({spec['role']})"
        try:
            made = self.answer()
            if "cannot" in made:
                raise Cannot(f"{self.name}: {made['cannot']}")
        except BaseException:
            self.close()
            raise
        self.endpoint: str = made["endpoint"]

    def order(self, words: str) -> None:
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):  # a peer that has ended: reading its answer says why
            self._process.stdin.write(words + "\n")
            self._process.stdin.flush()

    def answer(self) -> dict[str, Any]:
        """Wait for the answer to the last order."""
        return answers([self])[0]

    def read(self) -> dict[str, Any]:
        """Read the answer that is there; raises Failed when there is only an end."""
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        line = self._process.stdout.readline()
        if not line:
            self._process.kill()
            last = self._process.stderr.read().strip().splitlines()[-1:] or ["it ended"]
            raise Failed(f"{self.name}: {last[0]}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    @property
    def output(self) -> Any:
        return self._process.stdout

    def close(self) -> None:
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):
            self._process.stdin.close()
        try:
            self._process.wait(1)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for stream in (self._process.stdout, self._process.stderr):
            assert stream is not None
            stream.close()


def answers(peers: Sequence[Peer]) -> list[dict[str, Any]]:
    """Wait for one answer of every peer; one that ends or says nothing fails all of them."""
    found: dict[int, dict[str, Any]] = {}
    deadline = time.monotonic() + STALL_SECONDS
    with selectors.DefaultSelector() as selector:
        for index, peer in enumerate(peers):
            selector.register(peer.output, selectors.EVENT_READ, index)
        while len(found) < len(peers):
            ready = selector.select(deadline - time.monotonic())
            if not ready:
                waited = [peer.name for index, peer in enumerate(peers) if index not in found]
                raise Failed(f"{', '.join(waited)}: no answer in {STALL_SECONDS} s")
            for key, _ in ready:
                found[key.data] = peers[key.data].read()
                selector.unregister(key.fileobj)
    return [found[index] for index in range(len(peers))]


def _python(cell: Cell, library: str, seconds: float, build: str | None = None) -> dict[str, Any]:
    with _place(cell.transport) as place, ExitStack() as stack:
        spec = {
            "library": library,
            "work": cell.work,
            "mode": cell.mode,
            "size": cell.size,
            "number": cell.number,
            "bind": place,
            "connect": "",
            "build": build,
        }
        alone = cell.transport in ("inproc", "") or cell.work in COUNTED_ONCE
        peers = [Peer({**spec, "role": "both" if alone else "bind"})]
        stack.callback(peers[0].close)
        if not alone:
            peers.append(Peer({**spec, "role": "connect", "connect": peers[0].endpoint}))
            stack.callback(peers[1].close)
        figures: dict[str, Any] = {}
        if cell.work in COUNTED_ONCE:
            _run_once(cell, peers, cell.number, figures)
        else:
            _grow(lambda n: _run_once(cell, peers, n, figures), _first_count(cell), seconds)
    return figures


def _first_count(cell: Cell) -> int:
    if cell.work not in ("throughput", "turns", "multipart", "async"):
        return max(100, cell.number if cell.work == "peers" else 0)
    return 2 if cell.size > 1024 * 1024 else 10 if cell.size > 64 * 1024 else 500


def _run_once(cell: Cell, peers: list[Peer], count: int, figures: dict[str, Any]) -> float:
    """Run all peers together, then ask each what it used: by then nothing is on its way."""
    for peer in peers:
        peer.order(str(count))
    told = answers(peers)
    for peer in peers:
        peer.order("usage")
    used = answers(peers)
    # it ends where the clock is: throughput at the receiver, round trips at the client
    last = next(answer for answer in told if "end" in answer)
    seconds: float = last["end"] - min(answer.get("begin", last["begin"]) for answer in told)
    figures.update(
        count=last.get("count", count),
        seconds=seconds,
        cpu=sum(usage["cpu"] for usage in used),
        switches=sum(usage["switches"] for usage in used),
        more=last.get("more", {}),
    )
    return seconds


def _import_time(library: str) -> dict[str, Any]:
    """Import in fresh interpreters; the time is what comes on top of starting Python."""
    code = IMPORT_CODE.format(module=MODULES[library])
    walls, cpus = [], []
    # an installed library is imported from bytecode, whatever this shell says
    environment = {
        **os.environ,
        "PYTHONPYCACHEPREFIX": str(Path(tempfile.gettempdir()) / "pycache"),
    }
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    for _ in range(IMPORT_RUNS):
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, env=environment
        )
        if done.returncode:
            raise Failed(f"{library}: {done.stderr.strip().splitlines()[-1]}")
        wall, cpu = done.stdout.split()
        walls.append(float(wall))
        cpus.append(float(cpu))
    return {"count": 1, "seconds": median(walls), "cpu": median(cpus), "switches": 0}


# --- libzmq's own tools ---------------------------------------------------------------------


def _cpp(cell: Cell, seconds: float) -> dict[str, Any]:
    tools = cpptools.build()
    if cell.work in COUNTED_ONCE:
        return asdict(cpptools.memory(tools, cell.work, cell.size, cell.number))
    tool = cpptools.latency if cell.work == "latency" else cpptools.throughput
    figures: dict[str, Any] = {}

    def run(count: int) -> float:
        # a port of its own for each run: the tools know no wildcard
        with _place(cell.transport, wildcard=False) as place:
            timing = tool(tools, cell.transport, place, cell.size, count)
        figures.update(asdict(timing))
        return timing.seconds

    try:
        _grow(run, _first_count(cell) * 10, seconds)
    except (RuntimeError, cpptools.ToolsMissing) as error:
        raise Failed(f"libzmq: {error}") from error
    return figures


# --- places and clocks ----------------------------------------------------------------------


@contextmanager
def _place(transport: str, wildcard: bool = True) -> Generator[str]:
    """Yield an endpoint to bind; what it leaves in the file system goes with it."""
    if transport in ("tcp", "ws"):
        yield f"{transport}://127.0.0.1:{'*' if wildcard else _free_port()}"
    elif transport == "ipc":
        with tempfile.TemporaryDirectory(prefix="zmqlite-") as folder:
            yield f"ipc://{folder}/bench"
    else:
        yield "inproc://bench"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def watch_others() -> Callable[[], float]:
    """Start watching; the function returned tells how many cores others kept busy since."""
    begin, before, ours = time.monotonic(), _all_busy(), _our_cpu()

    def since() -> float:
        elapsed = time.monotonic() - begin
        return max(0.0, (_all_busy() - before - (_our_cpu() - ours)) / elapsed)

    return since


def _our_cpu() -> float:
    uses = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(use.ru_utime + use.ru_stime for use in uses)


def _all_busy() -> float:
    """Seconds that all cores together have not been idle, stolen time included; 0 if unknown."""
    try:
        ticks = [int(word) for word in Path("/proc/stat").read_text().split("\n")[0].split()[1:9]]
    except OSError:
        return 0.0
    return (sum(ticks) - ticks[3] - ticks[4]) / os.sysconf("SC_CLK_TCK")
