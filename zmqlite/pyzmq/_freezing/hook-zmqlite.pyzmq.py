"""For PyInstaller: which modules and files a program needs that imports `zmqlite.pyzmq`.

Such a program says `import zmq.asyncio`, and no analysis of its text leads from there to ours. So
all modules are taken, but for those that need an event loop of someone else's: these only where
the program has that loop, or names the module.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

LOOPS = {"gevent": ("green",), "tornado": ("eventloop", "green.eventloop", "auth.ioloop")}
NOT_FROZEN = ("_path.zmq", "_freezing")


def hook(hook_api: Any) -> None:
    """Add them to what PyInstaller collects."""
    package, folder = hook_api.__name__, Path(hook_api.__path__[0])
    for name in modules(folder):
        if all(asked_for(hook_api.graph, loop, name) for loop in needed(name)):
            hook_api.add_imports(f"{package}.{name}")
    inside = Path(*package.split("."))
    for file in folder.glob("_path/*.dist-info/METADATA"):
        target = inside / file.parent.relative_to(folder)
        hook_api.add_datas([(str(file), str(target))])


def modules(folder: Path) -> list[str]:
    """Return the names of the modules in the package that lies in a folder, below its own."""
    files = (file.relative_to(folder).with_suffix("").parts for file in folder.rglob("*.py"))
    names = {".".join(part for part in parts if part != "__init__") for parts in files}
    return sorted(name for name in names if name and not name.startswith(NOT_FROZEN))


def needed(name: str) -> list[str]:
    """Return the loops without which a module cannot be imported."""
    return [
        loop
        for loop, rooms in LOOPS.items()
        if any(name == room or name.startswith(f"{room}.") for room in rooms)
    ]


def asked_for(graph: Any, loop: str, name: str) -> bool:
    """Whether the program has a loop, or names the module, be it one that was not found."""
    return any(graph.find_node(one) is not None for one in (loop, f"zmq.{name}"))
