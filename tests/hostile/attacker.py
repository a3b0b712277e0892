"""A process full of hostile peers. Reads orders as lines of JSON on stdin, answers on stdout.

First what to do (seed, number of this process, how many there are, only, targets, keys,
callers); it answers where its hostile servers listen. A line "go" starts, "stop" ends. Every half
second it says what it has done, and at its end which sessions were the last.
"""

from __future__ import annotations

import json
import os
import random
import select
import socket
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import fleet
import servers
from engine import Engine, Session
from scenes import World
from special import Cast
from speech import Target, target_of

NEWS = 0.5
ACCEPTED = 1 << 40
"""Sessions that the victim began have numbers from here on."""


def say(**what: Any) -> None:
    """Tell the driver."""
    print(json.dumps(what), flush=True)


class Attacker:
    """The hostile clients, and the hostile servers, of one process."""

    def __init__(self, order: dict[str, Any]) -> None:
        self.order = order
        self.seed = order["seed"]
        self.engine = Engine(order["parked"])
        self.world = World(order["keys"])
        targets = [target_of(i, told) for i, told in enumerate(order["targets"])]
        self.cast = Cast(self.seed, targets, self.world, order["only"])
        self.numbers: list[int] | None = None
        self.answers: dict[str, list[int]] = {}
        if order["replay"] is not None:
            self._replay(order["replay"])
        self.next = order["first"]
        self.accepted = ACCEPTED + order["first"]
        self.folder = tempfile.TemporaryDirectory(prefix="hostile-")
        self.places = {name: self._serve(name) for name in order["callers"]}

    def _replay(self, told: list[tuple[int, str]]) -> None:
        """Take these sessions, in this order, in place of new ones."""
        self.numbers = [number for number, _ in told if number < ACCEPTED]
        for number, name in told:
            if number >= ACCEPTED:
                self.answers.setdefault(name, []).append(number)

    def _serve(self, name: str) -> dict[str, Any]:
        """Listen for one of the victim's callers."""
        number, caller = next((n, c) for n, c in enumerate(fleet.CALLERS) if c.name == name)
        target = servers.target_of(number, caller)
        place: dict[str, Any] = {}
        if caller.way == "ipc":
            listener = socket.socket(socket.AF_UNIX)
            place["path"] = str(Path(self.folder.name) / f"{number}")
            listener.bind(place["path"])
            listener.listen(100)
        else:
            listener = socket.create_server(("127.0.0.1", 0), backlog=100)
            place["port"] = listener.getsockname()[1]

        def accept(raw: socket.socket) -> None:
            self._accept(raw, target, caller.way)

        self.engine.listen(listener, accept)
        return place

    def _accept(self, raw: socket.socket, target: Target, way: str) -> None:
        if again := self.answers.get(target.post):
            number = again.pop(0)
            again.append(number)
        else:
            number, self.accepted = self.accepted, self.accepted + self.order["step"]
        r = random.Random((self.seed << 48) ^ number)
        name, play = servers.scene(r, target, self.world, way)
        self.engine.counts["accepted"] += 1
        self.engine.begin(Session(number, target, name, play, raw))

    def launch(self) -> bool:
        """Begin the next session; false when there is none."""
        if self.numbers is not None:
            if not self.numbers:
                return False
            number = self.numbers.pop(0)
        else:
            number, self.next = self.next, self.next + self.order["step"]
        target, name, play = self.cast.session(number)
        self.engine.call(number, target, name, play)
        return True

    def run(self) -> None:
        """Play until the driver has had enough."""
        engine, window = self.engine, self.order["window"]
        counts = engine.counts
        news = 0.0
        playing = bool(self.cast.places)
        while True:
            if playing:
                for _ in range(16):
                    if engine.active >= window:
                        break
                    playing = self.launch()
            engine.turn(0.0 if playing and engine.active < window else 0.05)
            now = time.monotonic()
            if now > news:
                news = now + NEWS
                say(
                    counts=counts, staying=engine.staying, active=engine.active, played=not playing
                )
            if select.select([0], [], [], 0)[0]:
                break
        say(counts=counts, journal=[self._told(session) for session in engine.journal])
        engine.close()

    def _told(self, session: Session) -> list[Any]:
        return [session.number, session.target.post, session.ended, str(session)]


def main() -> None:
    attacker = Attacker(json.loads(sys.stdin.buffer.raw.readline()))
    say(listening=attacker.places)
    if sys.stdin.buffer.raw.readline():
        attacker.run()
    attacker.folder.cleanup()
    os._exit(0)  # thousands of generators need no farewell


if __name__ == "__main__":
    main()
