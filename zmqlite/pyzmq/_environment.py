"""`zmq` as a second name for zmqlite in every Python that an environment starts.

`activate` writes one file into a folder of the environment that Python's `site` module reads at
start-up. Its one line hangs a doorbell in sys.meta_path: until someone imports zmq, it costs a
comparison an import; then it calls `_activation`. The file is entered into zmqlite's RECORD, and
an installer removes it with zmqlite. Where it stays all the same when zmqlite is gone, it is
silent, and `import zmq` means what it meant before.
"""

from __future__ import annotations

import os
import site
import subprocess
import sys
import sysconfig
from pathlib import Path

from . import _record

__all__ = [
    "ActivationError",
    "Resolved",
    "activate",
    "active_files",
    "deactivate",
    "is_owned",
    "resolve",
]

# site reads these in the order of their names: this one late, so that the bell hangs in front
FILE = "zmqlite_as_zmq.pth"
REAL = __name__.rpartition(".")[0]

# find_spec runs under the import lock, where importing anything may be a deadlock: it looks for
# zmqlite, and the loader that it returns does the rest.
DOORBELL = """\
import sys

class Doorbell:
    def find_spec(self, name, path=None, target=None):
        if name == "zmq":
            for finder in sys.meta_path:
                found = finder is not self and finder.find_spec("zmqlite", None)
                if found and found.submodule_search_locations:
                    return self._describe(name, found.submodule_search_locations[0])

    def _describe(self, name, folder):
        folder += "/pyzmq"
        spec = type(sys.__spec__)(name, self, origin=folder + "/__init__.py", is_package=True)
        spec.submodule_search_locations.append(folder)
        return spec

    def create_module(self, spec):
        import zmqlite.pyzmq  # the whole first: two threads may be here
        from zmqlite.pyzmq._activation import FINDER, install
        install()
        spec.loader = FINDER.find_spec(spec.name).loader
        return spec.loader.create_module(spec)

    def exec_module(self, module):
        pass

    def find_distributions(self, context=None):
        if str(getattr(context, "name", None)).lower() == "pyzmq":
            try:
                from zmqlite.pyzmq._activation import FINDER
            except ModuleNotFoundError:
                return ()
            return FINDER.find_distributions(context)
        return ()

if not any(type(finder).__module__ == __name__ for finder in sys.meta_path):
    sys.meta_path.insert(0, Doorbell())  # site reads a venv's folders twice
"""
LINE = f"import sys; exec({DOORBELL!r}, {{'__name__': 'zmqlite_as_zmq'}})\n"

PROBE = """
import json
try:
    import zmq
except ImportError as error:
    print(json.dumps([None, "", str(error)]))
else:
    print(json.dumps([zmq.__name__, getattr(zmq, "__version__", ""), zmq.__file__]))
"""


class ActivationError(Exception):
    """The environment cannot be switched; the message says why, and what else to do."""


class Resolved:
    """What `import zmq` gives in a new process of this environment."""

    def __init__(self, name: str | None, version: str, where: str) -> None:
        self.name, self.version, self.where = name, version, where

    @property
    def ours(self) -> bool:
        """Whether it is zmqlite."""
        return self.name == REAL


def resolve() -> Resolved:
    """Start a Python as a user would, import zmq in it and return what that was.

    Its folder is the environment's own, so that a file called zmq.py here does not count.

    Raises:
        ActivationError: that Python did not start.

    """
    done = subprocess.run(
        [sys.executable, "-c", PROBE], cwd=sys.prefix, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise ActivationError(f"{sys.executable} does not start:\n{done.stderr}")
    # other start-up files may print, too
    import json

    name, version, where = json.loads(done.stdout.strip().rpartition("\n")[2])
    return Resolved(name, version, where)


def folder(user: bool = False) -> Path:
    """Return the folder that `activate` writes to: the environment's, or the user's own.

    Raises:
        ActivationError: this Python reads no such folder at start-up.

    """
    if user:
        if not site.ENABLE_USER_SITE:
            raise ActivationError("this Python does not look at the user's own packages")
        return Path(site.getusersitepackages())
    place = sysconfig.get_path("purelib")
    read = site.getsitepackages()
    if place not in read:  # some distributions install elsewhere than sysconfig says
        place = read[0]
    return Path(place)


def active_files() -> list[Path]:
    """Return every file by which this environment is switched, the user's own included."""
    folders = [*site.getsitepackages(), site.getusersitepackages()]
    paths = [Path(place, FILE) for place in dict.fromkeys(folders)]
    return [path for path in paths if path.exists()]


def _places(path: Path) -> list[Path]:
    """Return where the zmqlite may lie that owns a file: beside it, or in the same environment."""
    beside = path.parent
    if str(beside) not in site.getsitepackages():  # the user's own
        return [beside]
    # a virtual environment may see those of its base, too, which is no business of its own
    folders = [Path(folder) for folder in site.getsitepackages()]
    return [beside, *(folder for folder in folders if folder.is_relative_to(sys.prefix))]


def is_owned(path: Path) -> bool:
    """Tell whether uninstalling zmqlite removes a file that switches this environment."""
    return _record.holds(path, _places(path))


def activate(user: bool = False) -> Path:
    """Let every Python that this environment starts resolve `import zmq` to zmqlite.

    pyzmq may be installed there; it stays, unused. Returns the file that does it, which goes
    when zmqlite is uninstalled or replaced by another version. A new process is started to see
    that it works; if not, the file is taken away again.

    Raises:
        ActivationError: the folder cannot be written, or another `zmq` still comes first.

    """
    path = folder(user) / FILE
    fresh = path.with_suffix(f".{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh.write_text(LINE, encoding="ascii")
        fresh.replace(path)  # in one step: another Python may be starting
    except OSError as error:
        fresh.unlink(missing_ok=True)
        raise ActivationError(
            f"{path.parent} cannot be written ({error.strerror}): work in a virtual environment, "
            "or use --user"
        ) from error
    try:
        found = resolve()
        if not found.ours:
            raise ActivationError(f"`import zmq` still gives {found.where}")
    except BaseException:
        path.unlink()
        _record.strike(path, _places(path))
        raise
    _record.enter(path, _places(path))
    return path


def deactivate() -> list[Path]:
    """Undo `activate`, whether for the environment or the user, and return the files removed.

    Raises:
        ActivationError: a file cannot be removed.

    """
    removed: list[Path] = []
    for path in active_files():
        try:
            path.unlink()
        except OSError as error:
            raise ActivationError(f"{path} cannot be removed ({error.strerror})") from error
        _record.strike(path, _places(path))
        removed.append(path)
    return removed
