"""Build stress.cpp with the archive that ships, under ThreadSanitizer, and run it.

    python tests/fuzz/threads.py        # 60 rounds: three minutes on two cores
    python tests/fuzz/threads.py 1000   # so many

Needs what run.py needs. A race, or a payload that arrives changed, fails the run.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
BUILD = ROOT / "build" / "threads"


def build() -> Path:
    """Compile the archive and the program; return the program."""
    BUILD.mkdir(parents=True, exist_ok=True)
    compilers = {"CC": os.environ.get("CC", "clang"), "CXX": os.environ.get("CXX", "clang++")}
    recipe = BUILD / "archives.json"
    subprocess.run(
        [sys.executable, "setup.py", "-q", "archives", f"--into={recipe}"],
        cwd=ROOT,
        env={**os.environ, **compilers, "ZMQLITE_SANITIZE": "thread"},
        check=True,
    )
    how = json.loads(recipe.read_text(encoding="utf-8"))
    words = [word for word in how["compile"] if "-std=" not in word]
    program = BUILD / "stress"
    command = [*words, "-std=c++17", str(HERE / "stress.cpp"), "-o", str(program), *how["link"]]
    subprocess.run(command, check=True)
    return program


def main() -> int:
    options = "halt_on_error=0:exitcode=66:second_deadlock_stack=1"
    command = [str(build()), *(sys.argv[1:2] or ["60"])]
    done = subprocess.run(command, env={**os.environ, "TSAN_OPTIONS": options}, check=False)
    print("found nothing" if not done.returncode else f"ended with {done.returncode}")
    return 1 if done.returncode else 0


if __name__ == "__main__":
    if not shutil.which(os.environ.get("CXX", "clang++")):
        sys.exit("this needs clang++ (Debian: clang, libclang-rt-dev), or CXX")
    sys.exit(main())
