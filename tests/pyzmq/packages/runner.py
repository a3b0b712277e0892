"""Run the suites of packages that use pyzmq, with pyzmq and then with zmqlite in its place.

One virtual environment: everything runs in it as it is, then `python -m zmqlite.pyzmq activate`
switches it over, everything runs again, and `deactivate` leaves it as it was. A test that passes
before and not after is a difference; it is run once more by itself, since a suite may have tests
that fail now and then with pyzmq as well. Differences that are left must be accepted in
`suites.py`, with a reason.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
import venv
from collections.abc import Sequence
from pathlib import Path

import junit
from suites import EXTRAS, SUITES, TOOLS, Suite

HERE = Path(__file__).resolve().parent
CHECKOUT = HERE.parents[2]
CONSTRAINTS = HERE / "constraints.txt"
RESULTS = HERE / "results.json"
GUEST = "zmqlite.pyzmq"
WITH_PYZMQ, WITH_US = "pyzmq", "zmqlite"


def say(text: str) -> None:
    print(text, flush=True)


class Workshop:
    """The environment, the sdists and the results of one run."""

    def __init__(self, folder: Path, cache: Path) -> None:
        self.folder, self.cache = folder, cache
        self.python = folder / "env" / "bin" / "python"
        self.home = folder / "home"
        self.variables = {
            "HOME": str(self.home),
            "PATH": f"{self.python.parent}{os.pathsep}{os.environ['PATH']}",
            "LC_ALL": "C.UTF-8",
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        for name, value in os.environ.items():
            if name in ("TMPDIR", "SSL_CERT_FILE", "USER") or name.startswith(
                ("PIP_", "CC", "CXX")
            ):
                self.variables[name] = value

    def call(self, *words: object, **more: str) -> str:
        """Run something that must succeed; show what it said only if it does not."""
        done = subprocess.run(
            list(map(str, words)), capture_output=True, text=True, check=False, cwd=self.folder,
            env={**self.variables, **more},
        )  # fmt: skip
        if done.returncode:
            raise SystemExit(f"{done.stdout}{done.stderr}\nthis failed: {words}")
        return done.stdout

    def pip(self, *words: object) -> None:
        # pip keeps its cache and its settings where the user has them
        self.call(self.python, "-m", "pip", "-q", *words, HOME=os.environ.get("HOME", "/"))

    def prepare(self, suites: Sequence[Suite], zmqlite: str) -> None:
        """Make the environment, with pyzmq in charge."""
        self.home.mkdir(parents=True)
        venv.EnvBuilder(symlinks=True, with_pip=True).create(self.folder / "env")
        wanted = [f"{s.name}[{EXTRAS[s.name]}]" if s.name in EXTRAS else s.name for s in suites]
        self.pip("install", "-c", CONSTRAINTS, "pyzmq", *TOOLS, *wanted)
        self.pip("install", "--no-deps", zmqlite)

    def fetch(self, suite: Suite) -> Path:
        """Unpack the sdist, from the cache if it is there, and return the folder to test in."""
        self.cache.mkdir(parents=True, exist_ok=True)
        archive = self.cache / f"{suite.name}-{suite.version}.tar.gz"
        if not archive.is_file():
            with tempfile.TemporaryDirectory(dir=self.cache) as fresh:
                words = ("download", "--no-deps", "--no-binary", suite.name, "-d", fresh)
                self.pip(*words, suite.requirement)
                next(Path(fresh).iterdir()).replace(archive)
        digest = hashlib.sha256(archive.read_bytes()).hexdigest()
        if digest != suite.sha256:
            raise SystemExit(f"{archive} has the hash {digest}, not {suite.sha256}")
        source, target = self.folder / "sdist", self.folder / "suites" / suite.name
        with tarfile.open(archive) as tar:
            tar.extractall(
                source, **({"filter": "data"} if hasattr(tarfile, "data_filter") else {})
            )
        root = next(source.glob("*"))
        target.mkdir(parents=True)
        for name in suite.copy or [p.name for p in root.iterdir()]:
            shutil.move(root / name, target / Path(name).name)
        shutil.rmtree(source)
        return target

    def test(
        self, suite: Suite, side: str, arguments: Sequence[str], tag: str = ""
    ) -> junit.Outcomes:
        """Run pytest once and return the outcome of each test."""
        base = self.folder / f"{suite.name}-{side}{tag}"
        report, log = base.with_suffix(".xml"), base.with_suffix(".log")
        words = [
            str(self.python), "-m", "pytest", "-q", "-p", "no:cacheprovider",
            f"--junitxml={report}", f"--timeout={suite.test_seconds}", *arguments,
        ]  # fmt: skip
        with log.open("w") as output:
            process = subprocess.Popen(
                words, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                env=self.variables, cwd=self.folder / "suites" / suite.name,
                start_new_session=True,
            )  # fmt: skip
            try:
                process.wait(suite.seconds)
            except subprocess.TimeoutExpired:
                say(f"{suite.name} with {side} does not end within {suite.seconds} s")
            finally:  # the kernels and other children that it may have left
                if hasattr(os, "killpg"):
                    with contextlib.suppress(ProcessLookupError):
                        os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        if not report.is_file():
            say(f"{log.read_text(errors='replace')[-3000:]}\n{suite.name}: no report")
            return {}
        return junit.outcomes(report)

    def run_all(
        self, suites: Sequence[Suite], side: str, quick: bool
    ) -> dict[str, junit.Outcomes]:
        """Run every suite and return its outcomes, by the name of the package."""
        results = {}
        for suite in suites:
            start = time.monotonic()
            found = self.test(suite, side, suite.quick if quick else suite.arguments)
            numbers = ", ".join(f"{n} {word}" for word, n in junit.counts(found).items())
            took = time.monotonic() - start
            say(f"{suite.name} {suite.version} with {side}: {numbers} ({took:.0f} s)")
            results[suite.name] = found
        return results

    def once_more(self, suite: Suite, names: Sequence[str], found: junit.Outcomes) -> None:
        """Run some tests by themselves, and believe what that says."""
        arguments = [word for word in suite.arguments if word != "tests"]
        again = self.test(suite, WITH_US, [*arguments, *map(node, names)], "-again")
        for name in names:
            if again.get(name) == junit.PASSED:
                say(f"    unsteady, passes by itself: {name}")
                found[name] = junit.PASSED


def node(name: str) -> str:
    """Return pytest's name for a test that the JUnit file calls "package.module.Class::test"."""
    path, _, test = name.partition("::")
    words = path.split(".")
    classes = [word for word in words if word[:1].isupper()]
    modules = [word for word in words if not word[:1].isupper()]
    return "::".join(["/".join(modules) + ".py", *classes, test])


def compare(
    workshop: Workshop, suites: Sequence[Suite], sides: dict[str, dict[str, junit.Outcomes]]
) -> int:
    """Print what differs, and return how many differences nobody accepted."""
    bad = 0
    for suite in suites:
        theirs, ours = sides[WITH_PYZMQ][suite.name], sides[WITH_US][suite.name]
        names = [name for name in junit.lost(theirs, ours) if name not in suite.accepted]
        if not theirs:
            bad += 1
        if 0 < len(names) <= 20:
            workshop.once_more(suite, names, ours)
        for name in junit.lost(theirs, ours):
            reason = suite.accepted.get(name)
            how = ours.get(name, "missing")
            say(f"    {suite.name}: {name}: {how} ({reason or 'a difference'})")
            bad += reason is None
        for name in suite.accepted:
            if ours.get(name) == junit.PASSED:
                say(f"    {suite.name}: {name} passes: take it from the accepted ones")
                bad += 1
    return bad


def record(suites: Sequence[Suite], sides: dict[str, dict[str, junit.Outcomes]]) -> None:
    """Write the counts that the documentation prints."""
    rows = []
    for suite in suites:
        theirs, ours = sides[WITH_PYZMQ][suite.name], sides[WITH_US][suite.name]
        rows.append({
            "name": suite.name, "version": suite.version, "about": suite.about,
            WITH_PYZMQ: junit.counts(theirs), WITH_US: junit.counts(ours),
            "lost": {name: suite.accepted.get(name, "?") for name in junit.lost(theirs, ours)},
            "gained": len(junit.gained(theirs, ours)),
        })  # fmt: skip
    RESULTS.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


def main(words: Sequence[str]) -> int:
    """Run it all; 0 if no test that passes with pyzmq fails with zmqlite."""
    parser = argparse.ArgumentParser(prog="run-packages", description=__doc__)
    parser.add_argument("packages", nargs="*", help="which ones (default: all)")
    parser.add_argument("--quick", action="store_true", help="the part of each suite that CI runs")
    parser.add_argument(
        "--zmqlite", default=str(CHECKOUT), help="what pip installs: a wheel, a folder"
    )
    parser.add_argument(
        "--keep", type=Path, help="work in this folder, which must be new, and keep it"
    )
    parser.add_argument(
        "--record", action="store_true", help="write the counts for the documentation"
    )
    arguments = parser.parse_args(words)
    suites = [s for s in SUITES if not arguments.packages or s.name in arguments.packages]
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "zmqlite" / "packages"
    with tempfile.TemporaryDirectory(prefix="zmqlite-packages.") as temporary:
        folder = (arguments.keep or Path(temporary) / "work").absolute()
        folder.mkdir(parents=True)
        workshop = Workshop(folder, cache)
        workshop.prepare(suites, arguments.zmqlite)
        for suite in suites:
            workshop.fetch(suite)
        sides = {WITH_PYZMQ: workshop.run_all(suites, WITH_PYZMQ, arguments.quick)}
        say(workshop.call(workshop.python, "-m", GUEST, "activate").strip())
        sides[WITH_US] = workshop.run_all(suites, WITH_US, arguments.quick)
        bad = compare(workshop, suites, sides)
        workshop.call(workshop.python, "-m", GUEST, "deactivate")
        if "zmqlite" in workshop.call(workshop.python, "-c", "import zmq; print(zmq.__name__)"):
            raise SystemExit("deactivate left something behind")
        if arguments.record:
            record(suites, sides)
    passed = sum(junit.counts(found)[junit.PASSED] for found in sides[WITH_US].values())
    say(f"with zmqlite {passed} pass; not as with pyzmq, and not accepted: {bad}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
