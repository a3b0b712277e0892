"""Drive a compiler: one object, one archive, one probe. Which flags, is setup.py's to say."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sysconfig
import tempfile
from pathlib import Path
from typing import Any

from archive import Recipe


def command(variable: str, fallback: str) -> list[str]:
    """Return a tool's command: from the environment, from how Python was built, or `fallback`."""
    configured = os.environ.get(variable) or sysconfig.get_config_var(variable) or fallback
    words = shlex.split(configured)
    # Python may have been built by a compiler that this machine does not have
    return words if shutil.which(words[0]) else [fallback]


def identify(words: list[str]) -> str:
    """Return the first line of `compiler --version`; stop with advice if there is none."""
    try:
        answer = subprocess.run([*words, "--version"], capture_output=True, text=True, check=False)
    except OSError as error:
        raise SystemExit(
            f"zmqlite: no compiler: {words[0]} cannot be started ({error}); install one "
            "(g++ or clang++) or name it in CC and CXX"
        ) from error
    return (answer.stdout.splitlines() or ["unknown"])[0]


def run(words: list[str]) -> None:
    """Run a tool; stop the build with the command and what it said if it fails."""
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(
            f"zmqlite: this command failed:\n{shlex.join(words)}\n{done.stdout}{done.stderr}"
        )


class UnixToolchain:
    """gcc or clang, called without Python's own flags, so one archive serves every Python."""

    suffix = ".a"

    def __init__(self, cc: list[str], cxx: list[str], ar: list[str], root_flag: str = "") -> None:
        """Take commands, and a flag with {root} and {name}: paths must not enter a key."""
        self.cc, self.cxx, self.ar, self.root_flag = cc, cxx, ar, root_flag
        names = (identify(cc), identify(cxx), sysconfig.get_platform(), root_flag)
        self.identity = "; ".join(names)

    def compile(self, source: Path, target: Path, recipe: Recipe, headers: Path) -> None:
        """Compile one C, C++ or assembler file."""
        cxx = source.suffix == ".cpp"
        words = [*(self.cxx if cxx else self.cc), *(recipe.cxx_flags if cxx else recipe.c_flags)]
        words += [f"-D{name}={value}" for name, value in recipe.macros]
        words += [f"-I{path}" for path in (headers, headers / "sodium", *recipe.includes)]
        if self.root_flag:
            words.append(self.root_flag.format(root=recipe.root, name=recipe.name))
        words += recipe.flags_for(source)
        run([*words, "-c", str(source), "-o", str(target)])

    def archive(self, objects: list[Path], target: Path) -> None:
        """Pack objects into a static library."""
        run([*self.ar, "rcs", str(target), *map(str, objects)])


class MsvcToolchain:
    """MSVC, found by setuptools (never run by us: no Windows at hand)."""

    suffix = ".lib"

    def __init__(self, compiler: Any) -> None:
        self.compiler = compiler
        if not compiler.initialized:
            compiler.initialize()
        self.identity = f"msvc {compiler.cc}; {sysconfig.get_platform()}"

    def compile(self, source: Path, target: Path, recipe: Recipe, headers: Path) -> None:
        """Compile one C or C++ file."""
        cxx = source.suffix == ".cpp"
        words = [self.compiler.cc, "/nologo", "/c", *(recipe.cxx_flags if cxx else recipe.c_flags)]
        words += [f"/D{name}={value}" for name, value in recipe.macros]
        paths = [headers, headers / "sodium", *recipe.includes, *self.compiler.include_dirs]
        words += [f"/I{path}" for path in paths]
        self.compiler.spawn([*words, f"/T{'p' if cxx else 'c'}{source}", f"/Fo{target}"])

    def archive(self, objects: list[Path], target: Path) -> None:
        """Pack objects into a static library."""
        self.compiler.spawn([self.compiler.lib, "/nologo", f"/OUT:{target}", *map(str, objects)])


def probe(cxx: list[str], program: str, *extra: str, execute: bool = False) -> str | None:
    """Compile and link a program; return what it prints ("" if not executed), None on failure."""
    with tempfile.TemporaryDirectory(prefix="zmqlite-probe-") as work:
        source, target = Path(work) / "probe.cpp", Path(work) / "probe"
        source.write_text(program, encoding="utf-8")
        words = [*cxx, "-w", str(source), "-o", str(target), *extra]
        if subprocess.run(words, capture_output=True, check=False).returncode:
            return None
        if not execute:
            return ""
        done = subprocess.run([str(target)], capture_output=True, text=True, check=False)
        return done.stdout if done.returncode == 0 else None


def pkg_config(option: str, *names: str) -> list[str]:
    """Ask pkg-config about the first of `names` that it knows; stop with advice if none is."""
    tool = os.environ.get("PKG_CONFIG") or "pkg-config"
    for name in names:
        done = subprocess.run([tool, option, name], capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return shlex.split(done.stdout)
    raise SystemExit(
        f"zmqlite: pkg-config finds none of {', '.join(names)}; install its development package "
        "or leave out the switch that asks for it"
    )
