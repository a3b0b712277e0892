"""A bounded part of the attack and of the mutating relay; README.md says how to run more of both.

Both run in processes of their own, so that one that dies, hangs or leaks is noticed from outside.
ZMQLITE_TEST_SEED repeats a run, ZMQLITE_TEST_LONG=1 makes it ten minutes long.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from support import FACTOR, LONG, needs_patch

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="what is watched is in /proc"),
    needs_patch("full-receiver", "late-announcement", "ws-refused", "ws-subscriptions"),
]
SEED = os.environ.get("ZMQLITE_TEST_SEED") or str(random.randrange(1 << 32))


def run(script: str, *args: str, seconds: float = 5) -> tuple[int, str]:
    """Run it for so many seconds; return its exit code, and all that it said."""
    seconds = 600 if LONG else seconds
    command = [sys.executable, str(Path(__file__).with_name(script)), "--seed", SEED, "--quiet"]
    with subprocess.Popen(
        [*command, "--seconds", str(seconds), *args],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            said = process.communicate(timeout=seconds + 28 * FACTOR)[0]
        except subprocess.TimeoutExpired:
            pytest.fail(f"{script} --seed {SEED} does not end")
        finally:  # also of those that it has started
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
    return process.returncode, f"{script} --seed {SEED}\n{said}"


def test_hostile_peers_do_no_harm() -> None:
    code, said = run("attack.py", "--stall", str(12 * FACTOR), "--end", str(12 * FACTOR))
    assert code == 0, said


def test_what_is_changed_on_its_way_does_no_harm() -> None:
    code, said = run("relay.py", "--clean", str(12 * FACTOR))
    assert code == 0, said


def test_harm_is_noticed() -> None:
    """No victim has less memory than before."""
    code, said = run("attack.py", "--types", "PULL", "--memory", "-1")
    assert code == 1, said
    assert "FAILED: the victim has grown" in said
