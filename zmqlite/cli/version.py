"""The command `version`: what this installation is made of."""

from __future__ import annotations

import argparse
import json
import platform

from .._build import (
    COMPILER,
    FEATURES,
    LIBSODIUM_VERSION,
    LIBZMQ_LACKS,
    LIBZMQ_PATCHES,
    LIBZMQ_SOURCE,
)
from .._native.core import zmq_version_info
from .._version import __version__
from .command import SUCCESS, Command
from .output import write


def facts() -> dict[str, str | list[str] | dict[str, str] | None]:
    """Return the versions and features of this installation, ready for JSON."""
    return {
        "zmqlite": __version__,
        "libzmq": ".".join(str(number) for number in zmq_version_info()),
        "libzmq_source": LIBZMQ_SOURCE,
        "libzmq_patches": list(LIBZMQ_PATCHES),
        "libzmq_lacks": dict(LIBZMQ_LACKS),
        "libsodium": LIBSODIUM_VERSION,
        "features": list(FEATURES),
        "compiler": COMPILER,
        "python": platform.python_version(),
        "platform": platform.platform(),
    }


def describe() -> list[str]:
    """Return the same facts as lines of plain text, the shortest summary first."""
    known = facts()
    sodium = known["libsodium"] or "none"
    features = ", ".join(FEATURES) or "none"
    patches = f"{len(LIBZMQ_PATCHES)} of zmqlite's own" if LIBZMQ_PATCHES else "none"
    if LIBZMQ_LACKS:
        patches += f"; {len(LIBZMQ_LACKS)} are missing, each with what would hold with it:"
    lacks = [f"          {name}: {sentence}" for name, sentence in LIBZMQ_LACKS]
    return [
        f"zmqlite {known['zmqlite']} (libzmq {known['libzmq']}, Python {known['python']})",
        f"libzmq    {known['libzmq']}, from {known['libzmq_source']}",
        f"patches   {patches}",
        *lacks,
        f"libsodium {sodium}",
        f"features  {features}",
        f"compiler  {known['compiler']}",
        f"platform  {known['platform']}",
    ]


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print the facts as JSON")


def run(arguments: argparse.Namespace) -> int:
    write(json.dumps(facts(), indent=2) if arguments.json else "\n".join(describe()))
    return SUCCESS


VERSION = Command("version", "Show what this installation is made of.", add_options, run)
