"""The numbers of our own options stand in one header, and in the patches that make them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from zmqlite._native import core

ROOT = Path(__file__).parents[1]
HEADER = ROOT / "zmqlite" / "_native" / "own_options.h"
PATCHES = ROOT / "vendor" / "libzmq" / "patches" / "faults"

pytestmark = pytest.mark.skipif(
    not HEADER.is_file(), reason="an installed package has not all sources"
)


def test_the_patches_have_the_same_numbers() -> None:
    ours = dict(re.findall(r"#define ZMQLITE_(\w+) (\d+)", HEADER.read_text()))
    added = "\n".join(
        line
        for patch in PATCHES.glob("*.patch")
        for line in patch.read_text().splitlines()
        if line.startswith("+")
    )
    theirs = set(re.findall(r"\b(23[1-9]\d\d)\b", added))
    assert theirs == set(ours.values())
    names = {
        "stream_hang_up": "STREAM_HANG_UP",
        "peers_count": "PEERS_COUNT",
        "peers_list": "PEERS_LIST",
        "peers_gone": "PEERS_GONE",
        "topic_takers": "TOPIC_TAKERS",
        "context_option": "CONTEXT_NUMBERS",
        "drop_option": "DROP_NEWEST",
        "unsent_report": "UNSENT_REPORT",
    }
    for inside, name in names.items():
        assert re.search(rf"\b{inside} = {ours[name]}\b", added), name
    assert re.search(rf"\+        option = {ours['NUMBERS']},", added)
    for name, number in core.OWN_OPTIONS.items():
        assert ours[name.upper()] == str(number)


def test_no_other_file_has_them() -> None:
    for path in sorted((ROOT / "zmqlite").rglob("*")):
        if path.suffix in (".py", ".pyi", ".pyx", ".pxi", ".pxd", ".h", ".hpp") and path != HEADER:
            assert not re.search(r"\b231[0-9]{2}\b", path.read_text()), path
