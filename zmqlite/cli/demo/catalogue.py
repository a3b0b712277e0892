"""Every scenario of the demo in the order of play, and every role by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from . import broker, pipeline, pubsub, roundtrip
from .crew import Role
from .records import Outcome
from .stage import Stage


@dataclass(frozen=True, slots=True)
class Scenario:
    """A pattern to show, under a name for the command line, and where it can be shown."""

    name: str
    title: str
    play: Callable[[Stage], Outcome]
    transports: tuple[str, ...] = ("inproc", "ipc", "tcp")


SCENARIOS = (
    Scenario("reqrep", "REQ/REP", roundtrip.request_reply),
    Scenario("pubsub", "PUB/SUB", pubsub.publish),
    Scenario("pipeline", "PUSH/PULL", pipeline.distribute),
    Scenario("broker", "ROUTER/DEALER", broker.broker),
    Scenario("curve", "PAIR+CURVE", roundtrip.sealed_pair, ("tcp",)),
)

ROLES: dict[str, Role] = {
    role.__name__: role
    for role in (
        broker.ask,
        pipeline.square,
        pubsub.subscribe,
        roundtrip.serve,
        roundtrip.serve_sealed,
    )
}
