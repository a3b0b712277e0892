"""What pip leaves of an activation: real installs of a wheel, by the pip that runs these tests."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from pyzmq.environments import GUEST, PACKAGE, WHO, Environment, fails
from support import FACTOR

from zmqlite.pyzmq._environment import FILE

pytestmark = pytest.mark.skipif(importlib.util.find_spec("pip") is None, reason="needs pip")

METADATA = "Metadata-Version: 2.1\nName: zmqlite\nVersion: {}\n"
WHEEL = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: false\nTag: py3-none-any\n"
Wheel = Callable[..., Path]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Wheel:
    """A maker of wheels of the zmqlite that is tested: whole ones, or editable ones."""
    folder = tmp_path_factory.mktemp("wheels")

    def make(version: str = "1.0", editable: bool = False) -> Path:
        path = folder / str(editable) / f"zmqlite-{version}-py3-none-any.whl"
        path.parent.mkdir(exist_ok=True)
        files = {f"zmqlite-{version}.dist-info/METADATA": METADATA.format(version).encode()}
        files[f"zmqlite-{version}.dist-info/WHEEL"] = WHEEL.encode()
        if editable:
            files["__editable__.zmqlite.pth"] = f"{PACKAGE.parent}\n".encode()
        else:
            for file in PACKAGE.rglob("*"):
                if file.is_file() and "__pycache__" not in file.parts:
                    files[file.relative_to(PACKAGE.parent).as_posix()] = file.read_bytes()
        record = f"zmqlite-{version}.dist-info/RECORD"
        with zipfile.ZipFile(path, "w") as archive:
            for name, data in files.items():
                archive.writestr(name, data)
            archive.writestr(record, "".join(f"{name},,\n" for name in [*files, record]))
        return path

    return make


def pip(environment: Environment, *words: object) -> str:
    """Run pip for an environment and return what it said."""
    done = subprocess.run(
        [sys.executable, "-m", "pip", "--isolated", "--disable-pip-version-check", "--python",
         environment.executable, *map(str, words)],
        capture_output=True, text=True, check=False, timeout=60 * FACTOR,
        env={**Environment.inherited(), **environment.variables},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def install(environment: Environment, wheel: Path, *words: str) -> None:
    pip(environment, "install", "--no-index", "--no-deps", "--no-compile", *words, wheel)


def found(folder: Path) -> set[str]:
    """What lies in a folder, but for the caches that Python makes by itself."""
    names = {path.relative_to(folder).as_posix() for path in folder.rglob("*")}
    return {name for name in names if "__pycache__" not in name}


def quiet_start(environment: Environment) -> None:
    """Python starts without a word."""
    done = environment.start("-W", "error", "-v", "-c", "import json; print('alive')")
    assert (done.returncode, done.stdout) == (0, "alive\n")
    assert "zmqlite_as_zmq" not in done.stderr
    assert environment("import json; print('alive')") == "alive"


@pytest.mark.parametrize("editable", [False, True], ids=["wheel", "editable"])
def test_uninstalling_leaves_nothing(tmp_path: Path, wheel: Wheel, editable: bool) -> None:
    environment = Environment(tmp_path / "env", zmqlite=False)
    before = found(environment.site)
    install(environment, wheel(editable=editable))
    installed = found(environment.site)

    said = environment.tool("activate") + environment.tool("activate") + environment.tool("status")
    assert "left" not in said
    assert "own" not in said
    assert found(environment.site) == {*installed, FILE}
    assert FILE in pip(environment, "show", "-f", "zmqlite")
    assert environment(WHO) == GUEST

    pip(environment, "uninstall", "-y", "zmqlite")
    assert found(environment.site) == before
    quiet_start(environment)
    assert fails(environment, WHO) == "ModuleNotFoundError: No module named 'zmq'"


def test_deactivating_leaves_nothing(tmp_path: Path, wheel: Wheel) -> None:
    environment = Environment(tmp_path / "env", zmqlite=False)
    install(environment, wheel())
    [record] = environment.site.glob("*.dist-info/RECORD")
    before, files = record.read_bytes(), found(environment.site)
    environment.tool("activate")
    assert record.read_bytes() != before
    environment.tool("deactivate")
    assert (record.read_bytes(), found(environment.site)) == (before, files)


def test_another_version_comes_without_the_activation(tmp_path: Path, wheel: Wheel) -> None:
    environment = Environment(tmp_path / "env", zmqlite=False)
    install(environment, wheel("1.0"))
    environment.tool("activate")
    install(environment, wheel("1.1"))
    assert not (environment.site / FILE).exists()
    environment.tool("status", code=1)
    environment.tool("activate")
    assert environment(WHO) == GUEST


def test_what_an_earlier_installation_left_is_told(tmp_path: Path, wheel: Wheel) -> None:
    """As after an installer that keeps no RECORD: silent while zmqlite is gone, and then named."""
    environment = Environment(tmp_path / "env", zmqlite=False)
    install(environment, wheel())
    environment.tool("activate")
    left = (environment.site / FILE).read_bytes()
    pip(environment, "uninstall", "-y", "zmqlite")
    environment.site.mkdir(exist_ok=True)  # pip removes an empty one
    (environment.site / FILE).write_bytes(left)
    done = environment.start("-W", "error", "-c", "import json; print('alive')")
    assert (done.returncode, done.stdout, done.stderr) == (0, "alive\n", "")
    assert fails(environment, WHO) == "ModuleNotFoundError: No module named 'zmq'"

    install(environment, wheel())
    assert "does not own" in environment.tool("status")
    assert "was there already" in environment.tool("activate")
    assert "own" not in environment.tool("status")
    pip(environment, "uninstall", "-y", "zmqlite")
    assert not (environment.site / FILE).exists()


@pytest.mark.skipif(sys.platform == "win32", reason="folders that cannot be written")
def test_a_record_that_cannot_be_written(tmp_path: Path, wheel: Wheel) -> None:
    environment = Environment(tmp_path / "env", zmqlite=False)
    install(environment, wheel())
    [record] = environment.site.glob("*.dist-info/RECORD")
    before = record.read_bytes()
    code = """
import pathlib, sys
real = pathlib.Path.replace
def replace(self, target):
    if "RECORD" in self.name:
        raise PermissionError(13, "no")
    return real(self, target)
pathlib.Path.replace = replace
from zmqlite.pyzmq._environment import activate, is_owned
print(is_owned(activate()))
"""
    assert environment(code) == "False"
    assert record.read_bytes() == before
    assert found(environment.site) >= {FILE}
    assert not list(record.parent.glob("RECORD.*"))
    assert "does not own" in environment.tool("status")
    environment.tool("deactivate")


@pytest.mark.skipif(sys.platform == "win32", reason="the folder has another name")
def test_for_one_user_who_installed_it(tmp_path: Path, wheel: Wheel) -> None:
    if Path(sysconfig.get_path("stdlib"), "EXTERNALLY-MANAGED").exists():
        pytest.skip("pip may not install into this Python")
    environment = Environment(tmp_path / "env", zmqlite=False)
    # pip in a virtual environment takes nothing away that is not in it
    environment.executable = Path(os.path.realpath(environment.executable))
    home = tmp_path / "home"
    environment.variables["PYTHONUSERBASE"] = str(home)
    install(environment, wheel(), "--user", "--ignore-installed")
    said = environment.tool("activate", "--user") + environment.tool("status")
    assert str(home) in said
    assert "own:" not in said
    assert environment(WHO) == GUEST
    pip(environment, "uninstall", "-y", "zmqlite")
    left = [path for path in home.rglob("*") if path.is_file()]
    assert not [path for path in left if "__pycache__" not in path.parts]
    quiet_start(environment)


@pytest.mark.skipif(sys.platform == "win32", reason="the folder has another name")
def test_for_one_user_of_what_all_have(tmp_path: Path, wheel: Wheel) -> None:
    """Nothing of one user's is entered into a RECORD of all."""
    environment = Environment(tmp_path / "env", zmqlite=False, system=True)
    home = tmp_path / "home"
    environment.variables["PYTHONUSERBASE"] = str(home)
    install(environment, wheel(), "--ignore-installed")
    environment.tool("activate", "--user")
    assert environment(WHO) == GUEST
    assert "does not own" in environment.tool("status")
    [file] = home.rglob(FILE)
    assert str(file) in environment.tool("deactivate")
