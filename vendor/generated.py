"""Write the files of the package that only a build knows: _build.py, headers, licence texts."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterable
from pathlib import Path

from fetch import Source
from index import lacking, needless
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
    archives: Iterable[str] = (),
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
        "LIBZMQ_MENDED: tuple[str, ...]": tuple(needless(read_pin("libzmq"), zmq.version)),
        "LIBZMQ_LACKS: tuple[tuple[str, str], ...]": tuple(
            lacking(read_pin("libzmq"), zmq.version, zmq.own_patches)
        ),
        "LIBSODIUM_VERSION: str | None": sodium.version if sodium else None,
        "DRAFTS: bool": "drafts" in names,
        "FEATURES: tuple[str, ...]": names,
        "RECONNECT_STOP_AFTER_DISCONNECT: int": int(stop[1], 0) if stop else 0,
        "COMPILER: str": compiler,
        "SWITCHES: tuple[str, ...]": tuple(switches),
        # by name: the cache may hold newer ones, of other trees
        "ARCHIVES: tuple[str, ...]": tuple(Path(archive).name for archive in archives),
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
        if source.own_patches:
            write(folder / f"{source.name}-MODIFIED.txt", _notice(source))


NOTICE = """\
The {name} {version} inside zmqlite was modified by the zmqlite authors.

It was made from {origin}, with these changes, each described at the head of its patch:

{patches}

The modified source is in zmqlite's source distribution (sdist) of the same version, below
vendor/{name}/unpacked, and the patches are below vendor/{name}/patches there and in zmqlite's
repository.
{terms}"""

TERMS = {
    "libzmq": """
The patches, and what is built from them, stand under libzmq's own licence: the GNU Lesser General
Public License, version 3 or later, for libzmq 4.3.4, and the Mozilla Public License 2.0 for later
versions. The special exception that libzmq's copyright holders grant for linking (at the end of
libzmq-COPYING.LESSER.txt) is extended to this version of the library:

    As a special exception, permission is given to link this library with independent modules to
    produce an executable, regardless of the licence terms of these independent modules, and to
    copy and distribute the resulting executable under terms of your choice, provided that you
    also meet, for each linked independent module, the terms and conditions of the licence of that
    module. An independent module is a module which is not derived from or based on this library.
    If you modify this library, you must extend this exception to your version of the library.
""",
}


def _notice(source: Source) -> str:
    patches = "\n".join(f"    {name}" for name in source.own_patches)
    return NOTICE.format(
        name=source.name,
        version=source.version,
        origin=source.origin,
        patches=patches,
        terms=TERMS.get(source.name, ""),
    )
