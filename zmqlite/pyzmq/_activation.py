"""`zmq` as a second name for this package, in one process.

A finder in front of all others answers `import zmq` and `import zmq.anything` with the modules of
`zmqlite.pyzmq`: the very same objects, executed once, whichever name they are reached by. A module
keeps the `__name__` and `__spec__` that it was born with, so that pickles, relative imports and
reloading go by `zmqlite.pyzmq`, and need no activation in the process that reads them.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from importlib import import_module
from importlib.machinery import ModuleSpec, PathFinder
from types import CodeType, ModuleType
from typing import Any

from .._native.core import call_frames
from ._path import FOLDER
from .sugar.version import __version__

__all__ = ["FINDER", "Finder", "install"]

ALIAS = "zmq"
REAL = __name__.rpartition(".")[0]
SITE_FOLDERS = ("site-packages", "dist-packages")


def real_name(name: str) -> str | None:
    """Return what a module called `zmq` or `zmq.x` is really called; None for all others."""
    if name == ALIAS or name.startswith(f"{ALIAS}."):
        return REAL + name[len(ALIAS) :]
    return None


class AliasSpec(ModuleSpec):
    """The spec of a second name. Its parent is the real one, by which `python -m zmq.x` resolves
    the relative imports of the program that it runs."""

    @property
    def parent(self) -> str:
        """The package that relative imports start from."""
        real = real_name(self.name) or self.name
        is_package = self.submodule_search_locations is not None
        return real if is_package else real.rpartition(".")[0]


class AliasLoader:
    """Loads a module by importing it under its real name; what else it is asked, it passes on."""

    def __init__(self, real: ModuleSpec) -> None:
        self._real = real
        self._loader: Any = real.loader
        self._born_with: ModuleSpec | None = None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """Return the module itself, imported now if it was not before."""
        module = import_module(self._real.name)
        self._born_with = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        """Execute nothing; give back the spec that the import system has just replaced."""
        module.__spec__ = self._born_with
        share_loaded()

    def get_code(self, name: str) -> CodeType | None:
        """Return the code, for runpy."""
        code: CodeType | None = self._loader.get_code(self._real.name)
        return code

    def get_source(self, name: str) -> str | None:
        """Return the source text."""
        source: str | None = self._loader.get_source(self._real.name)
        return source

    def is_package(self, name: str) -> bool:
        """Tell whether the module has submodules."""
        return self._real.submodule_search_locations is not None

    def get_filename(self, name: str) -> str:
        """Return the path of the source."""
        path: str = self._loader.get_filename(self._real.name)
        return path

    def get_data(self, path: str) -> bytes:
        """Return what a file beside the module holds."""
        data: bytes = self._loader.get_data(path)
        return data

    def get_resource_reader(self, name: str) -> Any:
        """Return the reader that importlib.resources asks for."""
        return self._loader.get_resource_reader(self._real.name)


def share_loaded() -> None:
    """Make what is loaded of this package visible in sys.modules under the second name too."""
    for name, module in list(sys.modules.items()):
        if name.startswith(f"{REAL}."):
            spec = getattr(module, "__spec__", None)
            if spec is not None and not getattr(spec, "_initializing", False):
                sys.modules.setdefault(ALIAS + name[len(REAL) :], module)


class Finder:
    """The entry in sys.meta_path, with what importlib and importlib.metadata ask of one."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Describe the module behind `zmq` or `zmq.x`; None for all others."""
        found = self._find_real(name)
        if found is None:
            return None
        loader: Any = AliasLoader(found)
        package = found.submodule_search_locations is not None
        spec = AliasSpec(name, loader, origin=found.origin, is_package=package)
        spec.submodule_search_locations = found.submodule_search_locations
        spec.cached = found.cached
        spec.has_location = found.has_location
        return spec

    @staticmethod
    def _find_real(name: str) -> ModuleSpec | None:
        """Return the true spec. Imports nothing: the import lock is held here."""
        real = real_name(name)
        if real is None:
            return None
        if real in sys.modules:
            return sys.modules[real].__spec__
        parent = sys.modules.get(real.rpartition(".")[0])
        path = getattr(parent, "__path__", None)
        if path is None:
            return None
        found = PathFinder.find_spec(real, path)
        for finder in sys.meta_path:  # of a frozen program, which may lie nowhere
            if found is None and not isinstance(finder, Finder):
                found = finder.find_spec(real, path)
        return found

    def find_distributions(self, context: Any = None) -> Iterable[Any]:
        """Yield the metadata of a distribution called pyzmq when that is asked for by name."""
        by_name = str(getattr(context, "name", None)).lower() == "pyzmq"
        if by_name and "path" not in vars(context):
            # slow to load, and loaded already by what calls this
            from importlib.metadata import PathDistribution
            from pathlib import Path

            yield PathDistribution(Path(FOLDER, f"pyzmq-{__version__}.dist-info"))

    def __repr__(self) -> str:
        return f"<{ALIAS} is {REAL}>"


FINDER = Finder()


def install() -> None:
    """Let `import zmq` mean zmqlite.pyzmq in this process, and in those it spawns.

    Call it before anything imports zmq; calling it again does no harm. Processes made by
    multiprocessing inherit it; other child processes do not (`python -m zmqlite.pyzmq run` and
    `activate` reach those too).

    Raises:
        RuntimeError: pyzmq was imported already, so that two libraries would share one name.

    """
    taken = sys.modules.get(ALIAS)
    if taken is not None and taken is not sys.modules[REAL]:
        raise RuntimeError(
            f"another zmq {getattr(taken, '__version__', '')} was imported already, from "
            f"{getattr(taken, '__file__', None)}: call {REAL}.install() before whatever imports "
            f"it, or start the program with `python -m {REAL} run`"
        )
    if taken is None:  # what an import that failed left behind
        for name in [name for name in sys.modules if name.startswith(f"{ALIAS}.")]:
            del sys.modules[name]
    if FINDER not in sys.meta_path:
        sys.meta_path.insert(0, FINDER)  # pyright: ignore[reportArgumentType]
    if FOLDER not in sys.path:
        sys.path.insert(_place_in_path(sys.path), FOLDER)
    call_frames(f"{ALIAS}.Frame")


def _place_in_path(path: Sequence[str]) -> int:
    """Return where the folder goes: in front of the first place where pyzmq may be installed."""
    for place, entry in enumerate(path):
        if entry.rstrip("/\\").endswith(SITE_FOLDERS):
            return place
    return len(path)
