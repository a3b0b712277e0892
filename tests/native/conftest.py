"""What the tests of the core share."""

from __future__ import annotations

import pytest

import zmqlite as zmq


@pytest.fixture
def poller() -> zmq.Poller:
    """A poller without members."""
    return zmq.Poller()
