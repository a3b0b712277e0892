"""What tests of the network may count on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from net.cable import Machine, cable, lack


@pytest.fixture
def machines() -> Iterator[tuple[Machine, Machine]]:
    """Two machines with a cable between them; skips where there can be none."""
    if reason := lack():
        pytest.skip(reason)
    with cable() as both:
        yield both
