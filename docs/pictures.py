"""Draws the pictures of the pages about patterns: `python docs/pictures.py` writes pictures/*.svg.

A picture is a few lines of text. `box NAME COLUMN ROW TYPE words` puts a socket on a grid; lines
between boxes are `a -> b label`, `a <-> b label` or `a -x b label` (nothing arrives). A `*` after
a name marks the side that binds: its end of the line is a dot.

The files carry their own background and the colours of both schemes, so that they can be read in
light and in dark wherever they are shown. `tests/test_site.py` compares them with this source.
"""

from __future__ import annotations

import math
import re
from html import escape
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).with_name("pictures")
BOX_WIDTH, BOX_HEIGHT = 110, 46
COLUMN, ROW, MARGIN = 164, 68, 14

PICTURES = {
    "request-reply": """
        title A REP answers any number of REQs, one request at a time
        box one 0 0 REQ client
        box two 0 1 REQ client
        box server 1.6 0.5 REP server
        one <-> server* request, reply
        two <-> server* request, reply
    """,
    "publish-subscribe": """
        title A PUB gives each SUB what begins with one of its subscriptions
        box pub 0 1 PUB publisher
        box oslo 1.6 0 SUB "oslo"
        box all 1.6 1 SUB "" (all)
        box late 1.6 2 SUB none yet
        pub* -> oslo oslo -3
        pub* -> all oslo -3, rome 28
        pub* -x late
    """,
    "pipeline": """
        title A PUSH deals its messages out, a PULL takes from all in turn
        box source 0 1 PUSH source
        box one 1 0 PULL,PUSH worker
        box two 1 1 PULL,PUSH worker
        box three 1 2 PULL,PUSH worker
        box sink 2 1 PULL sink
        source* -> one 1, 4
        source* -> two 2, 5
        source* -> three 3, 6
        one -> sink*
        two -> sink*
        three -> sink*
    """,
    "router-dealer": """
        title A ROUTER sends to the peer whose name stands in front
        box ann 0 0 DEALER "ann"
        box bob 0 1 DEALER "bob"
        box router 1.6 0.5 ROUTER server
        ann <-> router* ann | question
        bob <-> router* bob | question
    """,
    "proxy": """
        title A broker: ROUTER to the clients, DEALER to the workers
        box one 0 0 REQ client
        box two 0 1 REQ client
        box broker 1 0.5 ROUTER,DEALER proxy
        box three 2 0 REP worker
        box four 2 1 REP worker
        one <-> broker*
        two <-> broker*
        broker* <-> three
        broker* <-> four
    """,
    "pair": """
        title A PAIR has one peer; a second one is refused
        box left 0 0 PAIR thread
        box right 1.6 0 PAIR thread
        box other 1.6 1 PAIR too many
        left* <-> right both ways
        left* -x other
    """,
    "radio-dish": """
        title A DISH receives the groups that it has joined
        box radio 0 0.5 RADIO sender
        box dish 1.6 0 DISH joined "tv"
        box other 1.6 1 DISH joined "am"
        radio* -> dish group tv
        radio* -x other
    """,
    "client-server": """
        title A SERVER answers by routing_id, from any thread
        box one 0 0 CLIENT many threads
        box two 0 1 CLIENT many threads
        box server 1.6 0.5 SERVER many threads
        one <-> server* id 7
        two <-> server* id 8
    """,
    "scatter-gather": """
        title As PUSH and PULL, but each may be shared by threads
        box scatter 0 0.5 SCATTER many threads
        box one 1.6 0 GATHER many threads
        box two 1.6 1 GATHER many threads
        scatter* -> one 1, 3
        scatter* -> two 2, 4
    """,
    "stream": """
        title A STREAM speaks plain TCP, an id in front of each piece
        box tcp 0 0 TCP any program
        box stream 1.6 0 STREAM id | bytes
        tcp <-> stream* bytes
    """,
}

STYLE = """
  .card { fill: #fff; stroke: #d5d9de; }
  .box { fill: #eef3f9; stroke: #45607f; stroke-width: 1.5; }
  .line { stroke: #45607f; stroke-width: 1.5; fill: none; }
  .no { stroke: #b3543b; stroke-dasharray: 5 4; }
  .tip { fill: #45607f; }
  text { font: 13px system-ui, "DejaVu Sans", sans-serif; fill: #1c2733; text-anchor: middle; }
  .type { font: bold 12px ui-monospace, "DejaVu Sans Mono", monospace; }
  .small { font-size: 12px; fill: #44515f; }
  .halo { fill: #fff; }
  @media (prefers-color-scheme: dark) {
    .card { fill: #16191d; stroke: #3a424b; }
    .box { fill: #222b36; stroke: #8fb0d6; }
    .line { stroke: #8fb0d6; } .no { stroke: #e8937b; }
    .tip { fill: #8fb0d6; }
    text { fill: #e6eaee; } .small { fill: #b4bec9; }
    .halo { fill: #16191d; }
  }
""".strip("\n")


class Box(NamedTuple):
    """A socket on the grid: the middle of its box, its types, what it is."""

    x: float
    y: float
    types: list[str]
    words: str

    def edge(self, toward: Box) -> tuple[float, float]:
        """Return the point on the nearer vertical side."""
        side = 1 if toward.x > self.x else -1
        return self.x + side * BOX_WIDTH / 2, self.y


LINE = re.compile(r"(\w+)(\*?) (<->|->|-x) (\w+)(\*?) ?(.*)")


def draw(text: str) -> str:
    """Return the SVG of a description."""
    boxes: dict[str, Box] = {}
    lines: list[str] = []
    title = ""
    for entry in filter(None, map(str.strip, text.splitlines())):
        word, _, rest = entry.partition(" ")
        if word == "title":
            title = rest
        elif word == "box":
            name, column, row, types, *words = rest.split(" ")
            x = MARGIN + BOX_WIDTH / 2 + float(column) * COLUMN
            y = MARGIN + BOX_HEIGHT / 2 + float(row) * ROW
            boxes[name] = Box(x, y, types.split(","), " ".join(words))
        else:
            lines.append(entry)
    width = max(box.x for box in boxes.values()) + BOX_WIDTH / 2 + MARGIN
    height = max(box.y for box in boxes.values()) + BOX_HEIGHT / 2 + MARGIN
    size = f"{width:g} {height:g}"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size}" '
        f'width="{width:g}" height="{height:g}" role="img">',
        f"<title>{escape(title)}</title>",
        "<!-- written by docs/pictures.py: change it there, not here -->",
        f"<style>\n{STYLE}\n</style>",
        f'<rect class="card" x="0.5" y="0.5" width="{width - 1:g}" height="{height - 1:g}" '
        'rx="8"/>',
    ]
    for entry in sorted(lines, key=lambda entry: "-x" not in entry):
        parts += line(entry, boxes)
    for box in boxes.values():
        parts += picture_of(box)
    return "\n".join([*parts, "</svg>", ""])


def line(entry: str, boxes: dict[str, Box]) -> list[str]:
    """Draw a line between two boxes, with its ends and its label."""
    found = LINE.fullmatch(entry)
    if not found:
        raise ValueError(f"what is {entry!r}?")
    start, starts, kind, end, ends, label = found.groups()
    one, two = boxes[start], boxes[end]
    (x1, y1), (x2, y2) = one.edge(two), two.edge(one)
    angle = math.atan2(y2 - y1, x2 - x1)
    no = " no" if kind == "-x" else ""
    parts = [f'<path class="line{no}" d="M{x1:.1f} {y1:.1f}L{x2:.1f} {y2:.1f}"/>']
    if kind == "-x":
        parts.append(cross(x1 + (x2 - x1) * 0.72, y1 + (y2 - y1) * 0.72))
    elif ends:
        parts.append(tip(x2 - 6 * math.cos(angle), y2 - 6 * math.sin(angle), angle))
    else:
        parts.append(tip(x2, y2, angle))
    if kind == "<->":
        back = 6 if starts else 0
        parts.append(
            tip(x1 + back * math.cos(angle), y1 + back * math.sin(angle), angle + math.pi)
        )
    for bound, x, y in ((starts, x1, y1), (ends, x2, y2)):
        if bound:
            parts.append(f'<circle class="tip" cx="{x:.1f}" cy="{y:.1f}" r="5"/>')
    if label:
        x, y = x1 + (x2 - x1) * 0.5, y1 + (y2 - y1) * 0.5
        wide = 6.6 * len(label) + 6
        parts.append(
            f'<rect class="halo" x="{x - wide / 2:.1f}" y="{y - 9:.1f}" '
            f'width="{wide:.1f}" height="18"/>'
        )
        parts.append(f'<text class="small" x="{x:.1f}" y="{y + 4:.1f}">{escape(label)}</text>')
    return parts


def tip(x: float, y: float, angle: float) -> str:
    """Draw the head of an arrow that points to a place."""
    points = [
        (x - 9 * math.cos(angle + side * 0.42), y - 9 * math.sin(angle + side * 0.42))
        for side in (1, -1)
    ]
    text = " ".join(f"{a:.1f},{b:.1f}" for a, b in [(x, y), *points])
    return f'<polygon class="tip" points="{text}"/>'


def cross(x: float, y: float) -> str:
    """Draw what says that nothing comes through."""
    d = f"M{x - 5:.1f} {y - 5:.1f}l10 10m0 -10l-10 10"
    return f'<path class="line no" style="stroke-dasharray: none" d="{d}"/>'


def picture_of(box: Box) -> list[str]:
    """Draw a box: its type, or one above the other, and what it is."""
    top, left = box.y - BOX_HEIGHT / 2, box.x - BOX_WIDTH / 2
    types = "+".join(box.types)
    return [
        f'<rect class="box" x="{left:.1f}" y="{top:.1f}" width="{BOX_WIDTH}" '
        f'height="{BOX_HEIGHT}" rx="6"/>',
        f'<text class="type" x="{box.x:.1f}" y="{box.y - 3:.1f}">{escape(types)}</text>',
        f'<text class="small" x="{box.x:.1f}" y="{box.y + 14:.1f}">{escape(box.words)}</text>',
    ]


def files() -> dict[str, str]:
    """Return every picture by the name of its file."""
    return {f"{name}.svg": draw(text) for name, text in PICTURES.items()}


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, text in files().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
