"""The verbs that need the extra `cli`: names, summaries, and the module that has each of them.

No click here: without the extra this table says what there would be.
"""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["EXTRA", "VERBS", "Entry", "how_to_get"]

EXTRA = "pip install 'zmqlite[cli]'"


class Entry(NamedTuple):
    """A verb: the module under `verbs` that defines it, under its own name, and what it does."""

    module: str
    summary: str


VERBS = {
    "send": Entry("send", "Send messages: words, files, or lines of standard input."),
    "recv": Entry("recv", "Print the messages that arrive."),
    "request": Entry("request", "Ask, and print the answers."),
    "reply": Entry("request", "Answer requests: with a text, an echo, or what a command says."),
    "pub": Entry("send", "Publish messages (send, with a PUB)."),
    "sub": Entry("recv", "Subscribe, and print what is published (recv, with a SUB)."),
    "push": Entry("send", "Deal messages out to workers (send, with a PUSH)."),
    "pull": Entry("recv", "Take messages as a worker (recv, with a PULL)."),
    "proxy": Entry("proxy", "Pass messages on between two sockets, with rates."),
    "record": Entry("record", "Write messages to a file, with the times of their arrival."),
    "replay": Entry("record", "Send the messages of a file, with the pauses between them."),
    "rate": Entry("rate", "Show messages and bytes a second, by topic."),
    "ping": Entry("ping", "Measure round trips to `zmqlite reply --echo`."),
    "bench": Entry("bench", "Measure throughput and latency, here or between two hosts."),
    "monitor": Entry("monitor", "Tell what happens to a socket's connections."),
    "keygen": Entry("keygen", "Make a pair of CURVE keys, in two files."),
    "doctor": Entry("doctor", "Examine this installation, its limits, an address, a key pair."),
    "completion": Entry("completion", "Print what makes a shell complete these commands."),
}


def how_to_get(verb: str) -> str:
    """Return the line that stands for a verb where the extra is not installed."""
    return f"zmqlite: `{verb}` needs click and rich: {EXTRA}"
