"""What is watched while the attack goes on: life, memory, descriptors, and who is served."""

from __future__ import annotations

import argparse
import time
from typing import Any

from crew import Member, Trouble

SLACK = 12
"""Descriptors more than before: some of the well-behaved are always on their way in or out."""


class Progress:
    """One counter that has to grow."""

    def __init__(self) -> None:
        self.count = 0
        self.since = time.monotonic()
        self.worst = 0.0

    def now(self, count: int) -> None:
        """Take the newest value."""
        if count > self.count:
            self.worst = max(self.worst, self.age())
            self.count = count
            self.since = time.monotonic()

    def age(self) -> float:
        """Return for how many seconds it has not grown."""
        return time.monotonic() - self.since


class Watch:
    """All that the driver knows about the victim and those it serves."""

    def __init__(self, victim: Member, options: argparse.Namespace) -> None:
        self.victim = victim
        self.options = options
        self.progress: dict[str, Progress] = {}
        self.said: dict[str, Any] = {}
        self.memory_before = self.memory_most = 0
        self.in_use_before = self.in_use_after = self.memory_after = 0
        self.files_before = self.files_most = 0
        self.files: dict[str, int] = {}

    def expect(self, told: dict[str, Any]) -> None:
        """Take note of whose progress counts."""
        for name in told["heard"] + told["told"]:
            self.progress[name] = Progress()

    def unserved(self) -> list[str]:
        """Return who has not been served at all."""
        return [name for name, progress in self.progress.items() if not progress.count]

    def base(self) -> None:
        """Remember how it was before."""
        self.memory_before = self.memory_most = self.victim.memory()
        self.files_before = self.files_most = self.victim.descriptors()
        self.in_use_before = self._in_use()
        self.victim.tell(do="files")
        self.files = self.victim.answer("files", self.options.stall)["files"]
        for progress in self.progress.values():
            progress.since = time.monotonic()
            progress.worst = 0.0

    def look(self, honest: list[Member]) -> None:
        """Read what all say."""
        for member in (self.victim, *honest):
            for said in member.heard():
                for name, count in said.get("heard", {}).items():
                    if name in self.progress:
                        self.progress[name].now(count)
                if member is self.victim:
                    self.said.update(said)
            if member.process.poll() is not None:
                raise Trouble(
                    f"{member.name} died: {member.fate()}{_last_words(self.victim, member)}"
                )
        if self.said.get("failure"):
            raise Trouble(self.said["failure"])

    def judge(self) -> None:
        """Raise when something goes on for too long, or is too much."""
        try:
            self.memory_most = max(self.memory_most, self.victim.memory())
            self.files_most = max(self.files_most, self.victim.descriptors())
        except OSError:
            return  # it has died; `look` will say so
        limit = self.options.stall
        if time.monotonic() - self.victim.last_word > limit:
            raise Trouble(f"the victim has said nothing for {limit} s")
        stalled = [n for n, progress in self.progress.items() if progress.age() > limit]
        if stalled:
            raise Trouble(f"not served for {limit} s: {', '.join(stalled)}")
        grown = (self.memory_most - self.memory_before) >> 20
        if grown > self.options.memory:
            raise Trouble(f"the victim has grown by {grown} MB")

    def settle(self, honest: list[Member]) -> None:
        """Wait until descriptors and memory are back, while the well-behaved go on."""
        deadline = time.monotonic() + self.options.end
        trouble = "?"
        while trouble:  # what was sent must still be read
            time.sleep(0.2)
            self.look(honest)
            self.judge()
            trouble = self._excess()
            if trouble and time.monotonic() > deadline:
                raise Trouble(trouble)
        self.memory_after = self.victim.memory()

    def _excess(self) -> str:
        """Return what is still held that was not there before."""
        files = self.victim.descriptors()
        if files > self.files_before + SLACK:
            self.victim.tell(do="files")
            whose = self.victim.answer("files", self.options.stall)["files"]
            more = {n: count - self.files.get(n, 0) for n, count in whose.items()}
            more = {name: count for name, count in more.items() if count > 0}
            return f"{files} descriptors are open, {self.files_before} before: {more}"
        self.in_use_after = self._in_use()
        kept = (self.in_use_after - self.in_use_before) >> 20
        return f"{kept} MB are still in use after the attack" * (kept > self.options.kept)

    def _in_use(self) -> int:
        self.victim.tell(do="trim")
        return int(self.victim.answer("in_use", self.options.stall)["in_use"])

    def line(self) -> str:
        """Return how it is now."""
        ages = sorted((progress.age(), name) for name, progress in self.progress.items())
        age, name = ages[-1] if ages else (0.0, "none")
        return (
            f"{self.victim.memory() >> 20} MB, {self.victim.descriptors()} descriptors, "
            f"longest waiting: {name} ({age:.1f} s)"
        )

    def summary(self) -> str:
        """Return what was seen."""
        waits = sorted((progress.worst, name) for name, progress in self.progress.items())
        worst, name = waits[-1] if waits else (0.0, "none")
        served = sum(progress.count for progress in self.progress.values())
        return (
            f"{len(self.progress)} well-behaved links, {served:,} messages, "
            f"longest wait {worst:.1f} s ({name}); "
            f"memory {self.memory_before >> 20} MB, at most {self.memory_most >> 20}, "
            f"afterwards {self.memory_after >> 20} (in use: {self.in_use_before >> 10} KB, "
            f"afterwards {self.in_use_after >> 10}); "
            f"descriptors {self.files_before}, at most {self.files_most}; "
            f"{self.said.get('calls', 0):,} calls, {self.said.get('rounds', 0):,} contexts ended, "
            f"{self.said.get('turns', 0):,} turns"
        )


def _last_words(victim: Member, member: Member) -> str:
    """What it said (the victim's is printed anyhow)."""
    return "" if member is victim else f"\n{member.complaint()}"
