"""The stage on which the tests of this folder run the guide's programs; see guide_stage."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # the import mode adds no path

from guide_stage import Stage, namespaces_work, own_network, shared_network

# Relative ipc paths, SIGINT and file locks: not there.
collect_ignore_glob = ["test_*.py"] if sys.platform == "win32" else []


@pytest.fixture
def stage(tmp_path: Path, hang_guard: Any) -> Iterator[Stage]:
    """A stage of the test's own; whoever is still on it at the end has to leave."""
    with own_network() if namespaces_work() else shared_network() as entrance:
        stage = Stage(tmp_path, entrance)
        yield stage
        stage.clear()
