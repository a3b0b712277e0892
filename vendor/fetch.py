"""Bring the source of libzmq and libsodium: `python vendor/fetch.py` unpacks both.

Order (the first that works wins):

1. the environment variable (ZMQLITE_LIBZMQ, ZMQLITE_LIBSODIUM): an unpacked tree, a tarball,
   an installed prefix (include/ and lib/), or the word `system`;
2. a tree that is already unpacked, if its stamp matches the PIN and our patches;
3. the distribution's source package through apt;
4. the upstream release, by URL and hash;
5. a library that pkg-config finds.

Trees appear under vendor/<name>/unpacked/ in one rename, so any number of builds may run at
the same time. Only the standard library is needed.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import debian
from pins import FetchError, Pin, digest_file, digest_patches, read_pin
from trees import digest_tree, patch_tree, prune, read_version, unpack

STAMP = "zmqlite-stamp.json"
_TIMEOUT = 60  # seconds without a byte from a download


@dataclass(frozen=True)
class Source:
    """Where one project comes from.

    `kind` is "tree" (compile it), "prefix" (link the archive in it) or "system" (link what
    pkg-config names). `path` is the tree or the prefix, `sha256` the hash of the tarball or of
    the tree.
    """

    name: str
    kind: str
    version: str
    origin: str
    path: str = ""
    sha256: str = ""
    patches: str = ""
    distribution_patches: list[str] = field(default_factory=list[str])
    own_patches: list[str] = field(default_factory=list[str])


def obtain(name: str, say: Callable[[str], None] = print) -> Source:
    """Return a usable source of `name`, fetching and unpacking it if need be.

    Raises FetchError with one sentence that lists everything that was tried.
    """
    pin = read_pin(name)
    chosen = os.environ.get(pin.environment, "").strip()
    if chosen:
        return _explicit(pin, chosen)
    source = find_unpacked(pin)
    if source:
        return source
    tried = ["no unpacked tree matches its PIN"]
    for way in (_from_distribution, _from_upstream, _from_pkgconfig):
        try:
            source = way(pin, say)
        except FetchError as error:
            tried.append(str(error))
        else:
            say(f"{name} {source.version}: {source.origin}")
            return source
    raise FetchError(
        f"cannot obtain {name} {pin.version}: {'; '.join(tried)}. Set {pin.environment} to a "
        "tarball, to an unpacked tree or to `system`, or let this machine reach its "
        "distribution's source packages or the upstream release."
    )


def find_unpacked(pin: Pin) -> Source | None:
    """Return the unpacked tree whose stamp matches the PIN, the pinned version first."""
    found: list[Source] = []
    for root in _roots(pin):
        for stamp in sorted(root.glob(f"*/{STAMP}")):
            with suppress(OSError, ValueError, TypeError):
                source = _read_stamp(stamp)
                if _matches(pin, source):
                    found.append(source)
    return max(found, key=lambda s: s.version == pin.version, default=None)


def _read_stamp(stamp: Path) -> Source:
    fields: dict[str, Any] = json.loads(stamp.read_text(encoding="utf-8"))
    return replace(Source(**fields), path=str(stamp.parent))


def _matches(pin: Pin, source: Source) -> bool:
    ours = pin.patches_for(source.version, tuple(source.distribution_patches))
    return pin.by_hash(source.sha256) is not None and source.patches == digest_patches(ours)


def _roots(pin: Pin) -> list[Path]:
    # the second one serves a checkout that we may not write to
    return [pin.folder / "unpacked", cache_folder() / "unpacked" / pin.name]


def cache_folder() -> Path:
    """Return the per-user cache: ZMQLITE_CACHE, or the platform's usual place."""
    if chosen := os.environ.get("ZMQLITE_CACHE"):
        return Path(chosen).expanduser().absolute()
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or "~/AppData/Local"
    elif sys.platform == "darwin":
        base = "~/Library/Caches"
    else:
        base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser().absolute() / "zmqlite"


def _explicit(pin: Pin, chosen: str) -> Source:
    if chosen == "system":
        return _from_pkgconfig(pin, print)
    path = Path(chosen).expanduser().absolute()
    if (path / STAMP).is_file():  # a tree of ours: already patched
        return _read_stamp(path / STAMP)
    if path.is_file():
        return _install(pin, path, None, "", digest_file(path), f"tarball {path.name}")
    if (path / "src").is_dir():
        return _install(pin, path, None, "", digest_tree(path, pin.keep), f"tree {path.name}")
    if (path / "include").is_dir():
        version = read_version(pin.name, path / "include")
        return Source(pin.name, "prefix", version, "installed prefix", str(path))
    raise FetchError(
        f"{pin.environment}={chosen} is neither a tarball, nor an unpacked tree (src/), nor an "
        "installed prefix (include/), nor the word `system`"
    )


def _from_distribution(pin: Pin, say: Callable[[str], None]) -> Source:
    say(f"{pin.name}: asking the distribution for its source package {pin.debian}")
    with tempfile.TemporaryDirectory(prefix="zmqlite-apt-") as work:
        tarball, upstream, changes, revision = debian.download(pin, Path(work))
        origin = f"distribution source {pin.debian} {revision}"
        return _install(pin, upstream, changes, tarball.version, tarball.sha256, origin)


def _from_upstream(pin: Pin, say: Callable[[str], None]) -> Source:
    failures: list[str] = []
    wanted = [t for t in pin.tarballs if t.url]
    for tarball in sorted(wanted, key=lambda t: t.version != pin.version):
        say(f"{pin.name}: downloading {tarball.filename}")
        with tempfile.TemporaryDirectory(prefix="zmqlite-get-") as work:
            path = Path(work) / tarball.filename
            try:
                with urllib.request.urlopen(tarball.url or "", timeout=_TIMEOUT) as response:
                    path.write_bytes(response.read())
            except OSError as error:
                failures.append(f"{tarball.filename} cannot be downloaded ({error})")
                continue
            if digest_file(path) != tarball.sha256:
                failures.append(f"{tarball.filename} came with a wrong hash and was thrown away")
                continue
            origin = f"upstream release {tarball.filename}"
            return _install(pin, path, None, tarball.version, tarball.sha256, origin)
    raise FetchError("; ".join(failures) or "no upstream release is pinned")


def _from_pkgconfig(pin: Pin, say: Callable[[str], None]) -> Source:
    tool = os.environ.get("PKG_CONFIG") or "pkg-config"
    try:
        words = [tool, "--modversion", pin.pkgconfig]
        answer = subprocess.run(words, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise FetchError(f"pkg-config finds no installed {pin.pkgconfig}") from error
    if pin.name == "libzmq":
        say(
            "*" * 78 + "\nWARNING: zmqlite links this machine's shared libzmq. It lacks what its "
            "packager left out,\nusually every draft (SERVER, CLIENT, RADIO, DISH, ...), and all "
            "of zmqlite's own patches,\namong them those against remote aborts over UDP and "
            "PLAIN.\n" + "*" * 78
        )
    return Source(pin.name, "system", answer.stdout.strip(), f"system {pin.pkgconfig}")


def _install(
    pin: Pin, origin: Path, changes: Path | None, version: str, sha256: str, label: str
) -> Source:
    """Unpack (or copy), patch, prune and stamp a tree, then rename it into its place."""
    root, work = _workplace(pin)
    try:
        tree = unpack(origin, work, pin.keep)
        version = version or read_version(pin.name, tree)
        theirs, ours = patch_tree(pin, tree, version, changes, work)
        prune(tree, pin.keep)
        digest = digest_patches(pin.patches_for(version, tuple(theirs)))
        source = Source(pin.name, "tree", version, label, "", sha256, digest, theirs, ours)
        (tree / STAMP).write_text(json.dumps(asdict(source), indent=1) + "\n", encoding="utf-8")
        final = root / f"{version}-{digest_tree(tree, (*pin.keep, STAMP))[:12]}"
        with suppress(OSError):  # someone else was faster with the same content
            tree.rename(final)
        return replace(source, path=str(final))
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _workplace(pin: Pin) -> tuple[Path, Path]:
    for root in _roots(pin):
        with suppress(OSError):
            root.mkdir(parents=True, exist_ok=True)
            return root, Path(tempfile.mkdtemp(prefix=".new-", dir=root))
    raise FetchError(f"{pin.name} can be unpacked nowhere: set ZMQLITE_CACHE to a folder of yours")


def main() -> int:
    """Fetch both projects and print where they are."""
    try:
        for name in sys.argv[1:] or ("libzmq", "libsodium"):
            source = obtain(name)
            place = source.path or source.kind
            print(f"{source.name} {source.version} ({source.origin}): {place}")
    except FetchError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
