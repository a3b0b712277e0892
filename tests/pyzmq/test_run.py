"""`python -m zmqlite.pyzmq run`: a program and its children, and nothing else, have zmqlite."""

from __future__ import annotations

from pathlib import Path

import pytest
from pyzmq.environments import GUEST, METADATA, PACKAGE, SAME, VERSION, WHO, Environment

PROGRAM = """
import sys, subprocess
import zmq
assert sys.modules["__main__"].__dict__ is globals()
print(zmq.__name__, __name__, sys.argv[1:], sys.flags.optimize, flush=True)
if "child" not in sys.argv:
    subprocess.run([sys.executable, __file__, "child"], check=True)
    subprocess.run([sys.executable, "-c", "import zmq; print(zmq.__name__)"], cwd="/", check=True)
sys.exit(7)
"""


def test_run_a_script(any_environment: Environment, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM.replace("check=True", "").replace(", )", ")"))
    done = any_environment.start("-O", "-W", "error", "-m", GUEST, "run", program, "-m", "--x")
    assert (done.returncode, done.stderr) == (7, "")
    assert done.stdout.splitlines() == [
        f"{GUEST} __main__ ['-m', '--x'] 1",
        f"{GUEST} __main__ ['child'] 0",
        GUEST,
    ]


def test_run_a_module(any_environment: Environment, tmp_path: Path) -> None:
    (tmp_path / "module.py").write_text(PROGRAM.replace("check=True", ""))
    done = any_environment.start(
        "-W", "error", "-m", GUEST, "run", "-m", "module", "child", cwd=tmp_path
    )
    assert (done.returncode, done.stderr) == (7, "")
    assert done.stdout == f"{GUEST} __main__ ['child'] 0\n"


def test_run_anything_that_python_runs(any_environment: Environment) -> None:
    tool = any_environment.tool
    assert tool("run", "-c", WHO) == f"{GUEST}\n"
    assert tool("run", "-X", "dev", "-c", METADATA) == f"{VERSION} {VERSION}\n"
    done = any_environment.start("-m", GUEST, "run", "-", input=WHO)
    assert done.stdout == f"{GUEST}\n"
    assert tool("run", "-c", SAME) == "True\n"


def test_run_keeps_the_users_path(any_environment: Environment, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("name = 'mine'")
    any_environment.variables["PYTHONPATH"] = str(tmp_path)
    try:
        code = "import mine, zmq; print(mine.name, zmq.__name__)"
        assert any_environment.start("-m", GUEST, "run", "-c", code).stdout == f"mine {GUEST}\n"
    finally:
        del any_environment.variables["PYTHONPATH"]


def test_run_switches_nothing_for_others(both: Environment) -> None:
    both.tool("run", "-c", WHO)
    assert both(WHO) == "zmq"


@pytest.mark.parametrize("flag", ["-E", "-I"])
def test_run_needs_the_environment(bare: Environment, flag: str) -> None:
    done = bare.start(flag, "-m", GUEST, "run", "-c", WHO)
    assert done.returncode == 1
    assert "switch off" in done.stderr


def test_a_child_of_another_environment(tmp_path: Path, bare: Environment) -> None:
    """It gets the same zmqlite as long as its Python can load it."""
    other = Environment(tmp_path / "other", zmqlite=False)
    code = f"import subprocess; subprocess.run([{str(other.executable)!r}, '-c', {WHO!r}])"
    assert bare.tool("run", "-c", code) == f"{GUEST}\n"


def test_a_child_that_cannot_load_zmqlite(tmp_path: Path) -> None:
    """Another Python, as it were: it finds the folder on PYTHONPATH, but no compiled core."""
    folder = tmp_path / "elsewhere" / "zmqlite"
    for file in PACKAGE.rglob("*.py"):
        target = folder / file.relative_to(PACKAGE)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(file.read_bytes())
    for pyzmq in (False, True):
        other = Environment(tmp_path / f"other{pyzmq}", zmqlite=False, pyzmq=pyzmq)
        other.variables["PYTHONPATH"] = str(folder / "pyzmq" / "_path")
        done = other.start("-W", "error", "-c", WHO)
        if pyzmq:
            assert (done.returncode, done.stdout, done.stderr) == (0, "zmq\n", "")
        else:
            assert "ModuleNotFoundError: No module named 'zmq'" in done.stderr


def test_a_faulty_command_line(bare: Environment) -> None:
    assert "COMMAND" in bare.tool(code=2)
    assert "run" in bare.tool("--help")
    assert "invalid choice" in bare.tool("sideways", code=2)
