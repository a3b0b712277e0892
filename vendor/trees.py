"""Unpack, patch, prune and identify a source tree."""

from __future__ import annotations

import hashlib
import re
import shutil
import tarfile
from contextlib import suppress
from pathlib import Path

import unidiff
from pins import FetchError, Patch, Pin


def unpack(origin: Path, work: Path, keep: tuple[str, ...]) -> Path:
    """Unpack a tarball, or copy the interesting part of a tree, into `work`; return the tree."""
    target = work / "tree"
    if origin.is_dir():
        target.mkdir()
        for name in keep:
            entry = origin / name
            if entry.is_dir():
                shutil.copytree(entry, target / name, ignore=shutil.ignore_patterns(".git"))
            elif entry.is_file():
                shutil.copy2(entry, target / name)
        return target
    _extract(origin, target)
    inner = [p for p in target.iterdir() if not p.name.startswith(".")]
    return inner[0] if len(inner) == 1 and inner[0].is_dir() else target


def _extract(origin: Path, target: Path) -> None:
    target.mkdir()
    try:
        with tarfile.open(origin) as archive:
            for member in archive:
                path = (target / member.name).resolve()
                # links are not needed, and a name must not lead out of the folder
                if (member.isfile() or member.isdir()) and path.is_relative_to(target.resolve()):
                    member.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
                    if hasattr(tarfile, "data_filter"):
                        archive.extract(member, target, filter="data")
                    else:
                        archive.extract(member, target)
    except (tarfile.TarError, EOFError, OSError) as error:
        raise FetchError(f"{origin.name} cannot be unpacked: {error}") from error


def patch_tree(
    pin: Pin, tree: Path, version: str, changes: Path | None, work: Path
) -> tuple[list[str], list[str]]:
    """Apply the distribution's patch series, then ours; return the names of both.

    Raises FetchError if one does not fit that the PIN says must fit.
    """
    theirs: list[str] = []
    ours: list[str] = []
    try:
        if changes is not None:
            theirs = _apply_series(tree, changes, work)
        for patch in pin.patches_for(version, tuple(theirs)):
            try:
                _apply_first(patch.texts(version), tree, f"{pin.name} patch {patch.path.name}")
                ours.append(patch.path.name)
            except unidiff.PatchError as error:
                if patch.must_fit(version):
                    raise
                print(f"WARNING: {pin.name} {version} is built without {_kind(patch)}: {error}")
    except unidiff.PatchError as error:
        raise FetchError(str(error)) from error
    return theirs, ours


def _kind(patch: Patch) -> str:
    return "what only makes it faster" if patch.only_speed else "a fix"


def _apply_first(texts: list[str], tree: Path, label: str) -> None:
    """Apply the first text that fits; raise what is wrong with the last one if none does."""
    for text in texts[:-1]:
        with suppress(unidiff.PatchError):
            unidiff.apply(text, tree, label)
            return
    unidiff.apply(texts[-1], tree, label)


def _apply_series(tree: Path, changes: Path, work: Path) -> list[str]:
    folder = work / "changes"
    _extract(changes, folder)
    patches = folder / "debian" / "patches"
    series = patches / "series"
    applied: list[str] = []
    for line in series.read_text(encoding="utf-8").splitlines() if series.is_file() else []:
        words = line.split("#")[0].split()
        if words:
            strip = next((int(w[2:]) for w in words[1:] if re.fullmatch(r"-p\d", w)), 1)
            text = (patches / words[0]).read_bytes().decode("utf-8", "surrogateescape")
            unidiff.apply(text, tree, f"distribution patch {words[0]}", strip)
            applied.append(words[0])
    return applied


def prune(tree: Path, keep: tuple[str, ...]) -> None:
    """Delete everything at the top of the tree that is not wanted."""
    for path in tree.iterdir():
        if path.name not in keep:
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def digest_tree(tree: Path, keep: tuple[str, ...]) -> str:
    """Return one hash over the names and contents of the wanted files."""
    digest = hashlib.sha256()
    for name in sorted(keep):
        top = tree / name
        files = [top] if top.is_file() else sorted(p for p in top.rglob("*") if p.is_file())
        for path in files:
            data = path.read_bytes()
            label = path.relative_to(tree).as_posix()
            digest.update(f"{label}\0{len(data)}\0".encode() + data)
    return digest.hexdigest()


def read_version(name: str, tree: Path) -> str:
    """Read the version of an unpacked tree or of an include folder."""
    if name == "libzmq":
        header = _first(tree, "include/zmq.h", "zmq.h")
        numbers = dict(re.findall(r"#define ZMQ_VERSION_(MAJOR|MINOR|PATCH) (\d+)", header))
        version = ".".join(numbers.get(part, "") for part in ("MAJOR", "MINOR", "PATCH"))
        pattern = r"\d+\.\d+\.\d+"
    else:
        text = _first(tree, "configure.ac", "sodium/version.h")
        found = re.search(r'(?:AC_INIT\(\[libsodium\],\s*\[|VERSION_STRING ")([\d.]+)', text)
        version = found[1] if found else ""
        pattern = r"[\d.]+"
    if not re.fullmatch(pattern, version):
        raise FetchError(f"{tree} does not look like {name}: it tells no version")
    return version


def _first(tree: Path, *names: str) -> str:
    for name in names:
        if (tree / name).is_file():
            return (tree / name).read_text(encoding="utf-8", errors="replace")
    return ""
