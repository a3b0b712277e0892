"""The verbs need the extra `cli`; their tests need processes and signals of Unix."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

collect_ignore_glob = []
if sys.platform == "win32" or not all(map(importlib.util.find_spec, ("click", "rich"))):
    collect_ignore_glob.append("test_*.py")


@pytest.fixture(autouse=True)
def no_colour_of_the_runner(monkeypatch: pytest.MonkeyPatch) -> None:
    """The one who runs the tests may have wished for colours."""
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def recording(tmp_path: Path) -> str:
    """A recording of two messages."""
    import io

    from zmqlite.cli.shared.recording import Writer

    data = io.BytesIO()
    Writer(data, type="PULL", endpoints=[]).write([[b"one"], [b"two", b"parts"]])
    file = tmp_path / "two.zmqrec"
    file.write_bytes(data.getvalue())
    return str(file)
