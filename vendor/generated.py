"""Write the files of the package that only a build knows: _build.py, headers, licence texts."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterable
from pathlib import Path

from fetch import Source
from pins import read_pin


def write(path: Path, text: str) -> Path:
    """Write a file in one step, and only if it changes."""
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(f".{path.name}.{os.getpid()}")
        fresh.write_text(text, encoding="utf-8")
        fresh.replace(path)
    return path


def write_headers(include: Path, package: Path) -> None:
    """Copy the headers of the libzmq that was built, for people who cimport our declarations."""
    for name in ("zmq.h", "zmq_utils.h"):
        text = (include / name).read_text(encoding="utf-8", errors="replace")
        write(package / "include" / name, text)


def write_build_info(
    package: Path,
    include: Path,
    zmq: Source,
    sodium: Source | None,
    features: Iterable[str],
    compiler: str,
    switches: Iterable[str],
) -> None:
    """Write zmqlite/_build.py."""
    header = (include / "zmq.h").read_text(encoding="utf-8", errors="replace")
    # the one constant that changed its value between releases
    stop = re.search(r"#define ZMQ_RECONNECT_STOP_AFTER_DISCONNECT (\w+)", header)
    names = tuple(sorted(features))
    values = {
        "LIBZMQ_VERSION: tuple[int, int, int]": tuple(map(int, zmq.version.split("."))),
        "LIBZMQ_SOURCE: str": zmq.origin,
        "LIBZMQ_SHA256: str": zmq.sha256,
        "LIBZMQ_PATCHES: tuple[str, ...]": tuple(sorted(zmq.own_patches)),
        "LIBSODIUM_VERSION: str | None": sodium.version if sodium else None,
        "DRAFTS: bool": "drafts" in names,
        "FEATURES: tuple[str, ...]": names,
        "RECONNECT_STOP_AFTER_DISCONNECT: int": int(stop[1], 0) if stop else 0,
        "COMPILER: str": compiler,
        "SWITCHES: tuple[str, ...]": tuple(switches),
    }
    lines = ['"""How this copy of zmqlite was built (written by setup.py)."""', ""]
    lines += ["from __future__ import annotations", ""]
    lines += [f"{name} = {value!r}" for name, value in values.items()]
    write(package / "_build.py", "\n".join(lines) + "\n")


def write_licenses(package: Path, sources: Iterable[Source | None]) -> None:
    """Copy the licence texts of what is linked statically; texts of an earlier build go."""
    folder = package / "licenses"
    shutil.rmtree(folder, ignore_errors=True)
    for source in sources:
        if source is None or source.kind != "tree":
            continue
        for name in read_pin(source.name).licenses:
            text = Path(source.path) / name
            if text.is_file():
                flat = f"{source.name}-{name.replace('/', '-').removesuffix('.txt')}.txt"
                write(folder / flat, text.read_text(encoding="utf-8"))
