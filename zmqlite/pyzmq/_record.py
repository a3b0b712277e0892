"""What an installer knows of a package: its RECORD, by which it removes the package's files.

A file that `activate` writes is entered there, so that uninstalling zmqlite takes it away as well.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import os
from collections.abc import Iterable
from contextlib import suppress
from importlib import metadata
from pathlib import Path

__all__ = ["enter", "holds", "strike"]

PACKAGE = "zmqlite"
Rows = list[list[str]]


def find(folders: Iterable[Path]) -> Path | None:
    """Return the RECORD of the zmqlite that is installed in the first such folder of these."""
    for folder in folders:
        for distribution in metadata.distributions(name=PACKAGE, path=[str(folder)]):
            for file in distribution.files or ():
                if file.name == "RECORD" and file.parent.suffix == ".dist-info":
                    return Path(str(distribution.locate_file(file)))
    return None


def enter(path: Path, folders: Iterable[Path]) -> bool:
    """Let the zmqlite in one of these folders own a file; tell whether it does.

    It does not where an installer keeps no RECORD, or where that cannot be written.
    """
    record = find(folders)
    if record is None:
        return False
    text = path.read_bytes()
    digest = base64.urlsafe_b64encode(hashlib.sha256(text).digest()).rstrip(b"=").decode()
    row = [entry(path, record), f"sha256={digest}", str(len(text))]
    with suppress(OSError):
        rows = [other for other in read(record) if other[0] != row[0]]
        write(record, [*rows, row])
    return holds(path, folders)


def strike(path: Path, folders: Iterable[Path]) -> None:
    """Undo `enter`, where that can be done."""
    record = find(folders)
    if record is None:
        return
    with suppress(OSError):
        rows = read(record)
        left = [row for row in rows if row[0] != entry(path, record)]
        if left != rows:
            write(record, left)


def holds(path: Path, folders: Iterable[Path]) -> bool:
    """Tell whether the zmqlite in one of these folders owns a file."""
    record = find(folders)
    return record is not None and any(row[0] == entry(path, record) for row in read(record))


def entry(path: Path, record: Path) -> str:
    """Return how a RECORD names a file: from the folder where the package lies, with slashes."""
    return Path(os.path.relpath(path, record.parents[1])).as_posix()


def read(record: Path) -> Rows:
    """Return the rows of a RECORD."""
    with record.open(encoding="utf-8", newline="") as file:
        return [row for row in csv.reader(file) if row]


def write(record: Path, rows: Rows) -> None:
    """Replace a RECORD in one step."""
    ending = "\r\n" if b"\r\n" in record.read_bytes() else "\n"  # pip writes the former
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator=ending).writerows(rows)
    fresh = record.with_name(f"RECORD.{os.getpid()}")
    try:
        fresh.write_text(text.getvalue(), encoding="utf-8", newline="")
        fresh.replace(record)
    except OSError:
        fresh.unlink(missing_ok=True)
        raise
