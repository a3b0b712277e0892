"""Compile libzmq and libsodium for Windows with mingw-w64, and link them to windows.cpp.

    python .ci/windows.py FOLDER      leaves FOLDER/windows.exe, which Wine can run

The macros are those of setup.py and vendor/features.py for Windows, so that a file that does not
compile there, or a function that is missing, is found without one. What this cannot show: the
extension itself (its headers of Python come from Microsoft's compiler), and that compiler.
"""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "vendor"))

import features  # noqa: E402  (from vendor/)
import fetch  # noqa: E402

CC, CXX = "x86_64-w64-mingw32-gcc-posix", "x86_64-w64-mingw32-g++-posix"
MACROS = [
    "-DZMQ_CUSTOM_PLATFORM_HPP=1", "-DZMQ_STATIC=1", "-D_WIN32_WINNT=0x0A00",
    "-DFD_SETSIZE=16384", "-DWIN32_LEAN_AND_MEAN=1", "-DZMQ_BUILD_DRAFT_API=1",
]  # fmt: skip
LIBRARIES = ["-lws2_32", "-lrpcrt4", "-liphlpapi", "-ladvapi32"]
# wepoll spells these as Windows does, where the case of a file's name says nothing
SPELLINGS = ("WS2tcpip.h", "WinSock2.h", "Windows.h")


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def main(out: Path) -> None:
    """Compile everything, in parallel, and link it."""
    zmq, sodium = (Path(fetch.obtain(name, print).path) for name in ("libzmq", "libsodium"))
    generated = out / "include"
    platform = features.libzmq_platform("win32", {}, ["curve", "drafts", "ws"])
    write(generated / "platform.hpp", platform)
    version = features.sodium_version_header(sodium, sodium.name.partition("-")[0])
    write(generated / "sodium" / "version.h", version)
    for name in SPELLINGS:
        write(generated / name, f"#include <{name.lower()}>\n")

    below = sodium / "src" / "libsodium"
    headers = [below / "include", below / "include" / "sodium", generated / "sodium", generated]
    includes = [f"-I{path}" for path in (zmq / "include", zmq / "src", *headers)]
    sodium_macros = features.libsodium_macros("win32", "win-amd64", {})
    flags = {
        "zmq": [*MACROS, *includes],
        "sodium": [*(f"-D{name}={value}" for name, value in sodium_macros.items()), *includes],
    }
    sources = [(path, "zmq") for path in sorted((zmq / "src").glob("*.cpp"))]
    sources = [pair for pair in sources if not pair[0].name.startswith("wss_")]
    external = zmq / "external"
    sources += [(external / "sha1" / "sha1.c", "zmq"), (external / "wepoll" / "wepoll.c", "zmq")]
    sources += [(path, "sodium") for path in sorted(below.rglob("*.c"))]
    sources += [(HERE / "windows.cpp", "zmq")]

    def compile_one(pair: tuple[Path, str]) -> str:
        source, owner = pair
        target = out / f"{sha256(str(source).encode()).hexdigest()[:12]}.o"
        compiler = [CXX, "-std=gnu++14"] if source.suffix == ".cpp" else [CC]
        words = [*compiler, "-O1", "-w", *flags[owner], "-c", str(source), "-o", str(target)]
        subprocess.run(words, check=True)
        return str(target)

    with ThreadPoolExecutor() as pool:
        objects = list(pool.map(compile_one, sources))
    program = out / "windows.exe"
    subprocess.run([CXX, "-static", *objects, *LIBRARIES, "-o", str(program)], check=True)
    print(f"{len(objects)} files compiled for Windows")


if __name__ == "__main__":
    main(Path(sys.argv[1]).absolute())
