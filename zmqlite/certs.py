"""CURVE keys in files, in the format that czmq and pyzmq read and write too.

A certificate is a text of two sections; lines that begin with # are comments:

    metadata
        name = alice
    curve
        public-key = "..."
        secret-key = "..."

`name.key` has the public key alone, to be given away; `name.key_secret` has both, and only its
owner may read it. The metadata go with the secret.
"""

from __future__ import annotations

import datetime
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ._native.core import curve_keypair

__all__ = ["KeyFolder", "create_certificates", "load_certificate", "load_certificates"]

_PUBLIC_HEAD = """\
# CURVE certificate of {name}, public half; made on {date}.
# Give it to those who shall know {name}, in a way that nobody can tamper with.
"""
_LARGEST = 1 << 16
_SECRET_HEAD = """\
# CURVE certificate of {name}, SECRET; made on {date}.
# Show this file to nobody, and let nobody but its owner read it.
"""


def create_certificates(
    key_dir: str | os.PathLike[str], name: str, metadata: Mapping[str, str] | None = None
) -> tuple[str, str]:
    """Make a key pair, write it to two files, and return their paths: (public, secret).

    They are `name.key` and `name.key_secret` in the folder `key_dir`; files of these names are
    replaced. Only the owner can read the second. Raises `OSError` when they cannot be written.
    """
    public, secret = (key.decode("ascii") for key in curve_keypair())
    properties = (metadata or {}).items()
    lines = [f"    {_line(key)} = {_line(value)}\n" for key, value in properties]
    date = datetime.datetime.now().isoformat(" ", "seconds")
    heads = (head.format(name=_line(name), date=date) for head in (_PUBLIC_HEAD, _SECRET_HEAD))
    public_text, secret_text = (f"{head}\nmetadata\n" for head in heads)
    keys = f'curve\n    public-key = "{public}"\n'
    public_file = f"{Path(key_dir, name)}.key"
    secret_file = f"{public_file}_secret"
    Path(public_file).write_text(public_text + keys, encoding="utf-8")
    secret_text += "".join(lines) + keys + f'    secret-key = "{secret}"\n'
    _write_private(secret_file, secret_text)
    return public_file, secret_file


def _line(text: str | bytes) -> str:
    """Return text that cannot be taken for two lines."""
    plain = text.decode() if isinstance(text, bytes) else str(text)
    if len(plain.splitlines()) > 1 or plain.endswith("\n"):
        raise ValueError(f"a line break is not possible in a certificate: {plain!r}")
    return plain


def _write_private(path: str, text: str) -> None:
    """Write a file that was never readable by others, not even for a moment."""
    Path(path).unlink(missing_ok=True)  # an old one may be open to all
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)


def load_certificate(filename: str | os.PathLike[str]) -> tuple[bytes, bytes | None]:
    """Return the keys in a certificate, in Z85: (public, secret), None for one that has no secret.

    Raises `OSError` when there is no such file, and `ValueError` when it has no public key.
    """
    keys: dict[bytes, bytes] = {}
    section = b""
    with Path(filename).open("rb") as file:
        data = file.read(_LARGEST + 1)  # it may be anything, even endless
    if len(data) > _LARGEST:
        raise ValueError(f"{os.fspath(filename)} is too large to be a certificate")
    for raw in data.splitlines():
        line = raw.strip()
        if not line or line.startswith(b"#"):
            continue
        name, equals, value = line.partition(b"=")
        if not equals:
            section = line
        elif section != b"metadata":
            keys.setdefault(name.strip(), value.strip(b" \t'\""))
    public = keys.get(b"public-key")
    if not public:
        raise ValueError(f"there is no public key in {os.fspath(filename)}")
    return public, keys.get(b"secret-key") or None


def load_certificates(directory: str | os.PathLike[str] = ".") -> dict[bytes, bool]:
    """Return the public keys, in Z85, of all `*.key` files in a folder: key -> True. What is no
    file, such as a FIFO, is left out.

    Raises `OSError` when there is no such folder, and `ValueError` for a file without a key.
    """
    folder = Path(directory)
    if not folder.is_dir():
        raise NotADirectoryError(f"no folder of certificates: {os.fspath(directory)}")
    files = sorted(path for path in folder.glob("*.key") if not _is_odd(path))
    return {load_certificate(path)[0]: True for path in files}


class KeyFolder:
    """The public keys of a folder of certificates, read again when the folder has changed."""

    PAUSE = 0.2  # seconds between looks
    FRESH = 2.0  # seconds after which a change shows in the time that a file bears

    def __init__(self, folder: str | os.PathLike[str], log: Any) -> None:
        self._folder, self._log = Path(folder), log
        self._keys: frozenset[bytes] = frozenset()
        self._seen: Any = None
        self._looked = 0.0
        self._complaints: set[str] = set()
        self._look()

    def __call__(self, domain: str, key: bytes) -> bool:
        if time.monotonic() - self._looked >= self.PAUSE:
            self._look()
        return key in self._keys

    def _look(self) -> None:
        self._looked = time.monotonic()
        complaints: set[str] = set()
        try:
            files = sorted(one for one in self._folder.iterdir() if one.name.endswith(".key"))
        except OSError as error:
            complaints.add(f"no folder of keys {self._folder}: nobody comes in ({error})")
            self._keys, self._seen = frozenset(), None
        else:
            seen = [(file, *_mark(file)) for file in files]
            if seen != self._seen:
                begin = time.time_ns()
                self._keys = frozenset(filter(None, (self._key(one, complaints) for one in files)))
                # A file that changes once more before its clock ticks would look the same, and
                # what could not be read may be readable now.
                fresh = any(begin - max(times) < self.FRESH * 1e9 for _, times, *_ in seen)
                self._seen = None if fresh or complaints else seen
        for complaint in sorted(complaints - self._complaints):
            self._log.error("%s", complaint)
        self._complaints = complaints

    def _key(self, file: Path, complaints: set[str]) -> bytes:
        try:
            if _is_odd(file):
                raise ValueError("it is no file")
            return load_certificate(file)[0]
        except (OSError, ValueError) as error:
            complaints.add(f"no key from {file}: {error}")
            return b""


def _is_odd(path: Path) -> bool:
    """Return whether it is there and no file: to open a FIFO, say, waits for who writes to it."""
    return path.exists() and not path.is_file()


def _mark(file: Path) -> tuple[tuple[int, int], int, int]:
    try:
        found = file.stat()
    except OSError:  # it is gone, or a link to nothing: `_key` says so
        return (0, 0), 0, 0
    return (found.st_mtime_ns, found.st_ctime_ns), found.st_size, found.st_ino
