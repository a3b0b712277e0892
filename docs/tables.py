"""Directives that draw tables from the code, so that the pages cannot lag behind it.

```{option-list} socket|context|message       every option, by purpose, with an anchor each
```{error-table}                               every exception: meaning, errno, built-in
```{feature-table}                             what this build of libzmq can do
```{pyzmq-differences}                         where the surface differs from pyzmq's, and why
```{package-table}                             suites of packages that use pyzmq, with both
```{package-differences}                       the tests among them that fail with us, and why
"""

from __future__ import annotations

import errno
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, ClassVar

from docutils import nodes
from docutils.parsers.rst import Directive
from pyzmq_differences import ROWS
from sphinx.util.docutils import SphinxDirective

import zmqlite as zmq
from zmqlite import options
from zmqlite.enums import Errno
from zmqlite.error import error_for
from zmqlite.options import rows

KINDS = {
    options.INT: "int", options.INT64: "int64", options.UINT64: "uint64", options.BYTES: "bytes",
    options.STRING: "text", options.KEY: "key", options.FD: "descriptor",
}  # fmt: skip
TABLES = {
    "socket": options.SOCKET_OPTIONS,
    "context": options.CONTEXT_OPTIONS,
    "message": options.MESSAGE_OPTIONS,
}
PACKAGES = Path(__file__).parents[1] / "tests" / "pyzmq" / "packages" / "results.json"
Cell = Any  # text, or a literal
SECTIONS = {
    # the first option of each purpose, in the order of the rows
    "TYPE": "What the socket is",
    "SNDHWM": "Queues, time limits and closing",
    "ROUTING_ID": "Names and routing",
    "SUBSCRIBE": "Publish and subscribe",
    "BACKLOG": "Connecting, and staying connected",
    "IPV6": "The network below",
    "ZAP_DOMAIN": "Security",
    "RATE": "Multicast, and one transport only",
}


def literal(text: str) -> nodes.literal:
    return nodes.literal(text, text)


def table(
    head: Sequence[str], rows: Iterable[Sequence[Cell]], widths: Sequence[int]
) -> nodes.table:
    """Return a table of the given texts and literals."""
    group = nodes.tgroup(cols=len(head))
    group += [nodes.colspec(colwidth=width) for width in widths]
    top, body = nodes.thead(), nodes.tbody()
    top += row_of(head)
    body += [row_of(cells) for cells in rows]
    group += [top, body]
    return nodes.table("", group, classes=["colwidths-given"])


def row_of(cells: Sequence[Cell]) -> nodes.row:
    row = nodes.row()
    for cell in cells:
        paragraph = nodes.paragraph()
        paragraph += nodes.Text(cell) if isinstance(cell, str) else cell
        row += nodes.entry("", paragraph)
    return row


def span(option: options.Option) -> str:
    """The range of values in words."""
    low, high, unit = option.low, option.high, option.unit
    if option.kind in (options.BYTES, options.STRING):
        unit = "bytes" if high is not None else ""
    if option.flag:
        return "off 0, on 1"
    if low is not None and high is not None:
        return f"{low} to {high} {unit}".strip()
    if low is not None:
        return f"from {low} {unit}".strip()
    return unit


def needs(option: options.Option) -> str:
    """What the option asks of libzmq and of the socket."""
    parts = [kind.name for kind in option.types]
    wants = [", ".join(parts)] if parts else []
    if option.since > (4, 3, 0):
        newer = "libzmq " + ".".join(map(str, option.since))
        wants.append(f"{newer}, or our patch" if option.patch else newer)
    wants += ["drafts"] * option.draft
    wants += [option.feature] if option.feature else []
    return "; ".join(wants)


def access(option: options.Option) -> str:
    """Whether it can be read and set, and when setting it makes a difference."""
    when = "set first" if option.acts_late else "set any time"
    return ", ".join(["get"] * option.readable + [when] * option.writable)


class OptionList(SphinxDirective):
    """Draw options: what each is for, then its type, default and range; by purpose."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        self.owner = self.arguments[0]
        found: list[nodes.Node] = []
        home: nodes.Element | None = None
        for option in TABLES[self.owner]:
            title = SECTIONS.get(option.name) if self.owner == "socket" else None
            if title or home is None:
                home = nodes.definition_list(classes=["options"])
                found.append(section(title, home) if title else home)
            home += self.item(option)
        return found

    def item(self, option: options.Option) -> nodes.definition_list_item:
        name = option.name.lower()
        anchor = ("option-" if self.owner == "socket" else f"{self.owner}-option-") + name
        term = nodes.term("", "", literal(name), ids=[anchor])
        names = [alias for alias, of in rows.SOCKET_ALIASES.items() if of == option.name]
        for alias in names if self.owner == "socket" else ():
            term += [nodes.Text(", "), literal(alias.lower())]
        term += nodes.reference("", "¶", refid=anchor, classes=["headerlink"])
        self.enter(term, [name, *(alias.lower() for alias in names)], anchor)
        doc = option.doc[0].upper() + option.doc[1:] + "."
        body = nodes.definition("", nodes.paragraph("", doc))
        facts = nodes.paragraph("", classes=["facts"])
        facts += [nodes.Text(f"{KINDS[option.kind]}; {access(option)}")]
        if option.default is not None:
            facts += [nodes.Text("; default "), literal(repr(option.default))]
        extra = "; ".join(filter(None, (span(option), needs(option), f"number {option.number}")))
        facts += nodes.Text(f"; {extra}")
        body += facts
        return nodes.definition_list_item("", term, body)

    def enter(self, term: nodes.term, names: Sequence[str], anchor: str) -> None:
        """Put the attribute into the inventory, under each of its names."""
        if self.owner == "message" or names[0] in ("subscribe", "unsubscribe"):
            return  # these are methods, too
        domain = self.env.get_domain("py")
        for name in names:
            place = f"zmqlite.{self.owner.capitalize()}.{name}"
            domain.note_object(place, "attribute", anchor, location=term)  # type: ignore[attr-defined]


def section(title: str, body: nodes.Element) -> nodes.section:
    """Return a section of the page, with its place in the contents."""
    found = nodes.section("", nodes.title("", title), body)
    found["ids"] = [nodes.make_id(title)]
    found["names"] = [nodes.fully_normalize_name(title)]
    return found


class ErrorTable(Directive):
    """Draw the exceptions: class, meaning, errno values, built-in that also catches it."""

    def run(self) -> list[nodes.Node]:
        numbers: dict[type, list[str]] = {}
        for name, number in self._errnos().items():
            numbers.setdefault(type(error_for(number)), []).append(name)
        rows = []
        for name in zmq.__all__:
            cls = getattr(zmq, name)
            if isinstance(cls, type) and issubclass(cls, (Exception, Warning)):
                also = [
                    b.__name__ for b in cls.__bases__ if not b.__module__.startswith("zmqlite")
                ]
                summary = (cls.__doc__ or "").replace("`", "").split("\n\n")[0]
                meaning = " ".join(summary.split())
                codes = [] if cls is zmq.ZMQError else numbers.get(cls, [])
                rows.append((literal(name), meaning, ", ".join(codes), ", ".join(also)))
        return [table(("class", "when", "errno", "also a"), rows, (16, 54, 14, 16))]

    @staticmethod
    def _errnos() -> dict[str, int]:
        known = {member.name: member.value for member in Errno}
        return known | {"EINTR": errno.EINTR, "EBUSY": errno.EBUSY, "EACCES": errno.EACCES,
                        "EPERM": errno.EPERM, "ENOENT": errno.ENOENT}  # fmt: skip


class FeatureTable(Directive):
    """Draw which optional parts the libzmq that builds the docs has."""

    def run(self) -> list[nodes.Node]:
        names = ("ipc", "curve", "ws", "drafts", "wss", "pgm", "norm", "gssapi", "tipc", "vmci")
        rows = [(literal(name), "yes" if self._has(name) else "no") for name in names]
        return [table(("feature", "in this build"), rows, (20, 20))]

    @staticmethod
    def _has(name: str) -> bool:
        return zmq.DRAFT_API if name == "drafts" else zmq.has(name)


class PyzmqDifferences(Directive):
    """Draw the differences from pyzmq: where, whether in zmqlite or its pyzmq module, and why."""

    sides: ClassVar[dict[str, str]] = {"guest": "zmqlite.pyzmq", "roof": "zmqlite"}

    def run(self) -> list[nodes.Node]:
        rows = [
            (
                literal(", ".join(row.places)),
                ", ".join(self.sides[side] for side in row.sides.split()),
                literal(row.what.replace("|", " or ")),
                row.reason,
            )
            for row in ROWS
        ]
        return [table(("name", "in", "difference", "why"), rows, (30, 12, 24, 44))]


class PackageTable(Directive):
    """Draw how many tests of each package pass, with pyzmq and with zmqlite."""

    def run(self) -> list[nodes.Node]:
        rows = [
            (
                f"{row['name']} {row['version']}",
                row["about"],
                *(str(row["pyzmq"][word]) for word in ("passed", "skipped", "failed")),
                *(str(row["zmqlite"][word]) for word in ("passed", "skipped", "failed")),
            )
            for row in package_results()
        ]
        both = ("passed", "skipped", "failed")
        head = (
            "package",
            "what it is",
            *(f"pyzmq: {w}" for w in both),
            *(f"zmqlite: {w}" for w in both),
        )
        return [table(head, rows, (18, 24, 9, 9, 9, 9, 9, 9))]


class PackageDifferences(Directive):
    """Draw the tests that pass with pyzmq and not with zmqlite, each with its reason."""

    def run(self) -> list[nodes.Node]:
        rows = [
            (row["name"], literal(test), reason)
            for row in package_results()
            for test, reason in row["lost"].items()
        ]
        return [table(("suite", "test", "why"), rows, (10, 40, 50))]


def package_results() -> list[dict[str, Any]]:
    """Return what `tests/pyzmq/packages/run-packages --record` wrote."""
    results: list[dict[str, Any]] = json.loads(PACKAGES.read_text(encoding="utf-8"))
    return results


def setup(app: Any) -> dict[str, Any]:
    app.add_directive("option-list", OptionList)
    app.add_directive("error-table", ErrorTable)
    app.add_directive("feature-table", FeatureTable)
    app.add_directive("package-table", PackageTable)
    app.add_directive("package-differences", PackageDifferences)
    app.add_directive("pyzmq-differences", PyzmqDifferences)
    return {"parallel_read_safe": True, "version": zmq.__version__}
