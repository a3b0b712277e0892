"""Attack live sockets of every type with many hostile peers, and watch.

    python tests/hostile/attack.py --connections 1000000 --seed 7
    python tests/hostile/attack.py --seconds 60 --types ROUTER,pull-curve --only overfill,changed
    python tests/hostile/attack.py --replay /tmp/hostile-....json

A victim process has sockets of all types (fleet.py); well-behaved peers use them from other
processes; attackers play scenes (scenes.py, special.py, servers.py) against them. It is a failure
when the victim dies or says anything on stderr, stands still, lets its memory grow beyond a limit,
does not give descriptors back, leaves a well-behaved peer without progress for too long, or does
not end in time. Then the seed, the last sessions and (from a core) a backtrace are printed, and a
file is written from which --replay plays these sessions again. See README.md here.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import importlib.util
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import fleet
from crew import Member, Trouble, conduct
from watch import Watch

RECORDED = "seed", "types", "ways", "only", "without", "attackers", "window", "no_callers"
"""What must be the same when sessions are played again."""
STARTED = 60
"""Seconds until a process must have started (a sanitizer is slow)."""


def arguments(argv: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    summary, _, rest = (__doc__ or "").partition("\n\n")
    parser = argparse.ArgumentParser(
        description=summary, epilog=rest, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--connections", type=int, default=0, help="stop after so many (0: no limit)")
    add("--seconds", type=float, default=0, help="stop after so many (0: no limit)")
    add("--seed", type=int, default=1)
    add("--types", default="", help="socket types or names of fleet.py, with commas")
    add("--ways", default="", help="transports to attack, with commas")
    add("--only", default="", help="names of scenes for clients, with commas")
    add("--without", default="", help="types or names that --types leaves out, with commas")
    add("--attackers", type=int, default=2, help="processes")
    add("--window", type=int, default=150, help="sessions under way in each of them")
    add("--parked", type=int, default=1000, help="slow and silent ones that each keeps besides")
    add("--no-callers", action="store_true", help="no hostile servers")
    add("--stall", type=float, default=15, help="longest seconds without progress")
    add("--end", type=float, default=20, help="seconds in which all has to close")
    add("--memory", type=int, default=600, help="MB that the victim may grow by")
    add("--kept", type=int, default=100, help="MB that it may still use when all have gone")
    add("--victim-python", default=sys.executable, help="another build: its interpreter")
    add("--victim-env", action="append", default=[], metavar="NAME=VALUE")
    add("--replay", type=Path, help="play the sessions of this file")
    add("--times", type=int, default=1, help="so often (with --replay)")
    add("--quiet", action="store_true", help="say only how it ended")
    options = parser.parse_args(argv)
    if options.replay:
        recorded = json.loads(options.replay.read_text())
        for name in RECORDED:
            setattr(options, name, recorded[name])
        options.sessions = recorded["sessions"]
    elif not options.connections and not options.seconds:
        options.seconds = 60.0
    return options


def names(text: str) -> list[str]:
    """Split a list with commas."""
    return [name for name in text.split(",") if name]


class Attack:
    """One run: victim, well-behaved peers, attackers."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.members = contextlib.ExitStack()
        self.attackers: list[Member] = []
        self.honest: list[Member] = []
        self.counts: dict[str, collections.Counter[str]] = {}
        self.played: dict[str, bool] = {}
        self.began = 0.0
        self.took = 0.0

    def _member(self, *args: Any, **kwargs: Any) -> Member:
        member = Member(*args, **kwargs)
        self.members.callback(member.close)
        return member

    def prepare(self) -> None:
        """Start all; the well-behaved have been served once when this returns."""
        options = self.options
        env = dict(pair.split("=", 1) for pair in options.victim_env)
        python = options.victim_python
        self.victim = self._member("victim", "victim.py", python=python, env=env)
        types, without = names(options.types), names(options.without)
        self.victim.tell(seed=options.seed, types=types, without=without, limit=options.end)
        told = self.victim.answer("ready", STARTED)
        self.watch = Watch(self.victim, options)
        modules = ["zmqlite"] + ["zmq"] * bool(importlib.util.find_spec("zmq"))
        for number, module in enumerate(modules):
            peer = self._member(f"honest {module}", "honest.py", module)
            seed = options.seed + number
            peer.tell(targets=told["ready"], keys=told["keys"], seed=seed)
            self.honest.append(peer)
            self.watch.expect(peer.answer("ready", STARTED))
        self._wait_for_service()
        self.watch.base()
        ways = names(options.ways)
        targets = [one for one in told["ready"] if not ways or one["way"] in ways]
        callers = [] if options.no_callers else [c.name for c in fleet.chosen(types, without)[1]]
        for number in range(options.attackers):
            attacker = self._member(f"attacker {number}", "attacker.py")
            attacker.tell(
                seed=options.seed,
                first=number,
                step=options.attackers,
                window=options.window,
                parked=options.parked,
                only=names(options.only),
                targets=targets,
                keys=told["keys"],
                callers=callers[number :: options.attackers],
                replay=self._sessions(number),
            )
            self.attackers.append(attacker)
        places: dict[str, Any] = {}
        for attacker in self.attackers:
            places |= attacker.answer("listening", STARTED)["listening"]
        self.victim.tell(do="call", servers=places)

    def _sessions(self, number: int) -> list[Any] | None:
        if not self.options.replay:
            return None
        return self.options.sessions[number] * self.options.times  # type: ignore[no-any-return]

    def _wait_for_service(self) -> None:
        deadline = time.monotonic() + STARTED
        while missing := self.watch.unserved():
            self._look()
            if time.monotonic() > deadline:
                raise Trouble(f"before any attack these are not served: {', '.join(missing)}")
            time.sleep(0.05)

    def _look(self) -> None:
        self.watch.look(self.honest)
        for attacker in self.attackers:
            for said in attacker.heard():
                if "counts" in said:
                    self.counts[attacker.name] = collections.Counter(said["counts"])
                    self.played[attacker.name] = said.get("played", False)
            if attacker.process.poll() is not None:
                raise Trouble(f"{attacker.name} ended: {attacker.complaint()}")

    def total(self) -> collections.Counter[str]:
        """Return what all attackers have done."""
        return sum(self.counts.values(), collections.Counter())

    def connections(self) -> int:
        """Return how many connections there were, in both directions."""
        total = self.total()
        return total["connections"] + total["accepted"]

    def fight(self) -> None:
        """Attack until it is enough."""
        options = self.options
        for attacker in self.attackers:
            attacker.tell(do="go")
        self.began = spoken = time.monotonic()
        while True:
            time.sleep(0.1)
            self._look()
            self.watch.judge()
            self.took = time.monotonic() - self.began
            count = self.connections()
            if time.monotonic() > spoken + 10 and not options.quiet:
                spoken = time.monotonic()
                print(f"{self.took:6.0f} s  {count:9,}  {self.watch.line()}", flush=True)
            if options.connections and count >= options.connections:
                return
            if options.seconds and self.took >= options.seconds:
                return
            if self.played and all(self.played.values()) and len(self.played) == options.attackers:
                return

    def calm(self) -> None:
        """Stop the attack; all must be as before, and end in time."""
        for attacker in self.attackers:
            attacker.tell(do="stop")
        for attacker in self.attackers:
            said = attacker.answer("journal", STARTED)
            self.counts[attacker.name] = collections.Counter(said["counts"])
            attacker.process.wait(STARTED)
        self.attackers = []
        self.victim.tell(do="calm")
        self.watch.settle(self.honest)
        for peer in self.honest:
            peer.tell(do="end")
        for peer in self.honest:
            if peer.process.wait(self.options.end + 10):
                raise Trouble(f"{peer.name} ended badly: {peer.fate()}\n{peer.complaint()}")
        self.victim.tell(do="end")
        self.victim.answer("ended", self.options.end * 2 + 10)
        if self.victim.process.wait(self.options.end) or self.victim.complaint():
            raise Trouble(f"the victim ended badly: {self.victim.fate()}")

    def summary(self) -> str:
        """Return the counts."""
        total = self.total()
        scenes = [f"{name} {count:,}" for name, count in sorted(total.items())]
        count = self.connections()
        rate = count / self.took if self.took else 0
        return (
            f"{count:,} connections in {self.took:.0f} s ({rate:,.0f}/s), "
            f"seed {self.options.seed}\n"
            f"  {', '.join(scenes)}\n  {self.watch.summary()}"
        )

    # when it went wrong --------------------------------------------------------------------------

    def explain(self, trouble: Trouble) -> str:
        """Say what is known: how the victim died, and which sessions were the last."""
        asked = self.victim.process.poll() is None
        if asked:  # where it stands is of interest when it does nothing
            self.victim.abort()
        journals = []
        for attacker in self.attackers:
            with contextlib.suppress(Trouble):
                attacker.tell(do="stop")
                journals.append(attacker.answer("journal", 10)["journal"])
        last = sorted((entry for journal in journals for entry in journal), key=_moment)
        lines = [f"FAILED: {trouble}", f"the victim: {self.victim.fate()}"]
        lines += [self.victim.complaint(), "" if asked else self.victim.backtrace()]
        lines += ["the last sessions:", *(f"  {entry[3]}" for entry in last[-40:])]
        if journals and not self.options.replay:
            lines.append(f"again: --replay {self._record(journals)}")
        return "\n".join(filter(None, lines))

    def _record(self, journals: list[list[Any]]) -> str:
        record = {name: getattr(self.options, name) for name in RECORDED}
        record["sessions"] = [[entry[:2] for entry in journal] for journal in journals]
        with tempfile.NamedTemporaryFile(
            "w", prefix="hostile-", suffix=".json", delete=False
        ) as file:
            json.dump(record, file)
        return file.name


def _moment(entry: list[Any]) -> float:
    return float(entry[2] or 1e18)


def main(argv: list[str] | None = None) -> int:
    """Run one attack; 0 when nothing was found."""
    attack = Attack(arguments(argv))
    return conduct(attack, attack.prepare, attack.fight, attack.calm)


if __name__ == "__main__":
    sys.exit(main())
