"""What a package offers, as plain data: modules, names, enums, classes, signatures, ancestry.

    python surface.py PACKAGE       prints JSON: module -> name -> description; "*" lists all

Standard input is empty or JSON, module -> names: those are described too, wherever they come from.
Run in a process of its own, so that one package cannot lend its modules to the other.
"""

from __future__ import annotations

import ast
import enum
import importlib
import inspect
import json
import pkgutil
import sys
import types
import warnings
from pathlib import Path
from typing import Any

Description = dict[str, Any]
PLAIN = (bool, int, float, str, bytes, tuple, list, dict, type(None))
# What subclasses and `with` statements rely on; syntax calls these, so their signatures are free.
SPECIAL = ("__enter__", "__exit__", "__copy__", "__deepcopy__", "__getitem__", "__len__",
           "__contains__", "__class_getitem__")  # fmt: skip


def modules_of(package: str) -> list[str]:
    """Return the public modules of a package, relative to it.

    Its tests are none, nor are the files in the folder of an event loop, which is one module, nor
    those of the command line.
    """
    root = importlib.import_module(package)
    found = [""]
    rooms = (
        ("asyncio.", "trio.", "green.", "cli") if package == "zmqlite" else ()
    )  # files of one module
    for info in pkgutil.walk_packages(root.__path__, f"{package}.", onerror=lambda name: None):
        name = info.name[len(package) + 1 :]
        hidden = any(part.startswith("_") or part == "tests" for part in name.split("."))
        if not hidden and not name.startswith(rooms):
            found.append(name)
    return found


def public_names(module: types.ModuleType) -> list[str]:
    """Return what a module lists, and what it makes itself without an underscore in front."""
    listed = set(getattr(module, "__all__", ()))
    assigned = assigned_in(module)
    for name, value in vars(module).items():
        if name.startswith("_") or isinstance(value, types.ModuleType):
            continue
        plain = isinstance(value, PLAIN) and not isinstance(value, enum.Enum)
        if name in assigned if plain else getattr(value, "__module__", "") == module.__name__:
            listed.add(name)
    return sorted(listed)


def assigned_in(module: types.ModuleType) -> set[str]:
    """Return the names that the module's own text gives a value to, imported ones left out."""
    names = set()
    for node in ast.parse(Path(module.__file__ or "").read_bytes()).body:
        targets = (
            [node.target] if isinstance(node, ast.AnnAssign) else getattr(node, "targets", [])
        )
        names |= {n.id for target in targets for n in ast.walk(target) if isinstance(n, ast.Name)}
    return names


def describe(value: Any) -> Description:
    if isinstance(value, enum.Enum):
        return {"kind": "member", "is": f"{type(value).__name__}.{value.name}={value.value}"}
    if isinstance(value, type) and issubclass(value, enum.Enum):
        ours = value.__module__ != "enum"
        members = (
            {name: member.value for name, member in value.__members__.items()} if ours else {}
        )
        return {
            "kind": "enum",
            "of": named(value),
            "ancestry": ancestry(value),
            "members": members,
        }
    value = getattr(value, "__origin__", value)  # Context[...] stands for Context
    if isinstance(value, type):
        return {
            "kind": "class",
            "of": named(value),
            "ancestry": ancestry(value),
            "members": members_of(value),
            "inherited": dir(value),
        }
    if callable(value):
        return {"kind": "function", "of": named(value), "signature": signature(value)}
    if isinstance(value, PLAIN):
        return {"kind": "value", "is": repr(value)}
    return {"kind": "object", "is": type(value).__name__}


def named(value: Any) -> str:
    return f"{value.__module__}.{value.__qualname__}"


def ancestry(cls: type) -> list[str]:
    """Return the ancestors of another name that is public."""
    names = [base.__name__ for base in cls.__mro__[1:] if base is not object]
    return [name for name in names if name != cls.__name__ and not name.startswith("_")]


def members_of(cls: type) -> dict[str, Description]:
    """Describe the constructor and the public members, those of the standard library left out."""
    init = cls.__init__ if isinstance(cls.__init__, types.FunctionType) else cls
    found = {"__init__": {"kind": "method", "signature": signature(init)}}
    for base in cls.__mro__:
        if base.__module__.split(".")[0] not in ("zmq", "zmqlite"):
            continue
        for name in vars(base):
            if (name in SPECIAL or not name.startswith("_")) and name not in found:
                found[name] = member(cls, name)
    return found


def member(cls: type, name: str) -> Description:
    if name in SPECIAL:
        return {"kind": "special"}
    raw, value = inspect.getattr_static(cls, name), getattr(cls, name)
    if isinstance(raw, classmethod):
        return {"kind": "classmethod", "signature": signature(value)}
    if isinstance(raw, type):
        return {"kind": "class"}
    if inspect.isroutine(value) or type(value).__name__ == "cython_function_or_method":
        return {"kind": "method", "signature": signature(value)}
    return {"kind": "attribute"}


def signature(value: Any) -> list[list[str]] | None:
    """Return [name, kind, default] for each parameter; None where Python cannot tell."""
    try:
        found = inspect.signature(value)
    except (ValueError, TypeError):
        return None
    parameters = list(found.parameters.values())
    if parameters and parameters[0].name in ("self", "cls"):
        del parameters[0]
    return [[p.name, p.kind.name.lower(), default(p)] for p in parameters]


def default(parameter: inspect.Parameter) -> str:
    if parameter.default is inspect.Parameter.empty:
        return ""
    value = parameter.default
    plain_number = isinstance(value, int) and not isinstance(value, bool)
    return repr(int(value) if plain_number else value)


def surface(package: str, wanted: dict[str, list[str]]) -> dict[str, dict[str, Description]]:
    found = {}
    for name in sorted({*modules_of(package), *wanted}):
        try:
            module = importlib.import_module(f"{package}.{name}" if name else package)
        except ImportError as error:
            if (error.name or package).split(".")[0] != package.split(".")[0]:
                raise  # something that the test needs is not installed
            continue  # such as a backend that was not built
        names = {*public_names(module), *wanted.get(name, ())}
        found[name] = {
            entry: describe(getattr(module, entry))
            for entry in sorted(names)
            if hasattr(module, entry)
        }
        found[name]["*"] = {"kind": "listing", "names": dir(module)}  # not only what is public
    return found


if __name__ == "__main__":
    warnings.simplefilter("ignore")  # deprecated modules say so
    names = json.loads(sys.stdin.read() or "{}")
    json.dump(surface(sys.argv[1], names), sys.stdout)
