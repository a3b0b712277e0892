"""Build the fuzzers with the archive that ships, under sanitizers, and run them.

Address, undefined behaviour, and arithmetic that wraps (but for the places in `wraps.txt`).

    python tests/fuzz/run.py                        # two minutes over all targets
    python tests/fuzz/run.py --seconds 3600         # an hour over all targets
    python tests/fuzz/run.py --runs 1000000 ws-server   # so many inputs for one target
    python tests/fuzz/run.py --replay ws-server crash-...   # one input again, with its report

Needs clang with its runtime (Debian: clang, libclang-rt-dev) and what setup.py needs. Inputs
that once reached something new are kept in `corpus/`, one file a target, an input a line in
base64; `--keep` writes what a run has added. What is found is left as a file, and the run fails.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
CORPUS = HERE / "corpus"
BUILD = ROOT / "build" / "fuzz"
SANITIZERS = "address,undefined,integer"
ROLES = ["null", "plain", "curve", "old", "ws"]
SESSIONS = [f"{role}-{side}" for role in ROLES for side in ("server", "client")]
SESSIONS += ["socks", "udp", "subscriptions", "groups", "routing", "heartbeats", "ws-heartbeats"]
TARGETS = ["decoders", *SESSIONS]
ENVIRONMENT = {
    # a peer announces more than there is: that is a refusal, not a find
    "ASAN_OPTIONS": "allocator_may_return_null=1:max_allocation_size_mb=32:detect_leaks=0",
    "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
}
SHARE = 0.3
"""The part of the time that the decoders get: they are much faster than whole sockets."""


@dataclass
class Outcome:
    """What a target did."""

    target: str
    runs: int
    seconds: float
    coverage: int
    found: list[Path]
    log: str


def build() -> dict[str, Path]:
    """Compile the archive and both programs; return the programs by name."""
    BUILD.mkdir(parents=True, exist_ok=True)
    compilers = {"CC": os.environ.get("CC", "clang"), "CXX": os.environ.get("CXX", "clang++")}
    environment = {**os.environ, **compilers}
    environment["ZMQLITE_SANITIZE"] = f"{SANITIZERS},fuzzer-no-link"
    for name in ("CFLAGS", "CXXFLAGS"):
        environment[name] = f"{os.environ.get(name, '')} -fsanitize-ignorelist={HERE}/wraps.txt"
    recipe = BUILD / "archives.json"
    subprocess.run(
        [sys.executable, "setup.py", "-q", "archives", f"--into={recipe}"],
        cwd=ROOT,
        env=environment,
        check=True,
    )
    how = json.loads(recipe.read_text(encoding="utf-8"))
    words = [w.replace("fuzzer-no-link", "fuzzer") for w in how["compile"] if "-std=" not in w]
    programs = {}
    for name in ("decoders", "sessions"):
        programs[name] = BUILD / name
        own = ["-std=c++17", "-fno-sanitize=integer", f"-I{HERE}", str(HERE / f"{name}.cpp")]
        command = [*words, *own]
        subprocess.run([*command, "-o", str(programs[name]), *how["link"]], check=True)
    return programs


def unpack(target: str, folder: Path) -> None:
    """Write the kept inputs of a target as libFuzzer wants them: a file each."""
    kept = CORPUS / f"{target}.txt"
    lines = kept.read_text(encoding="ascii").split() if kept.exists() else []
    for number, line in enumerate(lines):
        (folder / f"kept-{number:04}").write_bytes(base64.b64decode(line))


def keep(target: str, program: Path, folder: Path) -> None:
    """Reduce what a run has collected to what reaches something new, and keep that."""
    with tempfile.TemporaryDirectory(prefix="zmqlite-fuzz-") as work:
        small = Path(work)
        command = [str(program), "-merge=1", "-rss_limit_mb=0", str(small), str(folder)]
        subprocess.run(command, env=environment_of(target), capture_output=True, check=False)
        inputs = sorted((p.read_bytes() for p in small.iterdir()), key=lambda b: (len(b), b))
    lines = [base64.b64encode(data).decode() for data in inputs if len(data) <= 200][:400]
    CORPUS.mkdir(exist_ok=True)
    (CORPUS / f"{target}.txt").write_text("\n".join(lines) + "\n", encoding="ascii")


def environment_of(target: str) -> dict[str, str]:
    return {**os.environ, **ENVIRONMENT, "FUZZ_TARGET": target}


def run(target: str, program: Path, folder: Path, limit: list[str]) -> Outcome:
    """Run one target and read its report."""
    artifacts = BUILD / "found" / target
    artifacts.mkdir(parents=True, exist_ok=True)
    before = set(artifacts.iterdir())
    options = [*limit, "-rss_limit_mb=0", "-timeout=25", "-max_len=1000", "-print_final_stats=1"]
    started = time.monotonic()
    done = subprocess.run(
        [str(program), *options, f"-artifact_prefix={artifacts}/", str(folder)],
        env=environment_of(target),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    log = done.stdout.decode(errors="replace")
    runs = re.search(r"stat::number_of_executed_units:\s*(\d+)", log)
    coverage = re.findall(r"cov: (\d+)", log)
    found = sorted(set(artifacts.iterdir()) - before)
    if done.returncode and not found:
        found = [artifacts]
    return Outcome(
        target,
        int(runs[1]) if runs else 0,
        time.monotonic() - started,
        int(coverage[-1]) if coverage else 0,
        found,
        log,
    )


def limit_for(target: str, targets: list[str], options: argparse.Namespace) -> list[str]:
    """Say how long a target may run."""
    if options.runs:
        return [f"-runs={options.runs}"]
    sessions = sum(t != "decoders" for t in targets)
    share = SHARE if sessions else 1.0
    if target != "decoders":
        share = (1 - SHARE * ("decoders" in targets)) / sessions
    return [f"-max_total_time={max(1, round(options.seconds * share))}"]


def replay(programs: dict[str, Path], target: str, inputs: list[str]) -> int:
    """Run single inputs a hundred times each: what depends on time may not show at once."""
    program = programs["decoders" if target == "decoders" else "sessions"]
    command = [str(program), "-rss_limit_mb=0", "-runs=100", *inputs]
    print(f"FUZZ_TARGET={target} {shlex.join(command)}")
    return subprocess.run(command, env=environment_of(target), check=False).returncode


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=", ".join(TARGETS))
    parser.add_argument("--seconds", type=float, default=120, help="for all targets together")
    parser.add_argument("--runs", type=int, help="inputs for each target, instead of a time")
    parser.add_argument("--keep", action="store_true", help="keep what reached something new")
    parser.add_argument("--replay", action="store_true", help="TARGET INPUT...: run these again")
    options = parser.parse_args()
    programs = build()
    if options.replay:
        return replay(programs, options.targets[0], options.targets[1:])
    targets = options.targets or TARGETS
    if unknown := set(targets) - set(TARGETS):
        parser.error(f"no such target: {', '.join(sorted(unknown))}")
    outcomes = []
    print(f"{'target':<16}{'inputs':>12}{'per second':>12}{'edges':>8}")
    for target in targets:
        program = programs["decoders" if target == "decoders" else "sessions"]
        folder = BUILD / "corpus" / target
        folder.mkdir(parents=True, exist_ok=True)
        unpack(target, folder)
        outcome = run(target, program, folder, limit_for(target, targets, options))
        outcomes.append(outcome)
        rate = outcome.runs / max(outcome.seconds, 0.001)
        print(f"{target:<16}{outcome.runs:>12,}{rate:>12,.0f}{outcome.coverage:>8,}", flush=True)
        for path in outcome.found:
            print(outcome.log[-6000:])
            print(f"FOUND {path}: python tests/fuzz/run.py --replay {target} {path}")
        if options.keep and not outcome.found:
            keep(target, program, folder)
    total = sum(outcome.runs for outcome in outcomes)
    found = sum(len(outcome.found) for outcome in outcomes)
    print(f"{total:,} inputs, {found} found")
    return 1 if found else 0


if __name__ == "__main__":
    if not shutil.which(os.environ.get("CXX", "clang++")):
        sys.exit("this needs clang++ (Debian: clang, libclang-rt-dev), or CXX")
    sys.exit(main())
