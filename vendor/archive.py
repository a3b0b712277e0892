"""Compile a list of sources into a static archive, once for all builds with the same inputs.

The key covers sources, flags, generated headers and the compiler. A finished archive is kept in
the build folder and in the per-user cache, so neither a clean checkout nor an isolated
`pip install .` compiles it again. A lock makes concurrent builds wait instead of repeating work.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from fetch import cache_folder


class Toolchain(Protocol):
    """How to compile one file and how to pack an archive; setup.py knows the flags."""

    identity: str
    suffix: str

    def compile(self, source: Path, target: Path, recipe: Recipe, headers: Path) -> None: ...

    def archive(self, objects: list[Path], target: Path) -> None: ...


@dataclass(frozen=True)
class Recipe:
    """Everything an archive depends on.

    `fingerprint` stands for the contents below `root`, `depends` for headers from elsewhere;
    `generated` are headers to write first, and sources to compile with the others. `file_flags`
    are for sources whose names hold a word. No path enters the key, so checkouts share archives.
    """

    name: str
    root: Path
    fingerprint: str
    sources: tuple[Path, ...]
    includes: tuple[Path, ...]
    macros: tuple[tuple[str, str], ...]
    c_flags: tuple[str, ...]
    cxx_flags: tuple[str, ...]
    generated: dict[str, str] = field(default_factory=dict[str, str])
    depends: tuple[str, ...] = ()
    file_flags: dict[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])

    def flags_for(self, source: Path) -> list[str]:
        """Return the flags that only this source needs."""
        return [f for word, flags in self.file_flags.items() if word in source.name for f in flags]

    def key(self, toolchain: Toolchain) -> str:
        """Return a hash that changes whenever the archive would."""
        parts = [
            self.fingerprint,
            toolchain.identity,
            [s.relative_to(self.root).as_posix() for s in self.sources],
            sorted(self.macros),
            self.depends,
            self.c_flags,
            self.cxx_flags,
            self.generated,
            *([self.file_flags] if self.file_flags else []),
        ]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:20]


def build(recipe: Recipe, toolchain: Toolchain, folder: Path, say: Callable[[str], None]) -> Path:
    """Return the archive for `recipe`, from `folder`, from the cache, or freshly compiled."""
    name = f"{recipe.name}-{recipe.key(toolchain)}{toolchain.suffix}"
    local = folder / name
    if local.is_file():
        return local
    folder.mkdir(parents=True, exist_ok=True)
    shared = _writable(cache_folder() / "archives", folder) / name
    with locked(shared.with_name(name + ".lock")):
        if not shared.is_file():
            _compile(recipe, toolchain, shared, say)
    if shared != local:
        copy = local.with_name(f".{name}.{os.getpid()}")
        shutil.copyfile(shared, copy)
        copy.replace(local)
    return local


def _compile(
    recipe: Recipe, toolchain: Toolchain, target: Path, say: Callable[[str], None]
) -> None:
    jobs = int(os.environ.get("ZMQLITE_JOBS") or os.cpu_count() or 1)
    started = time.monotonic()
    written = [name for name in recipe.generated if name.endswith(".cpp")]
    say(f"{recipe.name}: compiling {len(recipe.sources) + len(written)} files with {jobs} jobs")
    with tempfile.TemporaryDirectory(prefix=f".{recipe.name}-", dir=target.parent) as work:
        headers = Path(work) / "generated"
        for file, text in recipe.generated.items():
            (headers / file).parent.mkdir(parents=True, exist_ok=True)
            (headers / file).write_text(text, encoding="utf-8")
        # the longest first, so that no core idles at the end; what is generated joins many files
        sources = [headers / name for name in written]
        sources += sorted(recipe.sources, key=lambda path: -path.stat().st_size)
        # names repeat across folders, so a number keeps objects apart
        objects = [Path(work) / f"{n:03}-{s.stem}.o" for n, s in enumerate(sources)]
        with ThreadPoolExecutor(jobs) as pool:
            tasks = [
                pool.submit(toolchain.compile, source, target, recipe, headers)
                for source, target in zip(sources, objects, strict=True)
            ]
            for done, task in enumerate(tasks, 1):
                try:
                    task.result()
                except BaseException:
                    pool.shutdown(wait=False, cancel_futures=True)
                    raise
                if done % 40 == 0:
                    say(f"{recipe.name}: {done} of {len(tasks)}")
        packed = Path(work) / target.name
        toolchain.archive(objects, packed)
        packed.replace(target)
    say(f"{recipe.name}: done in {time.monotonic() - started:.0f} s")


def _writable(preferred: Path, fallback: Path) -> Path:
    try:
        preferred.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=preferred):
            return preferred
    except OSError:
        return fallback


@contextlib.contextmanager
def locked(path: Path) -> Generator[None, None, None]:
    """Hold an exclusive lock on a file; go on without one where the file system has none."""
    with path.open("a+b") as stream:
        with contextlib.suppress(OSError):
            _acquire(stream.fileno())
        yield


def _acquire(descriptor: int) -> None:
    if sys.platform != "win32":
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX)
    else:
        import msvcrt

        held = False
        while not held:  # one attempt gives up after ten seconds; a compiler needs longer
            with contextlib.suppress(PermissionError):
                msvcrt.locking(descriptor, msvcrt.LK_LOCK, 1)
                held = True
