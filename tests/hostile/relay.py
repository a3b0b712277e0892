"""Change what two honest ends say to each other, in every way, and watch both.

    python tests/hostile/relay.py --segments 1000000 --seed 3
    python tests/hostile/relay.py --seconds 60

A server and a client (ends.py: NULL, PLAIN and CURVE, over tcp and ws, seven patterns) talk
through a relay (mangler.py) that flips bits, drops, doubles, splits, delays and cuts segments in
both directions, and breaks connections. It is a failure when an end dies or says anything on
stderr, when a changed or repeated message is delivered over CURVE, when memory grows beyond a
limit, or when an end does not close in time; and when a link does not work again after the relay
has become clean.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import sys
import time
from typing import Any

from crew import Member, Trouble, conduct

STARTED = 60


def arguments(argv: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    summary, _, rest = (__doc__ or "").partition("\n\n")
    parser = argparse.ArgumentParser(
        description=summary, epilog=rest, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--segments", type=int, default=0, help="stop after so many changed ones (0: no limit)")
    add("--seconds", type=float, default=0, help="stop after so many (0: no limit)")
    add("--seed", type=int, default=1)
    add("--clean", type=float, default=20, help="seconds in which all links must work again")
    add("--memory", type=int, default=600, help="MB that an end may grow by")
    add("--python", default=sys.executable, help="the interpreter of both ends")
    add("--env", action="append", default=[], metavar="NAME=VALUE", help="for both ends")
    add("--quiet", action="store_true", help="say only how it ended")
    options = parser.parse_args(argv)
    if not options.segments and not options.seconds:
        options.seconds = 60.0
    return options


class Run:
    """One run: both ends, and the relay."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.members = contextlib.ExitStack()
        self.received: dict[str, dict[str, list[int]]] = {}
        self.counts: collections.Counter[str] = collections.Counter()
        self.took = 0.0
        self.back = 0.0

    def _member(self, *args: Any, **kwargs: Any) -> Member:
        member = Member(*args, **kwargs)
        self.members.callback(member.close)
        return member

    def prepare(self) -> None:
        """Start all three."""
        options = self.options
        env = dict(pair.split("=", 1) for pair in options.env)
        self.server = self._member("server", "ends.py", "server", python=options.python, env=env)
        self.server.tell(seed=options.seed)
        told = self.server.answer("ports", STARTED)
        self.mangler = self._member("mangler", "mangler.py")
        self.mangler.tell(seed=options.seed, ports=told["ports"])
        ports = self.mangler.answer("ports", STARTED)["ports"]
        self.client = self._member("client", "ends.py", "client", python=options.python, env=env)
        self.client.tell(seed=options.seed, ports=ports, public=told["public"])
        self.memory = {end.name: end.memory() for end in (self.server, self.client)}

    def look(self) -> None:
        """Read what all say; raise when it is bad."""
        for member in (self.server, self.client, self.mangler):
            for said in member.heard():
                if "received" in said:
                    self.received[member.name] = said["received"]
                elif "counts" in said:
                    self.counts = collections.Counter(said["counts"])
            if member.process.poll() is not None:
                raise Trouble(f"the {member.name} died: {member.fate()}")
            if time.monotonic() - member.last_word > STARTED:
                raise Trouble(f"the {member.name} has said nothing for {STARTED} s")
        for end in (self.server, self.client):
            grown = (end.memory() - self.memory[end.name]) >> 20
            if grown > self.options.memory:
                raise Trouble(f"the {end.name} has grown by {grown} MB")
            for name, (_, changed, twice) in self.received.get(end.name, {}).items():
                if "-CURVE-" in name and (changed or twice):
                    raise Trouble(
                        f"over CURVE the {end.name} was given {changed} changed and {twice} "
                        f"repeated messages ({name})"
                    )

    def disturb(self) -> None:
        """Let the relay change things for long enough."""
        options = self.options
        began = spoken = time.monotonic()
        while True:
            time.sleep(0.1)
            self.look()
            self.took = time.monotonic() - began
            if time.monotonic() > spoken + 10 and not options.quiet:
                spoken = time.monotonic()
                print(f"{self.took:6.0f} s  {dict(self.counts)}", flush=True)
            if options.segments and self.counts["changed"] >= options.segments:
                return
            if options.seconds and self.took >= options.seconds:
                return

    def recover(self) -> None:
        """Become clean: every link must work again, in all its directions."""
        self.client.tell(do="steady")
        time.sleep(1)  # for connections in any state
        self.mangler.tell(do="clean")
        # one that the server has refused (a changed password) does not come again by itself
        self.client.tell(do="again")
        time.sleep(1)
        self.look()
        before = self._whole()
        began = time.monotonic()
        while True:
            time.sleep(0.1)
            self.look()
            now = self._whole()
            silent = [name for name, count in now.items() if count <= before[name]]
            self.back = time.monotonic() - began
            if not silent:
                return
            if self.back > self.options.clean:
                raise Trouble(f"silent after the relay has become clean: {', '.join(silent)}")

    def _whole(self) -> dict[str, int]:
        """Return what was received by each end that receives at all."""
        return {
            f"{end} of {name}": counts[0]
            for end, links in self.received.items()
            for name, counts in links.items()
            if name.split("-")[2 if end == "server" else 3] not in ("PUSH", "PUB", "RADIO")
        }

    def finish(self) -> None:
        """End them all, in time."""
        for member in (self.client, self.server):
            member.tell(do="end")
            member.answer("ended", STARTED)
            if member.process.wait(STARTED) or member.complaint():
                raise Trouble(f"the {member.name} ended badly: {member.fate()}")
        self.mangler.tell(do="end")
        self.mangler.process.wait(STARTED)

    def summary(self) -> str:
        """Return the counts."""
        whole, changed, twice = (
            sum(counts[place] for links in self.received.values() for counts in links.values())
            for place in range(3)
        )
        kinds = ", ".join(f"{name} {count:,}" for name, count in sorted(self.counts.items()))
        return (
            f"{self.counts['connections']:,} connections, {self.counts['changed']:,} changed "
            f"segments in {self.took:.0f} s, seed {self.options.seed}; {kinds}\n"
            f"  received: {whole:,} whole, {changed:,} changed and {twice:,} repeated messages "
            f"(none of these over CURVE); all links again after {self.back:.1f} s"
        )

    def explain(self, trouble: Trouble) -> str:
        """Say what is known of a failure."""
        lines = [f"FAILED: {trouble}"]
        for end in (self.server, self.client):
            dead = end.process.poll() is not None
            if not dead:
                end.abort()
            lines += [f"the {end.name}: {end.fate()}", end.complaint()]
            lines.append(end.backtrace() if dead else "")
        return "\n".join(filter(None, lines))


def main(argv: list[str] | None = None) -> int:
    """Run once; 0 when nothing was found."""
    run = Run(arguments(argv))
    return conduct(run, run.prepare, run.disturb, run.recover, run.finish)


if __name__ == "__main__":
    sys.exit(main())
