"""What autodoc needs to draw the reference: types of compiled code, what not to repeat.

Signatures of the compiled core are read from its stub, `_native/core.pyi`, since the extension
itself knows no types. Options are attributes of sockets and contexts; they are drawn on the page
of options and left out here. Pages about an event loop show what differs from the plain module.

```{member-table} SocketOption   the members of an enum of options: number, what each is for
```{constant-table}               the flat names: each with its value and its enum
```{module-list} zmqlite.pyzmq    the modules below a package, each with what it says of itself
"""

from __future__ import annotations

import ast
import pkgutil
import re
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx import addnodes
from sphinx.util.docutils import SphinxDirective
from tables import literal, table

import zmqlite as zmq
from zmqlite import options

STUB = Path(zmq.__file__).parent / "_native" / "core.pyi"
OPTIONS = "zmqlite.options.attributes"  # where the descriptors of options are from
SHOWN = {"subscribe", "unsubscribe", "hwm"}  # more than an option
ROWS = {
    "SocketOption": options.SOCKET_OPTIONS,
    "ContextOption": options.CONTEXT_OPTIONS,
    "MessageOption": options.MESSAGE_OPTIONS,
}
LOOPS = ("asyncio", "trio", "green")
PRIVATE = re.compile(r"\b_(Socket|Context)T\b")  # a type variable: what it was called on


# -- types of compiled code -----------------------------------------------------------------------

Stub = ast.FunctionDef | ast.AnnAssign


def stub_entries() -> dict[str, Stub]:
    """Return what the stub defines, by name; of overloads the last one, which is the widest."""
    found: dict[str, Stub] = {}
    for node in ast.parse(STUB.read_text(encoding="utf-8")).body:
        inside = node.body if isinstance(node, ast.ClassDef) else [node]
        prefix = f"{node.name}." if isinstance(node, ast.ClassDef) else ""
        for each in inside:
            if isinstance(each, ast.FunctionDef):
                if not any("setter" in ast.unparse(mark) for mark in each.decorator_list):
                    found[prefix + each.name] = each
            elif isinstance(each, ast.AnnAssign):
                found[prefix + ast.unparse(each.target)] = each
    return found


STUBS = stub_entries() if STUB.is_file() else {}
# made from the rows of the table, where no annotation can stand
MADE = {
    "subscribe": ("(topic: str | bytes)", "None"),
    "unsubscribe": ("(topic: str | bytes)", "None"),
}
MADE_ATTRIBUTES = {"hwm": "int"}


def typed_signature(
    app: Any, what: str, name: str, obj: Any, settings: Any, signature: str | None, returns: Any
) -> tuple[str, str] | None:
    """Answer autodoc with the signature of the stub, for what the core defines."""
    found = from_stub(what, name, obj)
    if found is None and name.rpartition(".")[2] in MADE and signature == "(topic)":
        found = MADE[name.rpartition(".")[2]]
    signature, returned = found or (signature, returns)
    if signature is None:
        return None
    return PRIVATE.sub("Self", signature), PRIVATE.sub("Self", returned or "")


def from_stub(what: str, name: str, obj: Any) -> tuple[str, str] | None:
    """Return the signature and the returned type of compiled code."""
    if what not in ("class", "function", "method"):
        return None
    if "." not in (where := getattr(obj, "__qualname__", "")):
        module = getattr(obj, "__module__", None) or ""
        if not module.startswith("zmqlite._native"):
            return None
    key = f"{where}.__init__" if what == "class" else where
    # a method may be of a class below, and the stub shows it in the one that people know
    node = STUBS.get(key) or STUBS.get(".".join(name.split(".")[-2:]))
    if not isinstance(node, ast.FunctionDef) or hasattr(obj, "__code__"):
        return None
    arguments = ast.unparse(node.args)
    if what in ("method", "class"):
        arguments = arguments.removeprefix("self").removeprefix(", ").removeprefix("/, ")
    returned = "" if what == "class" or node.returns is None else ast.unparse(node.returns)
    return f"({arguments})", returned


def type_attributes(app: Any, tree: nodes.document) -> None:
    """Write the types of compiled attributes behind their names, where autodoc finds none."""
    for entry in tree.findall(addnodes.desc):
        if entry["objtype"] != "attribute":
            continue
        for line in entry.findall(addnodes.desc_signature):
            if "fullname" in line and not list(line.findall(addnodes.desc_annotation)):
                kind = attribute_type(line["fullname"])
                line += addnodes.desc_annotation("", f": {kind}" if kind else "")


def attribute_type(name: str) -> str:
    """Return the type of an attribute, such as Frame.more, or nothing."""
    node = STUBS.get(name)
    if isinstance(node, ast.FunctionDef) and node.returns is not None:
        found = ast.unparse(node.returns)
    elif isinstance(node, ast.AnnAssign):
        found = ast.unparse(node.annotation)
    else:
        found = MADE_ATTRIBUTES.get(name.rpartition(".")[2], "")
    return found.replace("builtins.", "")


# -- what is shown elsewhere ----------------------------------------------------------------------


def skip_member(app: Any, what: str, name: str, obj: Any, skip: bool, settings: Any) -> bool:
    """Leave out options, and on the page of a loop what is as in the plain module."""
    if skip or (type(obj).__module__ == OPTIONS and name not in SHOWN):
        return True
    if name.isupper() and name.lower() in SHOWN:
        return True
    loop = app.env.docname.rpartition("/")[2]
    if loop in LOOPS:
        plain = (getattr(getattr(zmq, kind), name, None) for kind in ("Socket", "Context"))
        return name.startswith("_") or any(obj is each for each in plain)
    return skip


# -- directives -----------------------------------------------------------------------------------


def constants() -> Iterator[tuple[str, Any]]:
    """Yield the flat names that are values: of enums, and plain numbers and texts."""
    for name in zmq.__all__:
        value = getattr(zmq, name)
        if name == "__version__":
            continue
        if (not isinstance(value, type) and not callable(value)) or isinstance(
            value, zmq.SocketType
        ):
            yield name, value


class ConstantTable(SphinxDirective):
    """Draw the flat names, and put them into the inventory."""

    def run(self) -> list[nodes.Node]:
        domain = self.env.get_domain("py")
        lines = []
        for name, value in constants():
            family = type(value).__name__ if isinstance(value, int) else ""
            cell = literal(name)
            cell["ids"] = [f"zmqlite.{name}"]
            domain.note_object(f"zmqlite.{name}", "data", cell["ids"][0], location=cell)
            member = f"{family}.{value.name}" if hasattr(value, "name") else ""
            shown = str(int(value)) if isinstance(value, int) else repr(value)
            lines.append((cell, shown, literal(member) if member else ""))
        return [table(("name", "value", "member of an enum"), lines, (36, 20, 44))]


class MemberTable(SphinxDirective):
    """Draw the members of an enum of options with what each is for."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        family = self.arguments[0]
        docs = {row.name: row.doc for row in ROWS[family]}
        domain = self.env.get_domain("py")
        lines = []
        for name, member in getattr(zmq, family).__members__.items():
            cell = literal(name)
            cell["ids"] = [f"zmqlite.{family}.{name}"]
            domain.note_object(cell["ids"][0], "attribute", cell["ids"][0], location=cell)
            what = docs.get(name, "")
            if member.name != name:
                what = f"an older name of {member.name}"
            lines.append((cell, str(member.value), what))
        return [table(("member", "value", "what it is for"), lines, (30, 8, 62))]


class ModuleList(SphinxDirective):
    """Draw the public modules below a package: name, first line of the docstring."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        spec = find_spec(self.arguments[0])
        if spec is None or spec.submodule_search_locations is None:
            raise self.error(f"{self.arguments[0]} is no package")
        lines = [
            (literal(name), summary)
            for name, summary in modules(self.arguments[0], list(spec.submodule_search_locations))
        ]
        return [table(("module", "what it is"), lines, (40, 60))]


def modules(package: str, folders: list[str]) -> Iterator[tuple[str, str]]:
    """Yield the public modules of a package and its packages, without importing them."""
    for info in pkgutil.iter_modules(folders):
        if info.name.startswith("_"):
            continue
        path = Path(info.module_finder.path, info.name)  # type: ignore[union-attr]
        source = path / "__init__.py" if info.ispkg else path.with_suffix(".py")
        doc = ast.get_docstring(ast.parse(source.read_text(encoding="utf-8"))) or ""
        yield (
            f"{package}.{info.name}",
            doc.partition("\n\n")[0].replace("\n", " ").replace("`", ""),
        )
        if info.ispkg:
            yield from modules(f"{package}.{info.name}", [str(path)])


def setup(app: Any) -> dict[str, Any]:
    app.setup_extension("sphinx.ext.autodoc")
    app.connect("autodoc-process-signature", typed_signature)
    app.connect("autodoc-skip-member", skip_member)
    app.connect("doctree-read", type_attributes)
    app.add_directive("member-table", MemberTable)
    app.add_directive("constant-table", ConstantTable)
    app.add_directive("module-list", ModuleList)
    return {"parallel_read_safe": True, "version": zmq.__version__}
