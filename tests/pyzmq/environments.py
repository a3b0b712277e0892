"""Virtual environments for tests about activation: real ones, with links to what is installed.

Making one takes a tenth of a second, since nothing is copied and pip stays out of it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sysconfig
import venv
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest
from support import FACTOR

import zmqlite
import zmqlite.pyzmq

PACKAGE = Path(zmqlite.__file__).parent
GUEST = "zmqlite.pyzmq"
VERSION = zmqlite.pyzmq.__version__
WHO = "import zmq; print(zmq.__name__)"
METADATA = "import importlib.metadata as m; print(m.version('pyzmq'), m.version('PyZMQ'))"


SAME = f"""
import importlib, pkgutil, sys, collections, warnings
warnings.simplefilter("ignore")
import zmq
count = 0
for found in pkgutil.walk_packages(zmq.__path__, "zmq.", onerror=lambda name: None):
    if "__main__" in found.name or ".zmq" in found.name:
        continue
    real = "{GUEST}" + found.name[3:]
    try:
        module = importlib.import_module(found.name)
    except ImportError:  # needs tornado, gevent, or whatever is not here
        continue
    assert module is importlib.import_module(real) is sys.modules[found.name], found.name
    assert module.__name__ == module.__spec__.name == real, module.__spec__
    count += 1
loaded = collections.defaultdict(set)
for module in list(sys.modules.values()):
    file = getattr(module, "__file__", None)
    if file and "zmqlite" in file:
        loaded[file].add(id(module))
assert all(len(modules) == 1 for modules in loaded.values()), loaded
print(count > 20)
"""


def link(source: Path, target: Path) -> None:
    """Make source visible as target, by a link where the system lets us."""
    try:
        target.symlink_to(source, target_is_directory=True)
    except OSError:
        shutil.copytree(source, target)


class Environment:
    """A virtual environment, by default with zmqlite and nothing else."""

    def __init__(
        self, folder: Path, *, pyzmq: bool = False, zmqlite: bool = True, system: bool = False
    ) -> None:
        venv.EnvBuilder(symlinks=os.name != "nt", system_site_packages=system).create(folder)
        names = {"base": str(folder), "platbase": str(folder)}
        scheme = "venv" if "venv" in sysconfig.get_scheme_names() else None
        get = sysconfig.get_path
        self.folder = folder
        self.site = Path(get("purelib", scheme, names) if scheme else get("purelib", vars=names))
        scripts = get("scripts", scheme, names) if scheme else get("scripts", vars=names)
        self.executable = Path(scripts) / ("python.exe" if os.name == "nt" else "python")
        self.variables: dict[str, str] = {}
        if zmqlite:
            link(PACKAGE, self.site / "zmqlite")
        if pyzmq:
            self.add_pyzmq()

    def add_pyzmq(self) -> None:
        """Install the pyzmq that runs these tests."""
        try:
            files = distribution("pyzmq").files or []
        except PackageNotFoundError:
            pytest.skip("needs pyzmq")
        tops = {file.parts[0] for file in files if file.parts[0] != ".."}
        for top in sorted(tops - {"__pycache__"}):
            link(Path(str(distribution("pyzmq").locate_file(top))), self.site / top)

    def remove_zmqlite(self) -> None:
        """Take away what was linked, as uninstalling does."""
        target = self.site / "zmqlite"
        target.unlink() if target.is_symlink() else shutil.rmtree(target)

    @staticmethod
    def inherited() -> dict[str, str]:
        """Return what a program's environment has of ours."""
        drop = ("PYTHONPATH", "PYTHONHOME", "PYTHONSAFEPATH", "PYTHONWARNINGS", "VIRTUAL_ENV")
        return {k: v for k, v in os.environ.items() if k not in drop}

    def start(
        self,
        *words: object,
        input: str | None = None,
        cwd: Path | None = None,
        timeout: float = 30 * FACTOR,
    ) -> subprocess.CompletedProcess[str]:
        """Run the environment's Python to its end."""
        return subprocess.run(
            [str(self.executable), *map(str, words)],
            capture_output=True, text=True, check=False, timeout=timeout, input=input,
            cwd=cwd or self.folder, env={**self.inherited(), **self.variables},
        )  # fmt: skip

    def __call__(self, code: str, *flags: str, cwd: Path | None = None) -> str:
        """Run a program that must succeed without a word on stderr, and return what it printed."""
        done = self.start("-W", "error", *flags, "-c", code, cwd=cwd)
        assert (done.returncode, done.stderr) == (0, ""), done.stderr
        return done.stdout.strip()

    def tool(self, *words: object, code: int = 0) -> str:
        """Run `python -m zmqlite.pyzmq WORDS`, which must end with this exit code."""
        done = self.start("-W", "error", "-m", GUEST, *words)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr


def fails(environment: Environment, code: str, *flags: str) -> str:
    """Run a program that must end with an exception, and return that line."""
    done = environment.start(*flags, "-c", code)
    assert done.returncode == 1, done.stdout
    return done.stderr.strip().splitlines()[-1]
