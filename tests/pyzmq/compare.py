"""Two surfaces side by side: what is missing, what is more, what is different."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Description = dict[str, Any]
Difference = tuple[str, str]  # where, what
Surface = dict[str, dict[str, Description]]


class Comparison:
    """The differences of two surfaces.

    With `extras` also what only we have: modules, names, members of enums, ancestors. Methods and
    attributes beyond theirs do not count: a class may always learn more.
    """

    def __init__(self, theirs: Surface, ours: Surface, *, extras: bool) -> None:
        self.theirs = theirs
        self.ours = ours
        self.extras = extras
        self.seen: set[tuple[str, str]] = set()
        """Pairs that were compared already: most things can be reached by several names."""

    def __iter__(self) -> Iterator[Difference]:
        """Yield (where, what) for each difference."""
        for module, names in self.theirs.items():
            if module not in self.ours:
                yield module, "missing"
                continue
            for name, their in names.items():
                if name == "*":
                    continue
                where = f"{module}.{name}".strip(".")
                our = self.ours[module].get(name)
                if our is None:
                    yield where, "missing"
                    continue
                for inner, what in self.one(their, our):
                    yield f"{where}{inner}", what
            if self.extras:
                for name in sorted({*self.ours[module]} - {*names, *names["*"]["names"]}):
                    yield f"{module}.{name}".strip("."), "extra"
        if self.extras:
            yield from ((name, "extra") for name in sorted(set(self.ours) - set(self.theirs)))

    def one(self, their: Description, our: Description) -> Iterator[Difference]:
        """Compare two things of one name."""
        if their["kind"] != our["kind"]:
            yield "", f"is a {our['kind']}, there a {their['kind']}"
            return
        pair = their.get("of", ""), our.get("of", "")
        if pair != ("", "") and pair in self.seen:
            return
        self.seen.add(pair)
        if their.get("is") != our.get("is"):
            yield "", f"is {our['is']}, there {their['is']}"
        if "ancestry" in their:
            yield from self.ancestry(their["ancestry"], our["ancestry"])
        if "signature" in their:
            yield from signatures(their["signature"], our.get("signature"))
        if their["kind"] == "enum":
            yield from self.enums(their["members"], our["members"])
        elif "members" in their:
            yield from self.members(their["members"], our)

    def ancestry(self, their: list[str], our: list[str]) -> Iterator[Difference]:
        gone = [name for name in their if name not in our]
        more = [name for name in our if name not in their]
        if gone:
            yield "", f"does not inherit {', '.join(gone)}"
        if more and self.extras:
            yield "", f"also inherits {', '.join(more)}"

    def enums(self, their: dict[str, int], our: dict[str, int]) -> Iterator[Difference]:
        for name, value in their.items():
            if name not in our:
                yield f".{name}", "missing"
            elif our[name] != value:
                yield f".{name}", f"is {our[name]}, there {value}"
        if self.extras:
            yield from ((f".{name}", "extra") for name in our if name not in their)

    def members(self, their: dict[str, Any], our: Description) -> Iterator[Difference]:
        for name, description in their.items():
            if name in our["members"]:
                for inner, what in self.one(description, our["members"][name]):
                    yield f".{name}{inner}", what
            elif name not in our["inherited"]:
                yield f".{name}", "missing"


def signatures(their: Any, our: Any) -> Iterator[Difference]:
    """A call that is right there must be right here: compare what callers see."""
    if (their is None) != (our is None):
        yield "()", "only one of the two has a signature"
    elif their != our:
        yield "()", f"takes {spelled(our)}, there {spelled(their)}"


def spelled(parameters: list[list[str]]) -> str:
    """Return parameters as a reader writes them: (buffer, /, *, flags=0)."""
    marks = {"var_positional": "*", "var_keyword": "**"}
    words = []
    before = ""
    for name, kind, default in [*parameters, ["", "end", ""]]:
        if before == "positional_only" and kind != "positional_only":
            words.append("/")
        if kind == "keyword_only" and before not in ("keyword_only", "var_positional"):
            words.append("*")
        words.append(marks.get(kind, "") + name + (f"={default}" if default else ""))
        before = kind
    return f"({', '.join(words[:-1])})"
