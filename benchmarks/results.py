"""The results file: where and with what was measured, and every sample."""

from __future__ import annotations

import importlib
import json
import os
import platform
import time
from pathlib import Path
from typing import Any

from workloads import MODULES


def start(seconds: float) -> dict[str, Any]:
    """Return an empty document that says where and with what it was measured."""
    versions = {"python": platform.python_version()}
    for library, module in MODULES.items():
        try:
            versions[library] = str(getattr(importlib.import_module(module), "__version__", "?"))
        except ImportError:
            continue
    cpu = [
        line.partition(":")[2].strip()
        for line in _read("/proc/cpuinfo").splitlines()
        if line.startswith("model name")
    ]
    return {
        "begun": time.strftime("%Y-%m-%d %H:%M:%S %Z"),
        "machine": f"{os.cpu_count()} x {cpu[0] if cpu else platform.machine()}",
        "system": platform.platform(),
        "versions": versions,
        "load_at_start": round(os.getloadavg()[0], 2),
        "seconds": seconds,
        "failures": [],
        "left_out": [],
        "samples": [],
    }


def _read(path: str) -> str:
    try:
        return Path(path).read_text()
    except OSError:
        return ""


def load(path: Path) -> dict[str, Any]:
    """Return the document that `save` wrote."""
    document: dict[str, Any] = json.loads(path.read_text())
    return document


def save(document: dict[str, Any], path: Path) -> None:
    """Write the results so that an interruption leaves the old file or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".part")
    draft.write_text(json.dumps(document, indent=1))
    draft.replace(path)
